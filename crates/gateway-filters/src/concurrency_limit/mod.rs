//! Limits how many requests are served at the same time, and sheds the rest.
//!
//! A service that is given more than it can do at once serves everybody late. With a limit, some
//! are served in time and the others know at once: they get the configured answer, 503 by
//! default. A short queue evens out bursts; it is bounded in length and in time, so that nobody
//! waits for an answer that comes too late to be of use.
//!
//! A request is being served from when it is forwarded until the body of its response has ended,
//! has failed or is dropped. Those who wait are served in the order they came, and nobody
//! overtakes them. What passes through a tunnel after `101 Switching Protocols` or a CONNECT is no
//! body: its place is free with the head of the response, and open WebSockets are not counted.
//!
//! What a waiting request costs is itself, two small allocations and a timer. One that does not
//! wait costs one change of a counter when it begins and one when it ends. A limit of one layer
//! holds for all of its services together, on all threads.
//!
//! A client that goes away while its request waits leaves the queue. Requests that never end
//! keep their places for ever: put a [timeout](crate::timeout) inside.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no queue; 503 to those for whom there is no room |
//! | for each request | one change of a counter at the beginning and one at the end; two allocations and a timer for who waits |
//! | misconfigured | no limit can be zero; a queue without time or length is none |
//! | overloaded | those beyond the limit wait in line, as many as may; the others get the answer at once |
//! | dropped half-way | the place is given to the first who waits, or the queue is left |
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use gateway_filters::{ConcurrencyLimit, ConcurrencyLimitLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let limit = ConcurrencyLimit::new(1.try_into()?).with_queue(1, Duration::from_millis(5));
//! let service = ServiceBuilder::new()
//!     .layer(ConcurrencyLimitLayer::new(limit))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(String::from("from the backend")))
//!     }));
//!
//! // Served until its body is read.
//! let first = service.clone().oneshot(Request::new(())).await?;
//! assert_eq!(first.status(), 200);
//!
//! // Waits, in vain.
//! let second = service.clone().oneshot(Request::new(())).await?;
//! assert_eq!(second.status(), 503);
//!
//! drop(first);
//! let third = service.oneshot(Request::new(())).await?;
//! assert_eq!(third.status(), 200);
//! # Ok(())
//! # }
//! ```

mod body;
mod future;
mod layer;
mod places;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::body::LimitedBody;
pub use self::future::ResponseFuture;
pub use self::layer::ConcurrencyLimitLayer;
pub use self::service::ConcurrencyLimitService;
pub use self::settings::ConcurrencyLimit;
