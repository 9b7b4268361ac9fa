//! A Gateway API gateway as a library.

pub mod model;
pub mod routing;
