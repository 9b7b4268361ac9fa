//! Asks an HTTP service whether a request may pass.
//!
//! The Gateway API's `ExternalAuth` filter (GEP-1494) with the HTTP protocol. The service is asked
//! with the method and path of the request, after a prefix, with those of its headers that are
//! allowed, and without its body, unless it is [to be shown that](ExtAuth::with_forwarded_body);
//! `x-forwarded-method`, `-host`, `-uri` and `-for` say what was asked for.
//!
//! | it answers | the request |
//! |---|---|
//! | 200 to 299 | passes; allowed headers of the answer go into it, and what the client sent in their names is removed |
//! | 500 to 599, nothing in time, or fails | as [`OnFailure`] says: 403, unless told otherwise |
//! | anything else | is answered with that: status, headers and body, so that a login page or a redirect to one reaches the client. A body that is too long, late or broken off is left out, and it is refused all the same |
//!
//! It is asked about no other path: a target that is too long after the prefix (64 KiB) gets 414.
//!
//! A body that it answers with is its own, and [`error_bodies`](crate::error_bodies) outside leave
//! it alone; only an answer without one is marked as [`AnsweredHere`](crate::AnsweredHere).
//!
//! The service is reached through any client that is a tower service. It fails closed: what is
//! not said to be allowed is not. Told to fail open, it removes what the client sent in the names
//! of allowed headers all the same.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | of the request's headers `authorization` and `cookie` are told, and no body; a second for the answer; without one, 403 |
//! | for each request | a round trip, and a head of its own; a body that is [shown](crate::inquiry) is held |
//! | misconfigured | a header that cannot be, or that says how a message is sent, is an error when it is built |
//! | overloaded | a service that is late or cannot be reached decides as [`OnFailure`] says |
//! | dropped half-way | the question is dropped, and with it the request and what was read of its body |
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use gateway_filters::retry::ReplayBody;
//! use gateway_filters::{ExtAuth, ExtAuthLayer};
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let authority = service_fn(|asked: Request<Full<Bytes>>| async move {
//!     let status = if asked.headers().contains_key("authorization") { 200 } else { 401 };
//!     let response = Response::builder().status(status).header("x-user", "alice");
//!     Ok::<_, BoxError>(response.body(Full::<Bytes>::from("who are you?"))?)
//! });
//! let auth = ExtAuth::new("http://auth.example/check".parse()?)
//!     .with_header_to_backend("x-user")?;
//!
//! let service = ServiceBuilder::new()
//!     .layer(ExtAuthLayer::new(auth.ask(authority)))
//!     .service(service_fn(|request: Request<ReplayBody<Full<Bytes>>>| async move {
//!         Ok::<_, BoxError>(Response::new(request.headers()["x-user"].to_str()?.to_owned()))
//!     }));
//!
//! let response = service.clone().oneshot(Request::new(Full::default())).await?;
//! assert_eq!(response.status(), 401);
//!
//! let request = Request::get("/").header("authorization", "Bearer t").header("x-user", "root");
//! let request = request.body(Full::default())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.into_body().try_into_inner().as_deref(), Ok("alice"));
//! # Ok(())
//! # }
//! ```

mod ask;
mod error;
mod settings;
#[cfg(test)]
mod tests;

pub use self::ask::AskHttp;
pub use self::error::AuthorityFailed;
pub use self::settings::ExtAuth;

#[doc(no_inline)]
pub use crate::inquiry::{ForwardBody, Longer, OnFailure};
use crate::inquiry::{InquiryLayer, InquiryService};

/// Applies [`ExtAuthService`]. See the [module docs](self) for an example.
pub type ExtAuthLayer<C, B> = InquiryLayer<AskHttp<C, B>>;

/// Calls `S` for requests that a service behind `C` lets pass.
pub type ExtAuthService<S, C, B> = InquiryService<S, AskHttp<C, B>>;
