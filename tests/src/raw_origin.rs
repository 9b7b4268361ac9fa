//! A backend that need not be polite.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::{Wire, patiently};

/// A listening socket whose connections the test serves itself.
#[derive(Debug)]
pub struct RawOrigin {
    listener: TcpListener,
}

/// A scripted backend: every connection is served by the same script. Dropping it
/// closes the socket and the connections.
#[derive(Debug)]
pub struct Scripted {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

impl RawOrigin {
    /// Listens on a free port.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn bind() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        Self {
            listener: listener.expect("a free port"),
        }
    }

    /// Where it listens.
    ///
    /// # Panics
    ///
    /// Never: it is bound.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    /// The next connection.
    ///
    /// # Panics
    ///
    /// If nobody connects.
    pub async fn accept(&self) -> Wire {
        let accepted = patiently("a connection to the origin", self.listener.accept()).await;
        Wire::new(accepted.expect("a connection").0)
    }

    /// Serves every connection by `script`.
    pub fn script<S, F>(self, script: S) -> Scripted
    where
        S: Fn(Wire) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let address = self.address();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((tcp, _)) = self.listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                serving.spawn(script(Wire::new(tcp)));
            }
        });
        Scripted {
            address,
            connections,
            accepting: accepting.abort_handle(),
        }
    }

    /// Answers every request, whatever it is, with `bytes`, and keeps the
    /// connection open if `keep` says so.
    pub fn answering(self, bytes: impl Into<Vec<u8>>, keep: bool) -> Scripted {
        let bytes = Arc::new(bytes.into());
        self.script(move |mut wire| {
            let bytes = Arc::clone(&bytes);
            async move {
                while wire.request().await.is_some() {
                    wire.send(&*bytes).await;
                    if !keep {
                        return;
                    }
                }
            }
        })
    }
}

impl Scripted {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
