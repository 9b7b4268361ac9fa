//! What was counted, as values.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::requests::CLASSES;
use crate::model::{ObjectName, SectionName};

/// What a gateway has counted since it was built, and what it is doing.
///
/// Its parts are read one after the other while workers go on counting.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// How many workers there are.
    pub workers: usize,
    /// How many configurations have differed from the one before; 0 before the first.
    pub generation: u64,
    /// When the last of them began to be served.
    pub changed_at: Option<SystemTime>,
    /// How many connections, sessions and requests ended in a panic.
    pub panics: u64,
    /// The listeners of the configuration, by name.
    pub listeners: Vec<ListenerMetrics>,
    /// The addresses that are listened on.
    pub addresses: Vec<AddressMetrics>,
    /// The addresses where datagrams are received.
    pub datagrams: Vec<DatagramMetrics>,
    /// Connections to backends, of HTTP.
    pub upstream: UpstreamMetrics,
    /// The certificates that listeners show.
    pub certificates: Vec<CertificateMetrics>,
}

/// What was counted for one listener.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListenerMetrics {
    /// The Gateway.
    pub gateway: ObjectName,
    /// The listener.
    pub listener: SectionName,
    /// Its requests.
    pub requests: RequestMetrics,
}

/// What became of requests.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestMetrics {
    /// Those whose response has not ended. A connection that has become a tunnel has
    /// none in flight.
    pub in_flight: u64,
    /// Responses that have begun, whoever made them.
    pub responses: Responses,
    /// Responses that the gateway made because something failed, for every
    /// [`Failure::reason`](crate::Failure::reason). They count as responses, too.
    pub failures: Vec<(&'static str, u64)>,
    /// Those that the client gave up before there was a response.
    pub abandoned: u64,
}

/// How many responses there were, by the class of their status.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Responses {
    pub(super) by_class: [u64; CLASSES],
}

impl Responses {
    /// The first digit of the status, from 1 to 5, and how many there were.
    pub fn by_class(&self) -> impl Iterator<Item = (u16, u64)> {
        (1..).zip(self.by_class)
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.by_class.iter().sum()
    }
}

/// What was counted at one address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AddressMetrics {
    /// The address that is listened on.
    pub address: SocketAddr,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Those of them that are open.
    pub open: u64,
    /// Those of them that were refused: by a limit or a policy, or for want of a PROXY
    /// protocol header.
    pub refused: u64,
    /// TLS handshakes.
    pub handshakes: HandshakeMetrics,
    /// Connections that were forwarded as they are, once they have ended.
    pub streams: StreamMetrics,
    /// Requests that no listener is for, or that were refused before it was known
    /// which.
    pub unclaimed: RequestMetrics,
}

/// What became of TLS handshakes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandshakeMetrics {
    /// Those that succeeded.
    pub completed: u64,
    /// Those that did not, for every reason.
    pub failures: Vec<(&'static str, u64)>,
}

/// What became of connections or sessions that are not HTTP. They count when they end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamMetrics {
    /// How many ended, for every way in which they may.
    pub ended: Vec<(&'static str, u64)>,
    /// Bytes from clients.
    pub received: u64,
    /// Bytes to clients.
    pub sent: u64,
}

/// What was counted at one address for datagrams.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DatagramMetrics {
    /// The address.
    pub address: SocketAddr,
    /// Sessions that were made.
    pub sessions: u64,
    /// Those of them that have not ended.
    pub open: u64,
    /// Datagrams, or runs of them, that were dropped.
    pub dropped: u64,
    /// Sessions, once they have ended.
    pub streams: StreamMetrics,
}

/// What became of connections to backends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct UpstreamMetrics {
    /// Connections that were opened.
    pub opened: u64,
    /// Requests that had a connection that was open already.
    pub reused: u64,
    /// Connections that could not be opened.
    pub failed: u64,
}

/// A certificate that a listener shows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CertificateMetrics {
    /// The Gateway.
    pub gateway: ObjectName,
    /// The listener.
    pub listener: SectionName,
    /// The first name that it is for; empty if there is none.
    pub name: Arc<str>,
    /// Until when it is valid.
    pub not_after: SystemTime,
}
