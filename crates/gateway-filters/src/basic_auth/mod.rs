//! Asks for a user's name and password.
//!
//! HTTP's own way, RFC 7617: a request without the right `Authorization` gets 401 and a
//! challenge, for which browsers show a dialogue. Without users nobody passes. Of several
//! `Authorization` headers none counts.
//!
//! Passwords are in the configuration as they are or, with the feature `htpasswd`, as the hashes
//! `{SHA}` and `{SHA256}` of `htpasswd` and its like. bcrypt and other slow hashes are not
//! read: one check of theirs takes the time of thousands of requests, from everyone. Names and
//! passwords are compared in a time that does not tell how much of them is right, though it may
//! tell their length; every user is compared with, whichever matches.
//!
//! The backend gets the request without `Authorization`, unless told otherwise, and finds the
//! user in a header of your choice; what the client sent in that is removed. Layers inside find
//! [`Consumer`](crate::Consumer) in the extensions. Only behind TLS are passwords a secret.
//!
//! # Example
//!
//! ```
//! use gateway_filters::basic_auth::Password;
//! use gateway_filters::{BasicAuth, BasicAuthLayer, Consumer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let auth = BasicAuth::new("shop")?.with_user("Aladdin", Password::plain("open sesame"))?;
//! let service = ServiceBuilder::new()
//!     .layer(BasicAuthLayer::new(auth))
//!     .service(service_fn(|request: Request<()>| async move {
//!         let user = request.extensions().get::<Consumer>().cloned();
//!         Ok::<_, BoxError>(Response::new(user.map(|user| user.0.to_string()).unwrap_or_default()))
//!     }));
//!
//! let anonymous = service.clone().oneshot(Request::new(())).await?;
//! assert_eq!(anonymous.status(), 401);
//! assert_eq!(anonymous.headers()["www-authenticate"], "Basic realm=\"shop\", charset=\"UTF-8\"");
//!
//! let request = Request::get("/")
//!     .header("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
//!     .body(())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.into_body().try_into_inner().as_deref(), Ok("Aladdin"));
//! # Ok(())
//! # }
//! ```

mod check;
mod error;
mod password;
mod settings;
#[cfg(test)]
mod tests;

pub use self::error::InvalidBasicAuth;
pub use self::password::Password;
pub use self::settings::BasicAuth;

use crate::guard::{GuardLayer, GuardService};

/// Applies [`BasicAuthService`]. See the [module docs](self) for an example.
pub type BasicAuthLayer = GuardLayer<BasicAuth>;

/// Calls `S` for users with the right password.
pub type BasicAuthService<S> = GuardService<S, BasicAuth>;
