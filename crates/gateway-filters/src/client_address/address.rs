//! What is known of an address, as extensions of a request.

use std::net::{IpAddr, SocketAddr};

use http::Extensions;

/// Who is at the other end of the connection: the client, or a proxy.
///
/// An extension of the request, made by whoever accepts connections.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PeerAddress(pub IpAddr);

impl PeerAddress {
    /// The peer's address, if anyone said so.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<IpAddr> {
        extensions.get().map(|Self(address)| *address)
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address.ip())
    }
}

/// Who sent the request, as far as those in between are trusted.
///
/// An extension of the request, made by [`ClientAddressLayer`](super::ClientAddressLayer). An
/// IPv4 address is one, also when it arrived as IPv6.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The client's address; that of the peer, if nobody looked further.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<IpAddr> {
        let client = extensions.get().map(|Self(address)| *address);
        client.or_else(|| PeerAddress::of(extensions))
    }
}
