//! Sockets that listen.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// One listening socket for each worker, all on one address: the kernel spreads
/// connections over them (`SO_REUSEPORT`).
#[derive(Debug)]
pub(crate) struct Sockets {
    /// What was bound; the port is known now if it was 0.
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<TcpListener>,
}

/// Listens on `address`. The unspecified IPv6 address means every address of the
/// machine, IPv4 and IPv6.
///
/// `shared` says that this process already listens on an overlapping address.
///
/// # Errors
///
/// When the address is in use by somebody else, is none of this machine's, or needs
/// a right that the process does not have.
pub(crate) fn bind(
    address: SocketAddr,
    workers: usize,
    shared: bool,
) -> Result<Sockets, BindError> {
    let failed = |source: io::Error| BindError {
        address,
        transport: Transport::Tcp,
        source: source.into(),
    };
    let address = or_ipv4(address);

    if !shared && address.port() != 0 {
        // With SO_REUSEPORT a second process of the same user would not fail but
        // silently take half of the connections.
        listen(address, false).map_err(failed)?;
    }

    let first = listen(address, true).map_err(failed)?;
    let address = first.local_addr().map_err(failed)?;
    let mut sockets = vec![first];
    while sockets.len() < workers {
        sockets.push(listen(address, true).map_err(failed)?);
    }
    Ok(Sockets { address, sockets })
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(!is_everywhere(address))?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Whether `address` means every address, of either kind.
pub(crate) fn is_everywhere(address: SocketAddr) -> bool {
    address.is_ipv6() && address.ip().is_unspecified()
}

/// `address`, or what comes closest on a machine without IPv6.
pub(crate) fn or_ipv4(address: SocketAddr) -> SocketAddr {
    if is_everywhere(address) && !has_ipv6() {
        (Ipv4Addr::UNSPECIFIED, address.port()).into()
    } else {
        address
    }
}

fn has_ipv6() -> bool {
    Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)).is_ok()
}

/// An address that cannot be listened on.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What for.
    pub transport: Transport,
    /// What the system says.
    #[source]
    pub source: std::sync::Arc<io::Error>,
}

/// What is listened for. Each has ports of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Transport {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Connections that wait to be accepted, for each worker; the system may allow fewer.
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn any_port() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }

    #[test]
    fn all_workers_listen_on_one_port() {
        let bound = bind(any_port(), 3, false).unwrap();

        assert_eq!(bound.sockets.len(), 3);
        for socket in &bound.sockets {
            assert_eq!(socket.local_addr().unwrap(), bound.address);
        }
    }

    #[test]
    fn a_port_of_somebody_else_is_refused_even_if_they_share_it() {
        let theirs = bind(any_port(), 1, false).unwrap();

        let error = bind(theirs.address, 1, false).unwrap_err();

        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(error.address, theirs.address);
    }

    #[test]
    fn every_address_means_ipv4_too() {
        let bound = bind((std::net::Ipv6Addr::UNSPECIFIED, 0).into(), 1, false).unwrap();

        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, bound.address.port())).is_ok());
    }
}
