//! Asks a rate limit service whether there is room for a request.
//!
//! A limit that holds for many gateways together needs someone who counts for all of them. This
//! is a client for the protocol of Envoy's rate limit service:
//! `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`. Each request is described by
//! [`Descriptor`]s, lists of keys and values; the service has the limits for these, and says
//! whether one is used up.
//!
//! A value is fixed or has [variables](crate::template). A descriptor of which a value is empty is
//! left out: a request without the header that it counts by is not counted by it. If no
//! descriptor is left, the service is not asked.
//!
//! Over the limit the answer is 429, with the headers that the service adds and, if told so,
//! `RateLimit-Limit`, `-Remaining` and `-Reset` of the descriptor with the least left. What
//! becomes of a request when the service cannot be reached in time has no default: nobody else
//! can know whether being open or being fair matters more.
//!
//! The service is reached through any transport of tonic's: a channel of its own, or a tower
//! service over our own connections. Every request waits for it: a round trip, up to the timeout,
//! which the service is told in `grpc-timeout`.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no descriptors: the service is not asked; 100 milliseconds for its answer |
//! | for each request | a round trip, with the encoding of the question |
//! | misconfigured | a key or variable that cannot be is an error when it is built; an answer that cannot be understood is a failure of the service |
//! | overloaded | a service that is late or cannot be reached decides as [`OnFailure`] says, which has no default |
//! | dropped half-way | the question is dropped, and with it the request; what the service has counted stays so |
//!
//! # Example
//!
//! ```
//! use gateway_filters::global_rate_limit::{Descriptor, OnFailure};
//! use gateway_filters::{Answer, BoxError, GlobalRateLimit, GlobalRateLimitLayer};
//! use gateway_filters::retry::ReplayBody;
//! use http::{Request, Response, Uri};
//! use tonic::body::Body;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! // In the place of a channel, one that finds nobody.
//! let channel = service_fn(|_: Request<Body>| async {
//!     Err::<Response<Body>, _>(BoxError::from("no connection"))
//! });
//! let origin = Uri::from_static("http://limits.example");
//! let limits = GlobalRateLimit::new(origin, "edge", OnFailure::Deny(Answer::new(503)?))
//!     .with_descriptor(Descriptor::new().with_entry("user", "%REQ(x-user)%")?);
//! let service = ServiceBuilder::new()
//!     .layer(GlobalRateLimitLayer::new(limits.ask(channel)))
//!     .service(service_fn(|_: Request<ReplayBody<String>>| async {
//!         Ok::<_, BoxError>(Response::new(String::new()))
//!     }));
//!
//! let ann = Request::get("/").header("x-user", "ann").body(String::new())?;
//! assert_eq!(service.clone().oneshot(ann).await?.status(), 503);
//!
//! // Of whom nothing is known, nobody is asked.
//! let nobody = Request::get("/").body(String::new())?;
//! assert_eq!(service.oneshot(nobody).await?.status(), 200);
//! # Ok(())
//! # }
//! ```

mod ask;
mod error;
mod proto;
mod settings;
#[cfg(test)]
mod tests;
mod verdict;

pub use self::ask::AskLimits;
pub use self::error::InvalidDescriptor;
pub use self::settings::{Descriptor, GlobalRateLimit};

#[doc(no_inline)]
pub use crate::inquiry::OnFailure;
use crate::inquiry::{InquiryLayer, InquiryService};

/// Applies [`GlobalRateLimitService`].
pub type GlobalRateLimitLayer<C> = InquiryLayer<AskLimits<C>>;

/// Calls `S` for requests for which a service behind `C` has room.
pub type GlobalRateLimitService<S, C> = InquiryService<S, AskLimits<C>>;
