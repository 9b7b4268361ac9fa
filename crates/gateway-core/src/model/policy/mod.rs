//! What is done about requests besides the filters that the Gateway API has.
//!
//! A [`Policy`] is attached to a listener, a route or a rule, and everything that is attached
//! to any of them holds: limits of all three count. A rule's stack has them in the order of
//! [`Stage`], and those of one stage from the listener inwards, as they are written. A policy
//! can also stand [among a rule's or a backend's filters](super::Filter::Policy), where the
//! written order is all that counts.
//!
//! Where no requests are read, on stream routes and their listeners, a policy is a
//! [`StreamPolicy`] or it is refused.

mod asked;
#[cfg(feature = "jwt")]
mod jwt;
mod set;
mod stage;
mod stream;

use std::sync::Arc;

use gateway_filters::{
    AccessControl, Answer, ApiKeys, Bandwidth, BasicAuth, BodyLimit, CircuitBreaker,
    ConcurrencyLimit, Csrf, ErrorBodies, ExtAuth, Fault, HeaderValues, RateLimit, RequestIds,
};

pub use self::asked::Asked;
#[cfg(feature = "jwt")]
pub use self::jwt::JwtPolicy;
pub use self::set::{Policies, PolicySet};
pub use self::stage::Stage;
#[cfg(feature = "server")]
pub(crate) use self::stream::countable;
pub use self::stream::{StreamPolicy, UnfitPolicy};
use super::BackendTarget;

/// One thing that is done about requests, with its settings.
///
/// What a policy remembers (how much of a limit is used, whether a circuit is open) belongs
/// to where it is attached and outlives changes of the configuration, as long as its own
/// settings stay.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Policy {
    /// Gives errors a body.
    ErrorBodies(Arc<ErrorBodies>),
    /// Gives every request a name.
    RequestId(Arc<RequestIds>),
    /// Compresses responses.
    #[cfg(feature = "compression")]
    Compression(Arc<gateway_filters::Compression>),
    /// Refuses requests by who sent them and what they ask for.
    Access(Arc<AccessControl>),
    /// Limits the size of bodies.
    BodyLimit(Arc<BodyLimit>),
    /// Lets so many requests pass in a time.
    RateLimit(Arc<RateLimit>),
    /// Asks a service whether there is room for a request.
    #[cfg(feature = "global-rate-limit")]
    GlobalRateLimit(Arc<Asked<gateway_filters::GlobalRateLimit>>),
    /// Limits how many requests are served at the same time.
    ConcurrencyLimit(Arc<ConcurrencyLimit>),
    /// Lets so many bytes of each request's body pass in a second.
    RequestBandwidth(Bandwidth),
    /// Lets so many bytes of each response's body pass in a second.
    ResponseBandwidth(Bandwidth),
    /// Delays some requests and answers others with a failure.
    Fault(Arc<Fault>),
    /// Refuses what another site's page made a browser send.
    Csrf(Arc<Csrf>),
    /// Asks for a user's name and password.
    BasicAuth(Arc<BasicAuth>),
    /// Asks for a key that its holder was given.
    ApiKeys(Arc<ApiKeys>),
    /// Asks for a JSON Web Token.
    #[cfg(feature = "jwt")]
    Jwt(Arc<JwtPolicy>),
    /// Asks an HTTP service whether a request may pass.
    ExtAuth(Arc<Asked<ExtAuth>>),
    /// Asks a gRPC service whether a request may pass.
    #[cfg(feature = "ext-authz")]
    ExtAuthz(Arc<Asked<gateway_filters::ExtAuthz>>),
    /// Writes what is known of a request into its headers.
    RequestHeaderValues(Arc<HeaderValues>),
    /// Writes what is known of a request into the headers of its response.
    ResponseHeaderValues(Arc<HeaderValues>),
    /// Stops calling backends that fail or are slow.
    CircuitBreaker(Arc<CircuitBreaker>),
    /// Answers every request.
    DirectResponse(Arc<Answer>),
}

impl Policy {
    /// The backends that it asks, besides those that requests go to.
    pub fn backends(&self) -> Vec<&BackendTarget> {
        match self {
            Self::ExtAuth(asked) => vec![&asked.backend],
            #[cfg(feature = "ext-authz")]
            Self::ExtAuthz(asked) => vec![&asked.backend],
            #[cfg(feature = "global-rate-limit")]
            Self::GlobalRateLimit(asked) => vec![&asked.backend],
            #[cfg(feature = "jwt")]
            Self::Jwt(jwt) => jwt.backends().collect(),
            // No other kind sends anything by itself.
            _ => Vec::new(),
        }
    }
}
