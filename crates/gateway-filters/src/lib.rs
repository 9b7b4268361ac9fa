//! Filters of the Gateway API as tower layers, each usable alone.

mod context;
pub mod cors;
mod error;
mod fraction;
pub mod header_modifier;
mod hostname;
pub mod path;
pub mod redirect;
pub mod rewrite;

#[doc(inline)]
pub use self::context::{RouteContext, Scheme};
#[doc(inline)]
pub use self::cors::{Cors, CorsLayer};
#[doc(inline)]
pub use self::error::BoxError;
#[doc(inline)]
pub use self::fraction::{Fraction, InvalidFraction};
#[doc(inline)]
pub use self::header_modifier::{
    HeaderModifier, RequestHeaderModifierLayer, ResponseHeaderModifierLayer,
};
#[doc(inline)]
pub use self::hostname::InvalidHostname;
#[doc(inline)]
pub use self::path::PathModifier;
#[doc(inline)]
pub use self::redirect::{Redirect, RedirectLayer};
#[doc(inline)]
pub use self::rewrite::{UrlRewrite, UrlRewriteLayer};
