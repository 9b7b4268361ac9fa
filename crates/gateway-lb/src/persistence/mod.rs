//! Sends the requests of one session to one endpoint.
//!
//! Implements the Gateway API's session persistence (GEP-1619), with a cookie or a header. The
//! backend is chosen by weight first; the session chooses the endpoint inside it.
//!
//! # What a session is
//!
//! Nothing is remembered here: the client keeps a token, and the token says which endpoint it is
//! of and since when. It is encrypted and authenticated (AES-256-GCM-SIV, RFC 8452, by AWS-LC), so
//! it shows no address, cannot be made up or changed, and is valid on every replica that has the
//! same `SessionKey`. A keyed hash such as SipHash or HMAC would only authenticate: each balancer
//! would then need a table from hashes to endpoints. SIV stays safe if a random nonce repeats,
//! which no limit on the number of sessions could rule out.
//!
//! A token is bound to the name of the session and to the scope it was issued in, the backend: it
//! means nothing to another. Where a rule's weights choose among several, their tokens stand side
//! by side in the one value that a client keeps (`Sessions::with_others`), so that
//! it finds its endpoint again in each.
//!
//! A token that is malformed, forged, of another scope or too old is the same as none: an endpoint
//! is picked anew and a new token is issued. So it is if the endpoint has left or is not healthy.
//! One whose weight is zero keeps its sessions and gets no new ones.
//!
//! # Cost
//!
//! Nothing is locked or shared. A token is opened, or issued, in about a microsecond.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | a cookie ends with the browser's session, is for all paths, `Secure`, `HttpOnly` and `SameSite=Strict`; a header never ends |
//! | for each request | a token is opened, of eight values at most; one is issued, and its text allocated, only where none was good |
//! | misconfigured | a name or path that cannot be is an error; replicas of other keys or scopes know no token of these, and issue their own |
//! | overloaded | nothing waits and nothing is remembered; a session stays with its endpoint, however busy that is |
//! | dropped half-way | a client that has not seen the answer has no token, and begins anew |
//!
//! # Example
//!
//! Settings are always there; what obeys them needs the feature `persistence`.
//!
#![cfg_attr(feature = "persistence", doc = "```")]
#![cfg_attr(not(feature = "persistence"), doc = "```ignore")]
//! use std::net::SocketAddr;
//! use std::time::SystemTime;
//!
//! use gateway_lb::balance::{Algorithm, NoReadyEndpoint};
//! use gateway_lb::persistence::{CookieSession, SessionKey, Sessions};
//! use gateway_lb::{Balancer, EndpointSet};
//! use http::{HeaderMap, HeaderValue};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let one = SocketAddr::from(([10, 0, 0, 1], 8080));
//! let two = SocketAddr::from(([10, 0, 0, 2], 8080));
//! let balancer = Balancer::new(Algorithm::RoundRobin, EndpointSet::from_iter([one, two]));
//! let sessions = Sessions::new(CookieSession::new("shop")?, SessionKey::random()?, b"shop/cart:80");
//!
//! // The first request has no token. The answer to it carries one.
//! let now = SystemTime::now();
//! let (first, token) = sessions.pick(&balancer, None, &HeaderMap::new(), now)?;
//! let (name, value) = token.expect("a new session");
//! assert_eq!(name, "set-cookie");
//!
//! let cookie = value.to_str()?.split(';').next().expect("a name and a value");
//! let headers = HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::from_str(cookie)?)]);
//! for _ in 0..10 {
//!     let (next, token) = sessions.pick(&balancer, None, &headers, now)?;
//!     assert_eq!(next.address(), first.address());
//!     assert!(token.is_none());
//! }
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "persistence")]
mod sessions;
mod settings;
#[cfg(all(test, feature = "persistence"))]
mod tests;
#[cfg(feature = "persistence")]
mod token;

#[cfg(feature = "persistence")]
pub use self::sessions::Sessions;
pub use self::settings::{
    CookieSession, HeaderSession, InvalidSession, Lifetime, SameSite, SessionCarrier,
};
#[cfg(feature = "persistence")]
pub use self::token::{NoRandomness, SessionKey, Token};
