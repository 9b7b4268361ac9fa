//! Where objects come from.

pub mod folder;
mod problem;

pub use self::problem::{Problem, Severity};
