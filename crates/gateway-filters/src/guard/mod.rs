//! Lets requests pass that somebody has looked at, and refuses the rest.
//!
//! What the filters have in common that decide by the head of a request alone: [basic
//! authentication](crate::basic_auth), [API keys](crate::api_key) and their like. Each is a
//! [`Guard`]; one of your own needs no more than its `check`.
//!
//! Refusing is immediate: the service inside is not called, the body not read. Passing costs what
//! the guard does, and no allocation.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | that of the guard |
//! | for each request | what the guard does |
//! | misconfigured | is for the guard to prevent |
//! | overloaded | a guard does not wait |
//! | dropped half-way | the inner call is dropped |
//!
//! ```
//! use gateway_filters::Answer;
//! use gateway_filters::guard::{Guard, GuardLayer};
//! use http::request::Parts;
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! #[derive(Debug)]
//! struct OfficeHours;
//!
//! impl Guard for OfficeHours {
//!     fn check(&self, head: &mut Parts) -> Result<(), Answer> {
//!         match head.headers.contains_key("x-overtime") {
//!             true => Err(Answer::grpc(7, "go home")),
//!             false => Ok(()),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(GuardLayer::new(OfficeHours))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(String::new()))
//!     }));
//!
//! let request = Request::get("/").header("x-overtime", "1").body(())?;
//! let response = service.oneshot(request).await?;
//!
//! assert_eq!(response.headers()["grpc-status"], "7");
//! # Ok(())
//! # }
//! ```

mod future;
mod layer;
mod service;

use http::request::Parts;

pub use self::future::ResponseFuture;
pub use self::layer::GuardLayer;
pub use self::service::GuardService;

use crate::answer::Answer;

/// Someone who decides by the head of a request whether it may pass.
pub trait Guard {
    /// Looks at a request, and may change it on its way.
    ///
    /// # Errors
    ///
    /// What the client is told in the place of a response.
    fn check(&self, head: &mut Parts) -> Result<(), Answer>;
}
