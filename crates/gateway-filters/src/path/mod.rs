//! Replaces a path or the prefix it was matched by.
//!
//! Implements the Gateway API's `HTTPPathModifier`, which [`Redirect`](crate::Redirect) and
//! [`UrlRewrite`](crate::UrlRewrite) have in common. It is a function of paths; queries are kept
//! by whoever calls it.
//!
//! # Example
//!
//! ```
//! use gateway_filters::PathModifier;
//!
//! let modifier = PathModifier::replace_prefix_match("/xyz")?;
//!
//! assert_eq!(modifier.apply("/foo/bar", Some("/foo")), "/xyz/bar");
//! # Ok::<(), gateway_filters::path::InvalidPath>(())
//! ```

mod apply;
mod error;
mod settings;
#[cfg(test)]
mod tests;

pub use self::error::InvalidPath;
pub use self::settings::{PathModifier, ReplacementPath};
