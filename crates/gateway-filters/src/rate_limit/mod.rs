//! Lets so many requests pass in a time, and answers the others, or has them wait.
//!
//! [`RateLimit`] says how many, counted apart by which [`Key`]s; [`RateLimiter`] has the counts.
//! The Gateway API has no such filter yet.
//!
//! # What is counted
//!
//! A bucket holds as many tokens as the burst. Each request takes one, or does not pass. Tokens
//! come back one after the other ([`Refill::Continuous`], the default), or all of a window at its
//! end ([`Refill::Window`]). Counts are exact: of any number of requests on any number of threads,
//! exactly as many pass as there are tokens, for a bucket is one atomic number. They are those
//! of this process: with several replicas, each allows the whole limit.
//!
//! With [`Refill::Continuous`], [governor](https://docs.rs/governor) decides by the generic cell
//! rate algorithm whether there is a token, and what is left of the bucket without it. It has no
//! windows: these are counted here. So are keys, queues and what clients are told.
//!
//! Keys are kept as hashes, and only so many at a time, whatever clients send. When there are
//! more, the buckets are forgotten that are full or nearly so; a key that comes back then starts
//! afresh. A request without a key shares the bucket of all that lack it, so that leaving it out
//! gains nothing.
//!
//! # Waiting
//!
//! With a queue, requests that find no token wait for one, in the order in which they came. One
//! is refused at once if the queue is full, or if its turn would come later than it may wait. A
//! client that leaves frees its place, and those behind it move up. Who waits holds the request
//! and a clone of the service inside, which is not asked to be ready before the turn has come. A
//! tokio runtime with its timer on must be there. Each key has a queue of its own: how many wait in
//! all is for a [`ConcurrencyLimitLayer`](crate::ConcurrencyLimitLayer) outside to limit.
//!
//! # Several limits
//!
//! A limit for a listener, one for a hostname and one for a route are three layers. A request has
//! to pass them all, the outer first. A token that an outer limit gave stays used when an inner
//! one refuses, so put the limit outside that is to count all that was tried.
//!
//! # What it costs
//!
//! Without keys: a look at the clock, and a compare-and-swap of one number that all threads share.
//! With keys: a SipHash of them, a short lock of one of up to 64 parts, and the same. Nothing is
//! allocated but for the first request of a key, for requests that wait, and for answers. With
//! [`QuotaFields::Always`], three headers for each response.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | all requests together, a burst of a window, no queue, 429 |
//! | for each request | without keys one atomic number; with keys a hash and a short lock besides |
//! | misconfigured | a window, burst or number that cannot be counted is an error when it is built |
//! | overloaded | requests beyond the limit are refused at once, or wait in line if they may; keys beyond the room drive out those that lose the least |
//! | dropped half-way | the place in the queue is given up; what was counted stays so |
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use gateway_filters::rate_limit::Key;
//! use gateway_filters::{RateLimit, RateLimitLayer};
//! use http::{HeaderName, Request, Response};
//! use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let limit = RateLimit::new(2, Duration::from_secs(60))?
//!     .by(Key::Header(HeaderName::from_static("x-user")));
//! let mut service = ServiceBuilder::new()
//!     .layer(RateLimitLayer::new(limit))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(Bytes::from("hello")))
//!     }));
//!
//! let mut statuses = Vec::new();
//! for user in ["ann", "ann", "ann", "bob"] {
//!     let request = Request::get("/").header("x-user", user).body(())?;
//!     let response = service.ready().await?.call(request).await?;
//!     if response.status() == 429 {
//!         assert_eq!(response.headers()["ratelimit-limit"], "2");
//!         assert_eq!(response.headers()["retry-after"], "30");
//!     }
//!     statuses.push(response.status().as_u16());
//! }
//!
//! assert_eq!(statuses, [200, 200, 429, 200]);
//! # Ok(())
//! # }
//! ```

mod bucket;
mod error;
mod fields;
mod future;
mod gcra;
mod key;
mod layer;
mod limiter;
mod quota;
mod service;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod wait;

pub use self::error::InvalidRateLimit;
pub use self::future::ResponseFuture;
pub use self::key::{Key, MissingKey};
pub use self::layer::RateLimitLayer;
pub use self::limiter::{Decision, RateLimiter};
pub use self::quota::{Refill, Standing};
pub use self::service::RateLimitService;
pub use self::settings::{QuotaFields, RateLimit};
pub use self::wait::Wait;
