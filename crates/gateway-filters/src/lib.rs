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
//! | [`cors`] | answers preflights and tells browsers which origins may read |
//! | [`timeout`] | limits the whole exchange, or one try at a backend |
//! | [`retry`] | sends a request again when a backend could not answer it |
//! | [`mirror`] | sends a copy to another backend and ignores the answer |
//!
//! Each has its settings, the function that obeys them, and the tower types: a layer, its service
//! and its future. What they share is here: [`RouteContext`] is what a router tells the filters,
//! [`Fraction`] chooses a share of all requests, [`BoxError`] is what layers that can fail pass on.

pub mod answer;
pub mod circuit_breaker;
pub mod concurrency_limit;
pub mod cors;
pub mod header_modifier;
pub mod mirror;
pub mod path;
pub mod redirect;
pub mod retry;
pub mod rewrite;
pub mod timeout;

mod chunks;
mod context;
mod error;
mod fraction;
mod grpc;
mod hostname;
#[cfg(test)]
mod script;
mod slots;
mod status_set;
mod sync;
mod tunnel;

#[doc(inline)]
pub use self::answer::Answer;
#[doc(inline)]
pub use self::circuit_breaker::{CircuitBreaker, CircuitBreakerLayer};
#[doc(inline)]
pub use self::concurrency_limit::{ConcurrencyLimit, ConcurrencyLimitLayer};
#[doc(inline)]
pub use self::context::{RouteContext, Scheme};
#[doc(inline)]
pub use self::cors::{Cors, CorsLayer};
#[doc(inline)]
pub use self::error::BoxError;
#[doc(inline)]
pub use self::fraction::{Fraction, InvalidFraction};
#[doc(inline)]
pub use self::grpc::GrpcStatus;
#[doc(inline)]
pub use self::header_modifier::{
    HeaderModifier, RequestHeaderModifierLayer, ResponseHeaderModifierLayer,
};
#[doc(inline)]
pub use self::hostname::InvalidHostname;
#[doc(inline)]
pub use self::mirror::{MirrorLayer, MirrorSettings};
#[doc(inline)]
pub use self::path::PathModifier;
#[doc(inline)]
pub use self::redirect::{Redirect, RedirectLayer};
#[doc(inline)]
pub use self::retry::{RetryBudget, RetryLayer, RetryPolicy};
#[doc(inline)]
pub use self::rewrite::{UrlRewrite, UrlRewriteLayer};
#[doc(inline)]
pub use self::timeout::{BackendRequestTimeoutLayer, RequestTimeoutLayer};
