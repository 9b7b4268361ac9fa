//! Kubernetes objects to a gateway's configuration and their status.

pub mod api;
pub mod source;
pub mod world;
