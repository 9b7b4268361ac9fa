//! Asks for a user's name and password.
//!
//! HTTP's own way, RFC 7617: a request without the right `Authorization` gets 401 and a
//! challenge, for which browsers show a dialogue. Without users nobody passes. Of several
//! `Authorization` headers none counts.
//!
//! Passwords are in the configuration as they are or, with the feature `htpasswd`, as hashes of
//! `htpasswd` and its like:
//!
//! | hash | made by | read |
//! |---|---|---|
//! | `$2a$`, `$2b$`, `$2y$`: bcrypt | `htpasswd -B` | with the feature `bcrypt`, at costs from 4 to 12 |
//! | `{SHA}`, `{SHA256}` | `htpasswd -s` | yes; quick to check, and so to guess: for long random passwords |
//! | `$apr1$`: MD5 | `htpasswd -m`, its default | no |
//! | `crypt`, and passwords as they are | `htpasswd -d`, `-p` | no: text that is none of these is an error |
//!
//! Names and passwords are compared in a time that does not tell how much of them is right, though
//! it may tell their length; every user is compared with, whichever matches.
//!
//! # What bcrypt costs
//!
//! One check takes from some milliseconds, at cost 5, to some hundred, at cost 12. It is never
//! computed where requests are served, but on threads that block, of which `Hashing` allows a few
//! for everybody who shares it: a quarter of the processors. 64 more requests wait for theirs;
//! beyond that the answer is 503 with `Retry-After`.
//!
//! A password that was right is remembered as a keyed digest, one for each user, until the
//! settings change: the next request with it costs less than a microsecond, whatever others do
//! meanwhile. Wrong ones are computed each time, and take as long for users that do not exist as
//! for those that do. So whoever tries passwords slows down first requests of others, and nothing
//! else; a [rate limit](crate::rate_limit) outside, by address, leaves them room. While some users
//! have a slow hash, wrong passwords of all users cost as much.
//!
//! A runtime of tokio is needed for it. Of passwords beyond 72 bytes bcrypt reads the first 72.
//!
//! The backend gets the request without `Authorization`, unless told otherwise, and finds the
//! user in a header of your choice; what the client sent in that is removed. Layers inside find
//! [`Consumer`](crate::Consumer) in the extensions. Only behind TLS are passwords a secret.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no users: nobody passes |
//! | for each request | one comparison or quick hash for each user; a slow hash once for each user |
//! | misconfigured | a name, realm or hash that cannot be is an error when it is built; without users everybody gets 401 |
//! | overloaded | as many slow hashes as `Hashing` allows, as many that wait, then 503 |
//! | dropped half-way | the place in the queue is given up; a hash that is being computed is computed to its end |
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

#[cfg(feature = "bcrypt")]
mod bcrypt;
mod check;
mod error;
mod future;
#[cfg(feature = "bcrypt")]
mod hashing;
mod layer;
mod password;
mod service;
mod settings;
#[cfg(feature = "bcrypt")]
mod slow;
#[cfg(test)]
mod tests;

pub use self::error::InvalidBasicAuth;
#[cfg(feature = "htpasswd")]
pub use self::error::InvalidHash;
pub use self::future::ResponseFuture;
#[cfg(feature = "bcrypt")]
pub use self::hashing::Hashing;
pub use self::layer::BasicAuthLayer;
pub use self::password::Password;
pub use self::service::BasicAuthService;
pub use self::settings::BasicAuth;
