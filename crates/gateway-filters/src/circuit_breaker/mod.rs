//! Stops calling a service that fails or is slow, and tries again later.
//!
//! The Gateway API has no such filter. Here are the thresholds that service meshes and proxies
//! have between them: errors in a row, errors or slow calls in a window of time, by number and by
//! share, and calls at the same time. Any of them can be set, and the first one reached counts.
//!
//! * **closed**: calls are made, and how they end is counted.
//! * **open**: for [`with_open_for`](CircuitBreaker::with_open_for), calls get the configured
//!   answer at once, and the service is left alone.
//! * **half-open**: as many calls as there are [probes](CircuitBreaker::with_probes) are made, the
//!   others refused. When all have succeeded the breaker closes, and counts from nothing; the
//!   first that fails opens it again. Probes that have not ended after another `open_for` are
//!   given up, and others let through.
//!
//! # What counts
//!
//! A call is an error if its status says so (500 to 599 by default), its gRPC status (in the
//! head, or in the trailers once they pass) or if the service fails without a response. It is
//! slow if the response takes longer to begin than
//! [`with_slow_after`](CircuitBreaker::with_slow_after). Put a [timeout](crate::timeout) inside:
//! a call that never ends is no error. Calls that the client gave up count neither way. A call that
//! becomes a tunnel, after `101 Switching Protocols` or a CONNECT, has ended with the head of its
//! response: open WebSockets are no calls at the same time.
//!
//! All threads share one state and agree on it. Errors in a row and in the window are counted
//! exactly: once a threshold is reached, only calls that had begun before can still fail. The
//! window slides in tenths, so it holds what happened in the last nine to ten tenths of it. A
//! breaker opens on a call that was an error or slow, never on a good one.
//!
//! # Cost
//!
//! Without thresholds nothing is done. With them, a good call reads one shared word and clones
//! one [`Arc`](std::sync::Arc); with windows it also reads the clock and adds one to a shared
//! counter. A refused call costs the answer. There are no locks and no tasks. Bodies are watched
//! only for calls at the same time, and for the trailers of gRPC.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no thresholds: nothing is done |
//! | for each request | one shared word, with windows a look at the clock and a shared counter; no allocation |
//! | misconfigured | a window or pause that is too short, or a status that is none, is an error when it is built |
//! | overloaded | calls beyond the limit, or while it is open, get the answer at once; nobody waits |
//! | dropped half-way | the call counts neither way, its place is free, and a probe makes room for another one |
//!
//! # Example
//!
//! ```
//! use gateway_filters::circuit_breaker::CircuitState;
//! use gateway_filters::{CircuitBreaker, CircuitBreakerLayer};
//! use http::{Request, Response, StatusCode};
//! use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let layer = CircuitBreakerLayer::new(
//!     CircuitBreaker::new().with_consecutive_errors(2.try_into()?),
//! );
//! let mut service = ServiceBuilder::new()
//!     .layer(layer.clone())
//!     .service(service_fn(|_: Request<()>| async {
//!         let response = Response::builder().status(StatusCode::BAD_GATEWAY);
//!         Ok::<_, BoxError>(response.body(String::new())?)
//!     }));
//!
//! for expected in [502, 502, 503, 503] {
//!     let response = service.ready().await?.call(Request::new(())).await?;
//!     assert_eq!(response.status(), expected);
//! }
//! assert_eq!(layer.state(), CircuitState::Open);
//! # Ok(())
//! # }
//! ```

mod body;
mod call;
mod circuit;
mod error;
mod future;
mod judge;
mod layer;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod window;

pub use self::body::BreakerBody;
pub use self::circuit::CircuitState;
pub use self::error::InvalidCircuitBreaker;
pub use self::future::ResponseFuture;
pub use self::judge::{Judgement, Uncounted};
pub use self::layer::CircuitBreakerLayer;
pub use self::service::CircuitBreakerService;
pub use self::settings::CircuitBreaker;
