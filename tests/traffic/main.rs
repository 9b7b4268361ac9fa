//! What is done about traffic: faults, access, authorization, limits, retries, sessions, health,
//! balancing, mirroring and circuit breaking, configured from Rust, over real sockets.
//!
//! The threads of a gateway have a clock of their own, so times are real and short where there is
//! one. Where time matters, requests go to a routing service on the test's own clock: `demos` and
//! `health` have the figures of the demos.

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
mod mirroring;
mod passwords;
mod requests;
mod retrying;
mod sessions;
mod streams;
mod unrouted;
