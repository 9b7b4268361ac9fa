//! Filters of the Gateway API as tower layers, each usable alone.

mod context;
mod error;
mod fraction;
pub mod header_modifier;

#[doc(inline)]
pub use self::context::{RouteContext, Scheme};
#[doc(inline)]
pub use self::error::BoxError;
#[doc(inline)]
pub use self::fraction::{Fraction, InvalidFraction};
#[doc(inline)]
pub use self::header_modifier::{
    HeaderModifier, RequestHeaderModifierLayer, ResponseHeaderModifierLayer,
};
