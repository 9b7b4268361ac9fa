//! Delays some requests and answers others with a failure, to test who depends on a service.
//!
//! [`Fault`] says how many are delayed and by how much, how many are aborted and with which
//! [`Answer`](crate::Answer); each request draws for either by itself, so that one may be both
//! delayed and then aborted. None of a hundred is never chosen, and a hundred always. The Gateway
//! API has no such filter yet.
//!
//! An aborted request does not reach the service inside. A delayed one holds itself and a clone
//! of the service, which is not asked to be ready before the delay is over; when the client
//! leaves, both are dropped with the future and no call is made. An endless delay is possible and
//! is ended by a [`RequestTimeoutLayer`](crate::RequestTimeoutLayer) outside of this layer.
//!
//! Numbers are drawn from the thread's own generator; [`FaultLayer::with_seed`] draws the same
//! ones in each run. A request costs one draw for each of the two that is set, and an allocation
//! if it is delayed. Settings without either cost a branch.
//!
//! A tokio runtime with its timer on must be there when something is delayed.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no fault |
//! | for each request | one draw for each of delay and abort; one allocation and a timer for who is delayed |
//! | misconfigured | a delay whose least is more than its most is an error when it is built, as is an answer that HTTP cannot carry |
//! | overloaded | each delayed request holds itself and a timer: limit how many there are outside |
//! | dropped half-way | no call is made, or the inner one is dropped |
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use gateway_filters::{Answer, Fault, FaultLayer, Fraction};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let fault = Fault::new()
//!     .with_delay(Fraction::from_percent(50)?, Duration::from_millis(2))
//!     .with_abort(Fraction::ALWAYS, Answer::new(503)?.with_text("injected"));
//! let service = ServiceBuilder::new()
//!     .layer(FaultLayer::new(fault))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(Bytes::from("hello")))
//!     }));
//!
//! let response = service.oneshot(Request::new(())).await?;
//!
//! assert_eq!(response.status(), 503);
//! assert_eq!(response.body(), "injected");
//! # Ok(())
//! # }
//! ```

mod error;
mod future;
mod layer;
mod plan;
mod random;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::error::InvalidFault;
pub use self::future::ResponseFuture;
pub use self::layer::FaultLayer;
pub use self::plan::FaultPlan;
pub use self::service::FaultService;
pub use self::settings::Fault;
