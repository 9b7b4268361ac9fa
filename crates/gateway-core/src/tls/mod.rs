//! TLS at a listener.
//!
//! [`hello`] reads what a client asks for, [`table`] finds the listener that it is for,
//! [`termination`] is what that listener's handshakes share, and [`handshake`] does one.

mod certificates;
mod clients;
mod handshake;
mod hello;
mod identity;
mod names;
mod outline;
mod routes;
mod secured;
mod socket;
mod table;
mod termination;
mod turns;

pub(crate) use self::handshake::{Established, HandshakeError, handshake};
pub(crate) use self::hello::{Hello, NoHello, read_hello};
pub use self::identity::ClientCertificate;
pub(crate) use self::routes::Routes;
pub(crate) use self::secured::Secured;
pub(crate) use self::socket::TlsStream;
pub(crate) use self::table::{Purpose, TlsListener, TlsTable};
pub(crate) use self::termination::Terminator;
