//! filters

mod chunks;
mod error;
mod fraction;
pub mod mirror;
pub mod retry;
#[cfg(test)]
mod script;
pub mod timeout;
mod tunnel;

#[doc(inline)]
pub use self::error::BoxError;
#[doc(inline)]
pub use self::fraction::{Fraction, InvalidFraction};
#[doc(inline)]
pub use self::mirror::{MirrorLayer, MirrorSettings};
#[doc(inline)]
pub use self::retry::{RetryLayer, RetryPolicy};
#[doc(inline)]
pub use self::timeout::{BackendRequestTimeoutLayer, RequestTimeoutLayer};
