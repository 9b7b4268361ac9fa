//! The configuration as a value: immutable, comparable, valid by construction.
//!
//! People who write Rust build it with the `with_…` methods; `gateway-k8s` builds
//! it from manifests. Nothing here knows of sockets, requests or Kubernetes.
//!
//! # Example
//!
//! ```
//! use gateway_core::model::{
//!     Backend, BackendRef, Configuration, Gateway, Hostname, Listener, PathMatch, Route, RouteMatch, Rule,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let route = Route::new("shop/cart").with_hostname(Hostname::new("shop.example.com")?).with_rule(
//!     Rule::new()
//!         .with_match(RouteMatch::path(PathMatch::prefix("/cart")?))
//!         .with_backend(BackendRef::new("shop/cart".into())),
//! );
//! let configuration = Configuration::new()
//!     .with_gateway(Gateway::new("shop/edge").with_listener(Listener::http("web", 8080).with_route(route)))
//!     .with_backend("shop/cart", Backend::new(["127.0.0.1:9000".parse()?]));
//!
//! assert_eq!(configuration, configuration.clone());
//! # Ok(())
//! # }
//! ```

mod backend;
mod backend_traffic;
mod certificate;
mod configuration;
mod filter;
mod hostname;
mod listener;
mod matching;
mod name;
mod policy;
mod reach;
mod route;
mod stream;
mod tls;
mod traffic;

pub use gateway_lb::persistence::{
    CookieSession, HeaderSession, InvalidSession, Lifetime, SameSite, SessionCarrier,
};

pub use self::backend::{
    Backend, BackendId, BackendProtocol, BackendPurpose, BackendRef, BackendTarget, Endpoints,
};
pub use self::backend_traffic::BackendTraffic;
pub use self::certificate::{Certificate, InvalidCertificate};
pub use self::configuration::Configuration;
pub use self::filter::{ExtensionRef, Filter, RequestMirror};
pub use self::hostname::{Hostname, InvalidHostname};
pub use self::listener::{Gateway, Listener, Protocol};
pub use self::matching::{
    HeaderMatch, InvalidMatch, PathMatch, Pattern, QueryMatch, RouteMatch, ValueMatch,
};
pub use self::name::{ObjectName, RuleRef, SectionName};
#[cfg(feature = "jwt")]
pub use self::policy::JwtPolicy;
#[cfg(feature = "server")]
pub(crate) use self::policy::countable;
pub use self::policy::{Asked, Policies, Policy, PolicySet, Stage, StreamPolicy, UnfitPolicy};
pub use self::reach::Reach;
pub use self::route::{Route, RouteKind, Rule, Timeouts};
pub use self::stream::{StreamRoute, StreamRouteKind, StreamTimeouts};
pub use self::tls::{
    BackendTls, ClientValidation, ClientValidationMode, SubjectAltName, TlsMode, TlsTermination,
    TlsVersions, Trust,
};
pub use self::traffic::{ConnectionLimits, ProxyProtocol, ProxyVersion, Strangers, UdpSettings};

/// Appends to a list that is written once and kept for long: no memory is left over.
fn add<T>(list: &mut Vec<T>, value: T) {
    list.reserve_exact(1);
    list.push(value);
}
