//! Kubernetes objects to a gateway's configuration and their status.

pub mod api;
pub mod resolve;
pub mod source;
pub mod verdict;
pub mod world;
