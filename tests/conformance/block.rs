//! Addresses of one test.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// 256 addresses of loopback that no other test has while this one lives.
#[derive(Debug)]
pub(crate) struct Block {
    base: u32,
    /// Whoever listens here has the block.
    _claim: TcpListener,
}

impl Block {
    /// A block whose addresses may be listened on at port 80; `None`, after saying
    /// so, if that is not for us.
    ///
    /// # Panics
    ///
    /// If port 80 is taken on every address.
    pub(crate) fn claim() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            // Processes start in different places, and step over each other's blocks.
            let turn = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = std::process::id().wrapping_mul(97).wrapping_add(turn) % BLOCKS;
            let base = FIRST + (number << 8);
            let address = Ipv4Addr::from_bits(base | CLAIM);
            let claim = match TcpListener::bind((address, CLAIM_PORT)) {
                Ok(claim) => claim,
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && turn < BLOCKS => continue,
                Err(error) => return skip(address, CLAIM_PORT, &error),
            };
            return match TcpListener::bind((address, 80)) {
                Ok(_) => Some(Self {
                    base,
                    _claim: claim,
                }),
                Err(error) => skip(address, 80, &error),
            };
        }
    }

    /// One of the addresses for pods.
    pub(crate) fn pod(&self, index: usize) -> Ipv4Addr {
        let index = u32::try_from(index).ok().filter(|index| *index < 100);
        Ipv4Addr::from_bits(self.base + 2 + index.expect("few pods"))
    }

    /// The addresses for Gateways that name none.
    pub(crate) fn pool(&self) -> impl Iterator<Item = IpAddr> {
        (150..200).map(|last| IpAddr::V4(Ipv4Addr::from_bits(self.base + last)))
    }

    /// An address for a Gateway that names it.
    pub(crate) fn usable(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(self.base + 200))
    }
}

fn skip(address: Ipv4Addr, port: u16, error: &io::Error) -> Option<Block> {
    use io::ErrorKind::{AddrNotAvailable, PermissionDenied};
    assert!(
        matches!(error.kind(), AddrNotAvailable | PermissionDenied),
        "cannot listen on {address}:{port}: {error}"
    );
    // Past the capture of tests that pass: this is to be seen.
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let line = format!("skipped {test}: cannot listen on {address}:{port}: {error}\n");
    let _ = io::stderr().write_all(line.as_bytes());
    None
}

/// From 127.64.0.0, where nobody else is.
const FIRST: u32 = 127 << 24 | 64 << 16;
const BLOCKS: u32 = 1 << 15;
const CLAIM: u32 = 1;
const CLAIM_PORT: u16 = 3000;
