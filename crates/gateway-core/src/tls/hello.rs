//! What a client asks for before anything is decided.

use std::io;

use bytes::{Buf, BytesMut};
use rustls::server::{Accepted, Acceptor};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::telemetry::HandshakeFailure;

use super::outline::server_name;

/// A ClientHello, with the bytes that it came in.
pub(crate) struct Hello {
    /// Or why rustls does not answer it, which is for nobody to say but rustls.
    accepted: Result<Accepted, Refused>,
    name: Option<String>,
    read: BytesMut,
    /// How many of them rustls has taken.
    taken: usize,
}

impl Hello {
    /// The name that the client asks for (RFC 6066, section 3), in lower case.
    pub(crate) fn server_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// For a handshake elsewhere: everything that was read.
    pub(crate) fn into_bytes(self) -> BytesMut {
        self.read
    }

    /// For a handshake here: the message, and what came after it.
    pub(super) fn into_accepted(mut self) -> (Result<Accepted, Refused>, BytesMut) {
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
            .field("server_name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A ClientHello that cannot be answered here.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: rustls::Error,
    /// What the client is told.
    pub(super) alert: Vec<u8>,
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
                    let hello = accepted.client_hello();
                    return Ok(Some(Hello {
                        name: hello.server_name().map(str::to_ascii_lowercase),
                        accepted: Ok(accepted),
                        read,
                        taken,
                    }));
                }
                Ok(None) => {}
                Err((error, mut writer)) => {
                    let mut alert = Vec::new();
                    // Writing into memory does not fail.
                    let _ = writer.write_all(&mut alert);
                    // Well-formed, but not for rustls: it may be for somebody else.
                    if let rustls::Error::PeerIncompatible(_) = error {
                        return Ok(Some(Hello {
                            name: server_name(&read),
                            accepted: Err(Refused { error, alert }),
                            read,
                            taken,
                        }));
                    }
                    tell(tcp, &alert);
                    return Err(NoHello::Invalid(error));
                }
            }
        }
        if read.len() > LONGEST {
            return Err(NoHello::TooLong);
        }
    }
}

/// A client that does not take a few bytes at once will not miss them.
pub(super) fn tell(tcp: &TcpStream, alert: &[u8]) {
    let _ = tcp.try_write(alert);
}

impl NoHello {
    /// How it is counted.
    pub(crate) fn class(&self) -> HandshakeFailure {
        match self {
            Self::Broken(_) => HandshakeFailure::Broken,
            Self::Cut | Self::TooLong | Self::Invalid(_) => HandshakeFailure::ClientHello,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use rustls::crypto::aws_lc_rs;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// The payload of a ClientHello's record.
    fn message() -> Vec<u8> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let name = "Shop.example.com".try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes.split_off(5)
    }

    /// `bytes` in pieces of these sizes, again and again.
    fn pieces<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = bytes;
        sizes.iter().cycle().map_while(move |size| {
            let (piece, left) = rest.split_at((*size).min(rest.len()));
            rest = left;
            (!piece.is_empty()).then_some(piece)
        })
    }

    fn records(message: &[u8], sizes: &[usize]) -> Vec<u8> {
        pieces(message, sizes)
            .flat_map(|piece| {
                let length = u16::try_from(piece.len()).unwrap().to_be_bytes();
                [&[22, 3, 1], &length[..], piece].concat()
            })
            .collect()
    }

    /// What is read of `segments`, sent one after the other.
    async fn read(segments: Vec<Vec<u8>>) -> Result<Option<Hello>, NoHello> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        client.set_nodelay(true).unwrap();
        let (mut tcp, _) = listener.accept().await.unwrap();
        let sending = tokio::spawn(async move {
            for segment in segments {
                if client.write_all(&segment).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
        let read = read_hello(&mut tcp).await;
        sending.await.unwrap();
        read
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(future)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However it is cut into records and segments, the name is read, and nothing
        /// that was read is lost.
        #[test]
        fn hello_is_read_however_it_is_cut(
            records_of in prop::collection::vec(1usize..600, 1..5),
            segments_of in prop::collection::vec(1usize..900, 1..5),
        ) {
            let sent = records(&message(), &records_of);
            let segments = pieces(&sent, &segments_of).map(<[u8]>::to_vec).collect();

            let hello = now(read(segments)).unwrap().unwrap();

            prop_assert_eq!(hello.server_name().unwrap(), "shop.example.com");
            prop_assert_eq!(server_name(&sent).unwrap(), "shop.example.com");
            prop_assert!(hello.into_bytes() == sent);
        }

        /// Who reads an outline finds the name, nothing, and never a panic.
        #[test]
        fn outline_of_a_damaged_hello_is_read_or_not(
            cut in 0usize..2000,
            place in 0usize..2000,
            byte in any::<u8>(),
        ) {
            let whole = records(&message(), &[500]);
            let mut sent = whole[..cut.min(whole.len())].to_vec();
            if cut < whole.len() {
                prop_assert_eq!(server_name(&sent), None);
            }
            if let Some(damaged) = sent.get_mut(place) {
                *damaged = byte;
            }

            let _ = server_name(&sent);
        }

        /// Whatever else comes is refused or not yet complete, and never a panic.
        #[test]
        fn nonsense_is_no_hello(mut bytes in prop::collection::vec(any::<u8>(), 1..200), cut in 0usize..1500) {
            let good = records(&message(), &[usize::MAX >> 1]);
            let mut sent = good[..cut.min(good.len() - 1)].to_vec();
            sent.append(&mut bytes);
            // By chance alone this does not become a hello.
            let outcome = now(read(vec![sent]));

            if let Ok(Some(hello)) = outcome {
                prop_assert!(hello.server_name().is_some());
            }
        }
    }

    #[tokio::test]
    async fn hello_of_an_old_client_is_read_for_others() {
        let name = b"Old.test";
        let length = u8::try_from(name.len()).unwrap();
        let extension = [
            &[0, 0, 0, length + 5, 0, length + 3, 0, 0, length],
            &name[..],
        ]
        .concat();
        let body = [
            // TLS 1.0, a session of no length, one cipher suite, no compression.
            &[3, 1][..],
            &[7; 32],
            &[0, 0, 2, 0, 47, 1, 0],
            &[0, length + 9],
            &extension,
        ]
        .concat();
        let message = [&[1, 0, 0, u8::try_from(body.len()).unwrap()], &body[..]].concat();
        let sent = records(&message, &[40]);

        let hello = read(vec![sent.clone()]).await.unwrap().unwrap();

        assert_eq!(hello.server_name(), Some("old.test"));
        assert!(hello.accepted.is_err());
        assert!(hello.into_bytes() == sent);
    }

    #[tokio::test]
    async fn hello_that_does_not_end_is_too_long() {
        let mut endless = vec![22, 3, 1, 0x40, 0, 1, 0, 0xea, 0x60];
        endless.resize(5 + 0x4000, 0);

        let outcome = read(vec![endless.clone(), endless]).await;

        assert!(matches!(outcome, Err(NoHello::TooLong)), "{outcome:?}");
    }

    #[tokio::test]
    async fn client_that_leaves_is_told_apart_from_one_that_breaks_off() {
        assert!(matches!(read(vec![]).await, Ok(None)));
        let half = read(vec![vec![22, 3, 1, 0]]).await;
        assert!(matches!(half, Err(NoHello::Cut)), "{half:?}");
    }
}
