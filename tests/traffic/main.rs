//! What is done about traffic: faults, access, authorization, limits, retries, sessions, health, balancing and
//! circuit breaking, configured from Rust, over real sockets.
//!
//! A paused clock cannot be shared with sockets, so times here are real and short; `demos` has the
//! figures of the demos, and no sockets.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod access;
mod balancing;
mod bandwidth;
mod breaking;
mod calls;
mod connections;
mod demos;
mod ext_auth;
mod ext_authz;
mod faults;
mod global_limits;
mod health;
mod levels;
mod limits;
mod passwords;
mod requests;
mod retrying;
mod sessions;
mod streams;
