//! A socket that takes and gives many datagrams in one call.

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::task::{Context, Poll, ready};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use tokio::io::Interest;

use super::Datagrams;

/// A UDP socket.
#[derive(Debug)]
pub(super) struct Socket {
    socket: tokio::net::UdpSocket,
    state: UdpSocketState,
}

/// Where some datagrams came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) peer: SocketAddr,
    /// The address of ours that they were sent to, if the system tells.
    pub(super) local: Option<IpAddr>,
}

impl Socket {
    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        allow_fragments(&socket);
        Ok(Self {
            socket: tokio::net::UdpSocket::from_std(socket)?,
            state,
        })
    }

    /// One with a port of its own, which exchanges datagrams with `peer` only and is
    /// told when nobody is there.
    pub(super) fn connect(peer: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match peer {
            SocketAddr::V4(_) => ([0; 4], 0).into(),
            SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(peer)?;
        Self::new(socket)
    }

    /// Waits for datagrams and gives all that have come to `take`.
    ///
    /// A socket is given datagrams of many clients in one call; of one client, those
    /// of equal size in a row come together.
    pub(super) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(Origin, Datagrams<'_>),
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.socket.poll_recv_ready(cx))?;
            let received = self
                .socket
                .try_io(Interest::READABLE, || self.receive(&mut take));
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return Poll::Ready(received),
            }
        }
    }

    fn receive(&self, take: &mut impl FnMut(Origin, Datagrams<'_>)) -> io::Result<()> {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.resize(BATCH * LARGEST, 0);
            let mut metas = [RecvMeta::default(); BATCH];
            let mut parts = scratch.chunks_mut(LARGEST);
            let mut slices: [IoSliceMut<'_>; BATCH] =
                std::array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()));
            let count = self
                .state
                .recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas)?;

            for (meta, slice) in metas.iter().zip(&slices).take(count) {
                let origin = Origin {
                    peer: meta.addr,
                    local: meta.dst_ip,
                };
                take(origin, Datagrams::split(&slice[..meta.len], meta.stride));
            }
            Ok(())
        })
    }

    /// Sends to `peer`, from `local` if that is known. What cannot be sent at once is
    /// an error.
    pub(super) fn send(
        &self,
        peer: SocketAddr,
        local: Option<IpAddr>,
        datagrams: Datagrams<'_>,
    ) -> io::Result<()> {
        let size = datagrams.size().max(1);
        let mut rest = datagrams.bytes();
        loop {
            // Fewer once the system has said that it cannot split them.
            let together = size * self.state.max_gso_segments().max(1).min(LARGEST / size);
            let (contents, behind) = rest.split_at(rest.len().min(together.max(size)));
            self.state.try_send(
                UdpSockRef::from(&self.socket),
                &Transmit {
                    destination: peer,
                    ecn: None,
                    contents,
                    segment_size: (contents.len() > size).then_some(size),
                    src_ip: local,
                },
            )?;
            if behind.is_empty() {
                return Ok(());
            }
            rest = behind;
        }
    }
}

/// Large datagrams are the business of those who send them. For IPv6 what is larger
/// than the link's unit stays forbidden, which cannot be changed in safe Rust.
fn allow_fragments(socket: &UdpSocket) {
    #[cfg(target_os = "linux")]
    {
        use rustix::net::sockopt::{Ipv4PathMtuDiscovery, set_ip_mtu_discover};
        // Has an effect on sockets for both families, and none on others.
        let _ = set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::WANT);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

thread_local! {
    /// What sockets of this thread receive into, one at a time.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How many datagrams, or runs of equal ones, are received in one call.
const BATCH: usize = 16;

/// A datagram is never larger, and neither is a run of them.
const LARGEST: usize = 64 * 1024;
