//! The PROXY protocol, which says whom a connection is from.
//!
//! Versions 1 and 2, read and written. Additional fields of version 2 (TLVs) are
//! skipped. Source: the PROXY protocol of HAProxy.

mod parse;
mod read;
mod write;

use std::net::SocketAddr;

pub(super) use self::parse::{Parsed, parse};
pub(crate) use self::read::read;
pub use self::write::header;
pub(crate) use self::write::own;

/// Both ends of a client's connection, as a header tells them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Addresses {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}
