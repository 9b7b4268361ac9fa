//! Which rule a request belongs to.
//!
//! A [`ListenerTable`] holds the listeners that share an address and a port. It
//! chooses one by hostname, then looks among that listener's routes alone (the
//! API calls this listener isolation). A [`RouteTable`] holds the routes of one
//! listener and chooses
//!
//! 1. by the hostname *of the route*: the exact one, then wildcards, longest
//!    first, then routes without hostnames. Where no rule of the more specific
//!    hostname matches, the next one is asked;
//! 2. by the path: exact, then the longest prefix, then regular expressions,
//!    longest first (the API leaves their place to us);
//! 3. by what else the match asks for: a method, then more headers, then more
//!    query parameters;
//! 4. by age of the route, by its `namespace/name`, by the order of its rules and
//!    of their matches.
//!
//! The match that wins decides, whatever becomes of the request afterwards.
//!
//! Both tables are generic over what a rule leads to, `T`, and are never changed:
//! `updated` makes a new table which shares with the old one whatever is as it
//! was. The cost of a look-up depends on the request's hostname and path and on
//! the matches that have the very same path, not on the number of routes.
//! Regular expressions are the exception: those of a hostname are tried one after
//! the other, or, beyond a few, all at once.
//!
//! Query parameters are read as forms write them: percent-encoded, `+` is a
//! space. A client that spells a parameter differently for the same backend can
//! therefore not choose another rule that way. (Envoy compares the raw text.)
//!
//! [`explain`] reads the same listeners without any index and says why a request
//! goes where it goes.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use gateway_core::model::{PathMatch, Route, RouteMatch, Rule};
//! use gateway_core::routing::{RequestHead, RouteTable};
//! use http::{HeaderMap, Method};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cart = Route::new("shop/cart")
//!     .with_rule(Rule::new().with_match(RouteMatch::path(PathMatch::prefix("/cart")?)));
//! let table = RouteTable::empty()
//!     .updated(&[Arc::new(cart)], &mut |route, rule| route.rule_ref(rule).to_string());
//!
//! let head = RequestHead {
//!     host: "shop.example.com",
//!     path: "/cart/3",
//!     query: None,
//!     method: &Method::GET,
//!     headers: &HeaderMap::new(),
//! };
//! let found = table.find(&head).expect("the route has no hostname of its own");
//!
//! assert_eq!(found.rule, "shop/cart rule 0");
//! assert_eq!(found.matched_prefix().map(|prefix| &**prefix), Some("/cart"));
//! # Ok(())
//! # }
//! ```

mod candidate;
mod conditions;
mod depths;
mod directory;
mod explain;
mod hosts;
mod keys;
mod list;
mod listeners;
mod paths;
mod precedence;
mod regexes;
mod shared;
mod table;
mod text;
mod update;

#[cfg(test)]
mod tests;

pub use self::explain::{
    Advantage, Explanation, ListenerMiss, NearMiss, WhyNot, WhyNotListener, Winner, explain,
};
pub use self::listeners::{Found, ListenerTable};
pub use self::table::{Match, RouteTable};

use http::{HeaderMap, Method};

/// What routing looks at.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The host that was asked for: lower case, without port and trailing dot.
    pub host: &'a str,
    /// The path as it was sent.
    pub path: &'a str,
    /// The query as it was sent, without its `?`.
    pub query: Option<&'a str>,
    /// The method.
    pub method: &'a Method,
    /// The headers.
    pub headers: &'a HeaderMap,
}
