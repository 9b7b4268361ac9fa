//! Protocols of listeners.

use crate::api::{Listener, TlsMode};
use crate::verdict::SupportedKind;

/// A protocol that we speak, with what decides who can have a port beside whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Spoken {
    Http,
    Https,
    /// Ended here.
    TlsTerminated,
    /// Forwarded as it is.
    TlsPassthrough,
    Tcp,
    Udp,
}

impl Spoken {
    /// The protocol of a listener; nothing, if it is not known.
    pub(super) fn of(written: &Listener) -> Option<Self> {
        let mode = written.tls.as_ref().and_then(|tls| tls.mode.as_ref());

        Some(match written.protocol.as_str() {
            "HTTP" => Self::Http,
            "HTTPS" => Self::Https,
            "TLS" if mode == Some(&TlsMode::Passthrough) => Self::TlsPassthrough,
            "TLS" => Self::TlsTerminated,
            "TCP" => Self::Tcp,
            "UDP" => Self::Udp,
            _ => return None,
        })
    }

    /// As the API spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::TlsTerminated | Self::TlsPassthrough => "TLS",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }

    /// The kinds of routes that a listener can have.
    pub(super) fn kinds(self) -> &'static [SupportedKind] {
        match self {
            Self::Http | Self::Https => &[HTTP_ROUTE, GRPC_ROUTE],
            // The API knows TLSRoutes there; TCPRoutes, which have no hostname to
            // choose by, are an extension.
            Self::TlsTerminated => &[TLS_ROUTE, TCP_ROUTE],
            Self::TlsPassthrough => &[TLS_ROUTE],
            Self::Tcp => &[TCP_ROUTE],
            Self::Udp => &[UDP_ROUTE],
        }
    }

    /// What carries it: two transports share no ports.
    pub(super) fn transport(self) -> Transport {
        match self {
            Self::Udp => Transport::Udp,
            Self::Http | Self::Https | Self::TlsTerminated | Self::TlsPassthrough | Self::Tcp => {
                Transport::Tcp
            }
        }
    }

    /// Whether listeners can be told apart by hostname.
    pub(super) fn has_hostnames(self) -> bool {
        match self {
            Self::Http | Self::Https | Self::TlsTerminated | Self::TlsPassthrough => true,
            Self::Tcp | Self::Udp => false,
        }
    }

    /// Whether clients begin with a handshake, whoever it is with.
    pub(super) fn has_tls(self) -> bool {
        match self {
            Self::Https | Self::TlsTerminated | Self::TlsPassthrough => true,
            Self::Http | Self::Tcp | Self::Udp => false,
        }
    }

    /// Whether the handshake is with us.
    pub(super) fn ends_tls(self) -> bool {
        matches!(self, Self::Https | Self::TlsTerminated)
    }

    /// Whether both can be on one port: what clients begin with must tell which is
    /// meant.
    pub(super) fn shares_ports_with(self, other: Self) -> bool {
        self == other || self.has_tls() && other.has_tls()
    }
}

/// What carries a protocol.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

const fn kind(kind: &'static str) -> SupportedKind {
    SupportedKind {
        group: super::GATEWAY_GROUP,
        kind,
    }
}

const HTTP_ROUTE: SupportedKind = kind("HTTPRoute");
const GRPC_ROUTE: SupportedKind = kind("GRPCRoute");
const TLS_ROUTE: SupportedKind = kind("TLSRoute");
const TCP_ROUTE: SupportedKind = kind("TCPRoute");
const UDP_ROUTE: SupportedKind = kind("UDPRoute");
