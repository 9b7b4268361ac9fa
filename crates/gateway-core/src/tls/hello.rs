//! What a client asks for before anything is decided.

use std::io;

use bytes::{Buf, BytesMut};
use rustls::server::{Accepted, Acceptor};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A ClientHello, with the bytes that it came in.
pub(crate) struct Hello {
    accepted: Accepted,
    read: BytesMut,
    /// How many of them rustls has taken.
    taken: usize,
}

impl Hello {
    /// The name that the client asks for (RFC 6066, section 3), in lower case.
    pub(crate) fn server_name(&self) -> Option<String> {
        let hello = self.accepted.client_hello();
        hello.server_name().map(str::to_ascii_lowercase)
    }

    /// For a handshake elsewhere: everything that was read.
    pub(crate) fn into_bytes(self) -> BytesMut {
        self.read
    }

    /// For a handshake here: the message, and what came after it.
    pub(super) fn into_accepted(mut self) -> (Accepted, BytesMut) {
        self.read.advance(self.taken);
        let rest = match self.read.is_empty() {
            true => BytesMut::new(),
            false => self.read,
        };
        (self.accepted, rest)
    }
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello")
            .field("server_name", &self.server_name())
            .finish_non_exhaustive()
    }
}

/// Reads a ClientHello, however it is cut into records and segments; `None` if the
/// client said nothing and left.
///
/// It has no deadline of its own; dropping it loses what was read.
///
/// # Errors
///
/// When the connection breaks, and when what comes is something else or too long; then
/// the client has been told in an alert.
pub(crate) async fn read_hello(tcp: &mut TcpStream) -> Result<Option<Hello>, NoHello> {
    let mut acceptor = Acceptor::default();
    let mut read = BytesMut::with_capacity(FIRST_READ);
    let mut taken = 0;
    loop {
        if tcp.read_buf(&mut read).await.map_err(NoHello::Broken)? == 0 {
            return match read.is_empty() {
                true => Ok(None),
                false => Err(NoHello::Cut),
            };
        }
        while taken < read.len() {
            let mut rest = &read[taken..];
            taken += acceptor.read_tls(&mut rest).map_err(|_| NoHello::TooLong)?;
            match acceptor.accept() {
                Ok(Some(accepted)) => {
                    return Ok(Some(Hello {
                        accepted,
                        read,
                        taken,
                    }));
                }
                Ok(None) => {}
                Err((error, mut alert)) => {
                    let mut bytes = Vec::new();
                    // Writing into memory does not fail, and a client that does not
                    // take a few bytes will not miss them.
                    let _ = alert.write_all(&mut bytes);
                    let _ = tcp.try_write(&bytes);
                    return Err(NoHello::Invalid(error));
                }
            }
        }
        if read.len() > LONGEST {
            return Err(NoHello::TooLong);
        }
    }
}

/// Why there is no ClientHello.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoHello {
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error("the client left in the middle of a ClientHello")]
    Cut,
    #[error("the ClientHello is too long")]
    TooLong,
    #[error("this is no ClientHello")]
    Invalid(#[source] rustls::Error),
}

/// Enough for most, with the key shares that withstand quantum computers, too.
const FIRST_READ: usize = 2048;

/// Four times what long ones have, to leave room for many small records.
const LONGEST: usize = 16 * 1024;
