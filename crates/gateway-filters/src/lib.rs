#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! In reading order:
//!
//! | module | what its filter does |
//! |---|---|
//! | [`header_modifier`] | sets, adds and removes headers; the simplest, and the pattern of the others |
//! | [`path`] | replaces a path or its matched prefix; no layer, a part of the next two |
//! | [`redirect`] | answers with another URL |
//! | [`rewrite`] | changes the host and path that a backend sees |
//! | [`client_address`] | finds out who sent a request, when proxies stand in between |
//! | [`access`] | refuses requests by who sent them and what they ask for |
//! | [`cors`] | answers preflights and tells browsers which origins may read |
//! | [`rate_limit`] | lets so many requests pass in a time |
//! | [`fault`] | delays some requests and answers others with a failure, for tests |
//! | [`bandwidth`] | lets so many bytes pass in a second |
//! | [`api_key`] | asks for a key that its holder was given |
//! | [`basic_auth`] | asks for a user's name and password |
//! | `jwt` | asks for a JSON Web Token; feature `jwt` |
//! | [`csrf`] | refuses requests that another site's page made a browser send |
//! | [`ext_auth`] | asks an HTTP service whether a request may pass |
//! | `ext_authz` | asks a gRPC service whether a request may pass; feature `ext-authz` |
//! | `global_rate_limit` | asks a service whether there is room for a request; feature `global-rate-limit` |
//! | [`concurrency_limit`] | limits how many requests are served at the same time |
//! | [`body_limit`] | limits the size of bodies |
//! | [`request_id`] | gives every request a name |
//! | [`header_values`] | sets and adds headers made of what is known of the request |
//! | [`direct_response`] | answers every request with what the configuration says |
//! | [`error_bodies`] | gives errors a body that those who see it can make use of |
//! | `compression` | compresses responses; feature `compression` |
//! | [`timeout`] | limits the whole exchange, or one try at a backend |
//! | [`retry`] | sends a request again when a backend could not answer it |
//! | [`circuit_breaker`] | stops calling what fails or is slow, and tries again later |
//! | `mirror` | sends a copy to another backend and ignores the answer; feature `mirror` |
//!
//! Each has its settings, the function that obeys them, and the tower types: a layer, its service
//! and its future. What they share is here: [`RouteContext`] is what a router tells the filters,
//! [`Fraction`] chooses a share of all requests, [`CidrSet`] is a set of addresses, [`Answer`] is
//! what a layer tells a client by itself, [`Lookup`] finds what outer layers know, [`BoxError`] is
//! what layers that can fail pass on. [`template`] fills values into text, [`GrpcStatus`] says how
//! a call ended, [`guard`] and [`inquiry`] are what the filters that refuse requests are made of.
//!
//! # Features
//!
//! None is on by default: each brings a dependency that not everybody wants. `compression`:
//! coders. `jwt`: cryptography. `htpasswd` and `bcrypt`: hashes for passwords. `ext-authz` and
//! `global-rate-limit`: gRPC. `mirror`, as `bcrypt`: tokio's runtime. Without features there are
//! tokio's timers and semaphores, and no runtime: what waits wants to be polled in one.

pub mod access;
pub mod api_key;
pub mod bandwidth;
pub mod basic_auth;
pub mod body_limit;
pub mod circuit_breaker;
pub mod client_address;
#[cfg(feature = "compression")]
pub mod compression;
pub mod concurrency_limit;
pub mod cors;
pub mod csrf;
pub mod direct_response;
pub mod error_bodies;
pub mod ext_auth;
#[cfg(feature = "ext-authz")]
pub mod ext_authz;
pub mod fault;
#[cfg(feature = "global-rate-limit")]
pub mod global_rate_limit;
pub mod guard;
pub mod header_modifier;
pub mod header_values;
pub mod inquiry;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "mirror")]
pub mod mirror;
pub mod path;
pub mod rate_limit;
pub mod redirect;
pub mod request_id;
pub mod retry;
pub mod rewrite;
pub mod template;
pub mod timeout;

