//! Reads the header of a connection.

use std::io;

use tokio::net::TcpStream;

use super::{Addresses, Parsed, parse};

/// Reads a header and nothing behind it. `None` if it says that the connection is from
/// whoever sent it.
///
/// It has no deadline of its own; dropping it loses what was read.
///
/// # Errors
///
/// When there is something else than a header, or the connection ends.
pub(crate) async fn read(tcp: &TcpStream) -> io::Result<Option<Addresses>> {
    let mut head = Vec::new();
    let mut ahead = [0; AHEAD];
    loop {
        // What belongs to somebody else is left where it is.
        let there = tcp.peek(&mut ahead).await?;
        if there == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let known = head.len();
        head.extend_from_slice(&ahead[..there]);
        match parse(&head) {
            Parsed::Incomplete => take(tcp, &mut ahead[..there])?,
            Parsed::Header { length, addresses } => {
                take(tcp, &mut ahead[..length.saturating_sub(known)])?;
                return Ok(addresses);
            }
            Parsed::Invalid => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Takes away what is known to be there.
fn take(tcp: &TcpStream, mut there: &mut [u8]) -> io::Result<()> {
    while !there.is_empty() {
        let taken = tcp.try_read(there)?;
        if taken == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        there = &mut there[taken..];
    }
    Ok(())
}

/// Enough for most headers.
const AHEAD: usize = 256;
