//! Filters of the Gateway API as tower layers, each usable alone.

mod context;
mod fraction;

#[doc(inline)]
pub use self::context::{RouteContext, Scheme};
#[doc(inline)]
pub use self::fraction::{Fraction, InvalidFraction};
