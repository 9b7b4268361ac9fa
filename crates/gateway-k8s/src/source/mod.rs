//! Where objects come from.

#[cfg(feature = "cluster")]
pub mod cluster;
pub(crate) mod fields;
pub mod folder;
mod kinds;
mod problem;

pub use self::problem::{Problem, Severity};
