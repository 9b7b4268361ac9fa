//! A Gateway API gateway as a library: the configuration as a value, routing, one
//! tower stack for each rule, listeners and workers.
//!
//! [`Gateway`] is a whole gateway with sockets and threads of its own.
//! `RoutingService` is its routing half, for other people's servers. Both serve a
//! [`model::Configuration`], and neither knows where it came from.
//!
//! # Modules
//!
//! In reading order:
//!
//! | module | what is in it |
//! |---|---|
//! | [`model`] | what a gateway does, as one comparable value |
//! | [`routing`] | which rule a request belongs to, and why |
#![cfg_attr(
    feature = "server",
    doc = "| [`l4`] | connections and datagrams that are not HTTP, as services |\n| [`telemetry`] | what a gateway counts |"
)]
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `server` | on | everything that needs sockets: without it there is the model and the matcher, and no runtime |
//! | `bcrypt`, `compression`, `ext-authz`, `global-rate-limit`, `htpasswd`, `jwt` | off | policies that bring a dependency |
//! | `full` | off | all of these |
//! | `tls` | with `server` | `Certificate::from_pem`: without it no certificate can be made, and nothing of TLS is compiled |

/// Compiles and runs the example of the README.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles and runs what the page shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/traffic.md")]
struct Traffic;

#[cfg(feature = "server")]
pub mod l4;
pub mod model;
pub mod routing;
#[cfg(feature = "server")]
pub mod telemetry;

#[cfg(feature = "server")]
mod admission;
#[cfg(feature = "server")]
mod body;
#[cfg(feature = "server")]
mod exchange;
#[cfg(feature = "server")]
mod gateway;
#[cfg(feature = "server")]
mod grpc;
#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "server")]
mod live_table;
#[cfg(feature = "server")]
mod rescue;
#[cfg(feature = "server")]
mod service;
#[cfg(feature = "server")]
mod stack;
#[cfg(feature = "server")]
mod tls;
#[cfg(feature = "server")]
mod tunnel;
#[cfg(feature = "server")]
mod worker;

#[cfg(feature = "server")]
#[doc(inline)]
pub use self::{
    admission::Refused,
    body::{Body, BoxError},
    gateway::{Gateway, GatewayBuilder, RefusedPolicy, RunError, Update},
    listen::{BindError, Deadlines, Transport},
    rescue::{Failure, Side, diagnose},
    service::{ResponseFuture, RoutingService},
    stack::{RuleStack, StackFuture},
    tls::ClientCertificate,
};
#[cfg(feature = "server")]
#[doc(inline)]
pub use gateway_filters::client_address::ClientAddress;
