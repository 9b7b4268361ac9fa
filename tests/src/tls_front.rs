//! TLS in front of a backend that speaks in the clear.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::tls::Issued;

/// Ends TLS and passes everything on. Dropping it closes its socket.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    handshakes: watch::Receiver<usize>,
    accepting: AbortHandle,
}

impl TlsFront {
    /// Shows `issued`, chooses among `protocols` (ALPN) and passes on to `backend`.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn start(issued: &Issued, protocols: &[&str], backend: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (count, handshakes) = watch::channel(0);
        let accepting = tokio::spawn(accept(listener, issued.acceptor(protocols), backend, count));
        Self {
            address,
            handshakes,
            accepting: accepting.abort_handle(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many handshakes came to their end.
    pub fn handshakes(&self) -> usize {
        *self.handshakes.borrow()
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    backend: SocketAddr,
    handshakes: watch::Sender<usize>,
) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (acceptor, handshakes) = (acceptor.clone(), handshakes.clone());
        tokio::spawn(async move {
            let Ok(mut client) = acceptor.accept(tcp).await else {
                return;
            };
            handshakes.send_modify(|count| *count += 1);
            let mut backend = TcpStream::connect(backend).await.expect("a backend");
            // Who breaks off is the test's affair.
            let _ = copy_bidirectional(&mut client, &mut backend).await;
        });
    }
}
