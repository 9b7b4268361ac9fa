//! The harness for tests of an assembled gateway, over real sockets on loopback.
//!
//! | what | for |
//! |---|---|
//! | [`TestGateway`] | a gateway on a free port, ended when it is dropped |
//! | [`Site`] | a configuration in one line: rules of one listener, and backends |
//! | [`Origin`] | a backend that speaks proper HTTP and remembers what it was asked |
//! | [`Wire`] | one end of a TCP connection, byte by byte: a client, or a backend of [`RawOrigin`] |
//! | [`Client`] | a client that speaks proper HTTP/1.1 or HTTP/2 |
//! | [`TlsClient`] | the same over TLS, with certificates of an [`Authority`] |
//! | [`TlsFront`] | TLS in front of an [`Origin`] |
//! | [`frames`] | HTTP/2 frames by hand |
//! | [`HeldClock`] | time that passes when the test says so |
//!
//! Nothing here sleeps to wait for something: whatever is waited for is told, and
//! [`PATIENCE`] only ends a test that would hang.

pub mod frames;

mod client;
mod clock;
mod gateway;
mod origin;
mod patience;
mod raw_origin;
mod site;
mod tls;
mod tls_front;
mod wire;

pub use self::client::{Client, Reply};
pub use self::clock::HeldClock;
pub use self::gateway::TestGateway;
pub use self::origin::{Incoming, Origin, OriginBody, Seen, State, answer};
pub use self::patience::{PATIENCE, patiently};
pub use self::raw_origin::{RawOrigin, Scripted};
pub use self::site::{Site, prefix};
pub use self::tls::{Authority, Issued, TlsClient};
pub use self::tls_front::TlsFront;
pub use self::wire::{Answer, End, Wire, chunked, parse_head};

/// An error of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
