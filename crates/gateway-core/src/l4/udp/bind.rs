//! Sockets for datagrams.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::listen::{BindError, Transport, is_everywhere, or_ipv4};

/// One socket for each worker, all on one address: the kernel sends the datagrams of
/// one client to one of them (`SO_REUSEPORT`).
#[derive(Debug)]
pub(crate) struct UdpSockets {
    /// What was bound; the port is known now if it was 0.
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<UdpSocket>,
}

/// Binds `address`. As for TCP, the unspecified IPv6 address means every address, and
/// `shared` says that this process is on an overlapping address already.
///
/// # Errors
///
/// When the address is in use by somebody else, is none of this machine's, or needs
/// a right that the process does not have.
pub(crate) fn bind(
    address: SocketAddr,
    workers: usize,
    shared: bool,
) -> Result<UdpSockets, BindError> {
    let failed = |source: io::Error| BindError {
        address,
        transport: Transport::Udp,
        source: source.into(),
    };
    let address = or_ipv4(address);
    if !shared && address.port() != 0 {
        // With SO_REUSEPORT a second process of the same user would not fail.
        open(address, false).map_err(failed)?;
    }

    let first = open(address, true).map_err(failed)?;
    let address = first.local_addr().map_err(failed)?;
    let mut sockets = vec![first];
    while sockets.len() < workers {
        sockets.push(open(address, true).map_err(failed)?);
    }
    Ok(UdpSockets { address, sockets })
}

fn open(address: SocketAddr, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(!is_everywhere(address))?;
    }
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    // The system may give less; what does not fit is lost before we see it.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

const RECEIVE_BUFFER: usize = 2 * 1024 * 1024;
