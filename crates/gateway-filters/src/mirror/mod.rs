//! Sends a copy of a request to another backend and ignores the answer.
//!
//! Implements the Gateway API's `HTTPRequestMirrorFilter`. The copy has the
//! method, path and query, version and headers of the request, `Host` among them,
//! and no extensions. Requests for a tunnel (CONNECT, `Connection: upgrade`) are
//! not mirrored.
//!
//! The client and the main backend must not notice the mirror:
//!
//! * the main backend reads the body at its own pace; each frame's bytes are also
//!   queued for the mirror, shared and not copied. A mirror for which more than
//!   [`MirrorSettings::with_body_limit`] bytes would be queued is cut off: its
//!   body fails, so that it does not take a part for the whole;
//! * at most [`MirrorSettings::with_max_in_flight`] copies are under way; beyond,
//!   requests are not mirrored;
//! * a copy runs in a task of its own, not longer than
//!   [`MirrorSettings::with_timeout`]. It goes on when the client leaves, if the
//!   main backend had read the whole body by then; otherwise its body fails too.
//!
//! Of a fraction of the requests, exactly as many of as many in a row are chosen, at places
//! that nobody can foresee: of a third, one of each three.
//!
//! A request that is not chosen, or has no body, costs no allocation for its body.
//!
//! There are two ways to use this. [`MirrorLayer`] mirrors every request of a
//! stack; several layers make several mirrors. [`Mirrors::admit`], [`split`] and
//! [`Slot::send`] are the same in three steps, for those whose mirrors are data.
//!
//! A tokio runtime must be there when a request is mirrored.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | every request; 128 copies at a time, 10 seconds and 64 KiB queued for each |
//! | for each request | a task and some allocations for a copy; none for a request that is not chosen |
//! | misconfigured | every number is a limit |
//! | overloaded | copies beyond the limit are not sent, and one that falls behind is cut off |
//! | dropped half-way | the copy goes on if the main backend had read the whole body, and fails otherwise |
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use gateway_filters::mirror::{MirrorBody, TeeBody};
//! use gateway_filters::{MirrorLayer, MirrorSettings};
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tokio::sync::mpsc;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let (seen, mut mirrored) = mpsc::unbounded_channel();
//! let shadow = service_fn(move |request: Request<MirrorBody>| {
//!     let seen = seen.clone();
//!     async move {
//!         let body = request.into_body().collect().await?.to_bytes();
//!         seen.send(body)?;
//!         Ok::<_, BoxError>(Response::new(Full::<Bytes>::default()))
//!     }
//! });
//!
//! let service = ServiceBuilder::new()
//!     .layer(MirrorLayer::new(shadow, MirrorSettings::default()))
//!     .service(service_fn(|request: Request<TeeBody<Full<Bytes>>>| async {
//!         let body = request.into_body().collect().await?.to_bytes();
//!         Ok::<_, BoxError>(Response::new(body))
//!     }));
//!
//! let response = service.oneshot(Request::new(Full::from("hello"))).await?;
//!
//! assert_eq!(response.body(), "hello");
//! assert_eq!(mirrored.recv().await.as_deref(), Some(&b"hello"[..]));
//! # Ok(())
//! # }
//! ```

mod body;
mod layer;
mod lots;
mod mirrors;
mod pipe;
mod service;
mod settings;
mod split;
mod tee;
#[cfg(test)]
mod tests;

pub use self::body::MirrorBody;
pub use self::layer::MirrorLayer;
pub use self::mirrors::{Mirrors, Slot};
pub use self::pipe::{MirrorFellBehind, MirroredBodyAborted};
pub use self::service::Mirror;
pub use self::settings::MirrorSettings;
pub use self::split::split;
pub use self::tee::TeeBody;
