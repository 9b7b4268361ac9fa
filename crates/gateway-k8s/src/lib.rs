//! Kubernetes objects to a gateway's configuration and their status.

pub mod api;
pub mod infrastructure;
pub mod resolve;
pub mod snapshot;
mod sorted;
pub mod source;
#[cfg(feature = "cluster")]
pub mod status;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod verdict;
pub mod world;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
