//! Writes headers.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::parse::SIGNATURE;
use crate::model::ProxyVersion;

/// A header for a connection from `source` to `destination`.
///
/// If one of them is IPv4 and the other is not, both are written as IPv6.
#[must_use]
pub fn header(version: ProxyVersion, source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let ends = (source.ip().to_canonical(), destination.ip().to_canonical());
    let ports = (source.port(), destination.port());

    match (version, ends) {
        (ProxyVersion::V1, (IpAddr::V4(from), IpAddr::V4(to))) => line("TCP4", from, to, ports),
        (ProxyVersion::V1, (from, to)) => line("TCP6", v6(from), v6(to), ports),
        (ProxyVersion::V2, (IpAddr::V4(from), IpAddr::V4(to))) => {
            binary(0x11, &from.octets(), &to.octets(), ports)
        }
        (ProxyVersion::V2, (from, to)) => binary(0x21, &v6(from).octets(), &v6(to).octets(), ports),
    }
}

/// A header for a connection that is from nobody else than us.
pub(crate) fn own(version: ProxyVersion) -> Vec<u8> {
    match version {
        ProxyVersion::V1 => b"PROXY UNKNOWN\r\n".to_vec(),
        // The command LOCAL, of no family.
        ProxyVersion::V2 => [SIGNATURE, &[0x20, 0, 0, 0]].concat(),
    }
}

fn line(
    family: &str,
    from: impl std::fmt::Display,
    to: impl std::fmt::Display,
    ports: (u16, u16),
) -> Vec<u8> {
    format!("PROXY {family} {from} {to} {} {}\r\n", ports.0, ports.1).into_bytes()
}

fn binary(family: u8, from: &[u8], to: &[u8], ports: (u16, u16)) -> Vec<u8> {
    // Of the addresses and ports: never more than 36.
    let length = from.len() + to.len() + 4;
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([0x21, family, 0, length as u8]);
    bytes.extend(from);
    bytes.extend(to);
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Parsed, parse};
    use super::*;

    #[test]
    fn own_connections_are_from_nobody() {
        for version in [ProxyVersion::V1, ProxyVersion::V2] {
            let header = own(version);

            let length = header.len();
            let addresses = None;
            assert_eq!(parse(&header), Parsed::Header { length, addresses });
        }
    }
}
