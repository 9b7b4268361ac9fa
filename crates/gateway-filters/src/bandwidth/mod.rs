//! Limits how many bytes pass in a second, through a connection or a body.
//!
//! [`Bandwidth`] says how many, and how many may pass at once after a pause: by default as many
//! as in a second. Each direction has a bucket of its own.
//!
//! | what | where |
//! |---|---|
//! | a connection, each direction | [`BandwidthStream`], around what is read from and written to |
//! | the bodies of requests | [`RequestBandwidthLayer`], for each request by itself |
//! | the bodies of responses | [`ResponseBandwidthLayer`], for each response by itself |
//!
//! The Gateway API has no such filter yet.
//!
//! Bytes come back evenly, and a transfer is woken at most some fifty times in a second, so that
//! a slow one costs little. Bodies are cut where the bucket ends, without copying; their trailers
//! do not count, nor do the heads of messages. What waits in a [`BandwidthStream`] is not read
//! from the socket, so that the sender is slowed down by TCP itself; nothing is kept but, of a
//! body, the one frame that is being passed on. Dropping either drops the timer with it.
//!
//! Without a limit a body or stream costs a branch. With one it costs a look at the clock for each
//! frame, read or write, and one allocation for the timer once it has to wait. A tokio runtime
//! with its timer on must be there then.
//!
//! Someone who reads slowly on purpose holds a connection for longer than without a limit: put a
//! timeout outside.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no limit; a burst of what passes in a second |
//! | for each request | a look at the clock for each frame, read or write; a timer once it waits |
//! | misconfigured | a rate or burst of zero is an error when it is built |
//! | overloaded | each body and connection waits for itself alone, and its sender with it |
//! | dropped half-way | the timer goes with it, and what was held back of one frame |
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use gateway_filters::{Bandwidth, ResponseBandwidthLayer};
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tokio::time::Instant;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(ResponseBandwidthLayer::new(Bandwidth::new(100_000)?.with_burst(1_000)?))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(Full::new(Bytes::from(vec![0; 4_000]))))
//!     }));
//!
//! let start = Instant::now();
//! let response = service.oneshot(Request::new(())).await?;
//! let bytes = response.into_body().collect().await?.to_bytes();
//!
//! assert_eq!(bytes.len(), 4_000);
//! assert!(start.elapsed().as_millis() >= 30);
//! # Ok(())
//! # }
//! ```

mod body;
mod error;
mod future;
mod layer;
mod pace;
mod service;
mod settings;
mod stream;
#[cfg(test)]
mod tests;

pub use self::body::BandwidthBody;
pub use self::error::InvalidBandwidth;
pub use self::future::ResponseFuture;
pub use self::layer::{RequestBandwidthLayer, ResponseBandwidthLayer};
pub use self::service::{RequestBandwidth, ResponseBandwidth};
pub use self::settings::Bandwidth;
pub use self::stream::BandwidthStream;
