//! TLS, from the client's side.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod change;
mod clients;
mod handshakes;
mod http;
mod names;
mod openssl;
mod rig;
mod streams;
