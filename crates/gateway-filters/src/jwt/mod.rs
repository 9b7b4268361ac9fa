//! Asks for a JSON Web Token, and believes what it says.
//!
//! A token is accepted if it is signed by a key of the [`JwtProvider`] that its `iss` names, with
//! an algorithm that is right for this key, is meant for one of the provider's audiences, and
//! the time is between its `nbf` and `exp`, give or take the leeway. Everything that is asked for
//! must be there: a token without `exp` is none. Everything else gets 401 and a challenge
//! (RFC 6750).
//!
//! What a token may not do: choose the algorithm (each key has its own; `none` is not known),
//! choose the key by URL (`jku`, `x5u`, `jwk` are not looked at), or demand what is not understood
//! (`crit`).
//!
//! Claims become headers for the backend, as configured; what a client sends in these is removed,
//! also where a token may be missing. Layers inside find all of them as [`Claims`] in the
//! extensions.
//!
//! # Keys
//!
//! Keys are in the configuration ([`JwksSource::inline`]), or are fetched and kept up to date by
//! [`JwksSource::refresh`], through any client that is a tower service: with its pools, TLS and
//! timeouts. Whoever builds the stack runs that future. A set that cannot be fetched or read
//! leaves the last good one in place, however old, and is tried again after a second, then less
//! and less often, down to every half minute; until there has been one, requests get 503. A key
//! that is not known makes the next fetch come sooner, and the request is refused.
//!
//! A request costs the check of one signature, some 50 to 200 µs of one CPU, and the claims. No
//! request waits for keys.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | a token is asked for, for any audience, with a minute of leeway; keys are fetched every five minutes |
//! | for each request | the check of one signature, some 50 to 200 µs, of at most four keys |
//! | misconfigured | a header, claim or key set that cannot be is an error when it is built; without keys everybody gets 503 |
//! | overloaded | no request waits for keys, and keys that are made up cause one fetch in ten seconds |
//! | dropped half-way | nothing is kept of a request; dropping the refreshing leaves the keys that are there |
//!
//! # Example
//!
//! ```
//! use gateway_filters::jwt::{Claims, Jwks, JwksSource, JwtProvider};
//! use gateway_filters::{Jwt, JwtLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let keys = Jwks::parse(br#"{"keys": [{"kty": "oct", "alg": "HS256", "kid": "1", "k": "c2VjcmV0"}]}"#)?;
//! let provider = JwtProvider::new("https://login.example", JwksSource::inline(keys))
//!     .with_audience("shop");
//! let service = ServiceBuilder::new()
//!     .layer(JwtLayer::new(Jwt::new(provider)))
//!     .service(service_fn(|request: Request<()>| async move {
//!         assert!(request.extensions().get::<Claims>().is_some());
//!         Ok::<_, BoxError>(Response::new(String::new()))
//!     }));
//!
//! let response = service.oneshot(Request::new(())).await?;
//!
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["www-authenticate"], "Bearer");
//! # Ok(())
//! # }
//! ```

mod check;
mod claims;
mod error;
mod keys;
mod refresh;
mod settings;
mod source;
#[cfg(test)]
mod tests;

pub use self::claims::Claims;
pub use self::error::{InvalidJwks, InvalidJwt, JwksNotFetched};
pub use self::keys::Jwks;
pub use self::refresh::JwksRefresh;
pub use self::settings::{Jwt, JwtProvider};
pub use self::source::JwksSource;

use crate::guard::{GuardLayer, GuardService};

/// Applies [`JwtService`]. See the [module docs](self) for an example.
pub type JwtLayer = GuardLayer<Jwt>;

/// Calls `S` for who has a token.
pub type JwtService<S> = GuardService<S, Jwt>;
