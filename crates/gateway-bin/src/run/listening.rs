//! Which listeners are behind which socket.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use gateway_core::Transport;
use gateway_core::model::{Configuration, Gateway, Listener, Protocol, TlsMode};

/// What the gateway listens with.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Socket {
    address: SocketAddr,
    transport: Transport,
}

impl Socket {
    /// Those of a gateway that is running.
    pub(super) fn all(gateway: &gateway_core::Gateway) -> Vec<Self> {
        let connections = gateway.addresses().into_iter().map(|address| Self {
            address,
            transport: Transport::Tcp,
        });
        let datagrams = gateway.receiving().into_iter().map(|address| Self {
            address,
            transport: Transport::Udp,
        });

        connections.chain(datagrams).collect()
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            Transport::Tcp => write!(f, "{}", self.address),
            Transport::Udp => write!(f, "{}/udp", self.address),
        }
    }
}

/// For each socket, whom it is for.
pub(super) fn by_socket(
    configuration: &Configuration,
    sockets: &[Socket],
) -> BTreeMap<Socket, String> {
    let whom = |socket: &Socket| {
        let gateways = configuration.gateways().iter();
        let names: Vec<_> = gateways
            .filter_map(|gateway| listeners(gateway, *socket))
            .collect();
        names.join("; ")
    };

    sockets
        .iter()
        .map(|socket| (*socket, whom(socket)))
        .collect()
}

fn listeners(gateway: &Gateway, Socket { address, transport }: Socket) -> Option<String> {
    let ips = gateway.addresses();
    let is_here = if ips.is_empty() {
        address.ip().is_unspecified()
    } else {
        ips.contains(&address.ip())
    };
    let listeners = gateway.listeners().iter();
    let here: Vec<_> = listeners
        .filter(|listener| is_here && listener.bound_port() == address.port())
        .filter(|listener| transport_of(listener.protocol()) == transport)
        .map(|listener| describe(listener))
        .collect();

    let plural = if here.len() == 1 { "" } else { "s" };
    (!here.is_empty()).then(|| {
        let name = gateway.name();
        format!("Gateway {name}, listener{plural} {}", here.join(", "))
    })
}

fn transport_of(protocol: &Protocol) -> Transport {
    match protocol {
        Protocol::Http | Protocol::Https(_) | Protocol::Tls(_) | Protocol::Tcp => Transport::Tcp,
        Protocol::Udp => Transport::Udp,
    }
}

fn describe(listener: &Listener) -> String {
    let hostname = listener.hostname().map(ToString::to_string);
    let about: Vec<_> = kind(listener.protocol())
        .map(str::to_owned)
        .into_iter()
        .chain(hostname)
        .collect();

    if about.is_empty() {
        listener.name().to_string()
    } else {
        format!("{} ({})", listener.name(), about.join(", "))
    }
}

/// What is spoken, where it is not HTTP.
fn kind(protocol: &Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Http | Protocol::Https(_) => None,
        Protocol::Tls(TlsMode::Passthrough) => Some("TLS passthrough"),
        Protocol::Tls(TlsMode::Terminate(_)) => Some("TLS"),
        Protocol::Tcp => Some("TCP"),
        Protocol::Udp => Some("UDP"),
    }
}
