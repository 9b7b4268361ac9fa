//! Programs of others against the gateway.
//!
//! | module | what |
//! |---|---|
//! | `h2spec` | every case of h2spec, in strict mode |
//! | `grpc` | the interop cases of gRPC, with grpc-go's client and server |
//! | `rate_limit` | limits of Envoy's rate limit service, which counts in a Redis |
//! | `tool` | a program of others, built by `tests/tools/build` if need be |

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod grpc;
mod h2spec;
mod rate_limit;
mod tool;