mod answer;
mod answer_body;
#[cfg(any(feature = "ext-authz", feature = "global-rate-limit"))]
mod call;
mod chunks;
mod cidr;
mod consumer;
mod context;
mod deferred;
mod error;
mod fraction;
mod framing;
mod grpc;
mod hostname;
mod lookup;
#[cfg(test)]
mod script;
mod slots;
mod status_set;
mod sync;
mod tunnel;

#[doc(inline)]
pub use self::access::{AccessControl, AccessLayer};
#[doc(inline)]
pub use self::answer::{Answer, AnsweredHere, InvalidAnswer};
#[doc(inline)]
pub use self::answer_body::AnswerBody;
#[doc(inline)]
pub use self::api_key::{ApiKeyLayer, ApiKeys};
#[doc(inline)]
pub use self::bandwidth::{Bandwidth, RequestBandwidthLayer, ResponseBandwidthLayer};
#[doc(inline)]
pub use self::basic_auth::{BasicAuth, BasicAuthLayer};
#[doc(inline)]
pub use self::body_limit::{BodyLimit, BodyLimitLayer};
#[doc(inline)]
pub use self::cidr::{CidrSet, InvalidCidr};
#[doc(inline)]
pub use self::circuit_breaker::{CircuitBreaker, CircuitBreakerLayer};
#[doc(inline)]
pub use self::client_address::ClientAddressLayer;
#[cfg(feature = "compression")]
#[doc(inline)]
pub use self::compression::{Compression, CompressionLayer};
#[doc(inline)]
pub use self::concurrency_limit::{ConcurrencyLimit, ConcurrencyLimitLayer};
#[doc(inline)]
pub use self::consumer::Consumer;
#[doc(inline)]
pub use self::context::{RouteContext, Scheme};
#[doc(inline)]
pub use self::cors::{Cors, CorsLayer};
#[doc(inline)]
pub use self::csrf::{Csrf, CsrfLayer};
#[doc(inline)]
pub use self::direct_response::DirectResponseLayer;
#[doc(inline)]
pub use self::error::BoxError;
#[doc(inline)]
pub use self::error_bodies::{ErrorBodies, ErrorBodiesLayer};
#[doc(inline)]
pub use self::ext_auth::{ExtAuth, ExtAuthLayer};
#[cfg(feature = "ext-authz")]
#[doc(inline)]
pub use self::ext_authz::{ExtAuthz, ExtAuthzLayer};
#[doc(inline)]
pub use self::fault::{Fault, FaultLayer};
#[doc(inline)]
pub use self::fraction::{Fraction, InvalidFraction};
#[doc(inline)]
pub use self::framing::InvalidHeaderName;
#[cfg(feature = "global-rate-limit")]
#[doc(inline)]
pub use self::global_rate_limit::{GlobalRateLimit, GlobalRateLimitLayer};
#[doc(inline)]
pub use self::grpc::GrpcStatus;
#[doc(inline)]
pub use self::header_modifier::{
    HeaderModifier, RequestHeaderModifierLayer, ResponseHeaderModifierLayer,
};
#[doc(inline)]
pub use self::header_values::{HeaderValues, RequestHeaderValuesLayer, ResponseHeaderValuesLayer};
#[doc(inline)]
pub use self::hostname::InvalidHostname;
#[cfg(feature = "jwt")]
#[doc(inline)]
pub use self::jwt::{Jwt, JwtLayer};
#[doc(inline)]
pub use self::lookup::Lookup;
#[cfg(feature = "mirror")]
#[doc(inline)]
pub use self::mirror::{MirrorLayer, MirrorSettings};
#[doc(inline)]
pub use self::path::PathModifier;
#[doc(inline)]
pub use self::rate_limit::{RateLimit, RateLimitLayer, RateLimiter};
#[doc(inline)]
pub use self::redirect::{Redirect, RedirectLayer};
#[doc(inline)]
pub use self::request_id::{RequestIdLayer, RequestIds};
#[doc(inline)]
pub use self::retry::{RetryBudget, RetryLayer, RetryPolicy};
#[doc(inline)]
pub use self::rewrite::{UrlRewrite, UrlRewriteLayer};
#[doc(inline)]
pub use self::timeout::{BackendRequestTimeoutLayer, RequestTimeoutLayer};
