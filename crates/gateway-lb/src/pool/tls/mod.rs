//! TLS towards backends.

mod client;
mod names;
#[cfg(test)]
mod tests;
mod verifier;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub use self::client::{InvalidTls, UpstreamTlsBuilder};
pub use self::names::SubjectAltName;
use super::Protocol;

/// How a backend is spoken to over TLS: whom we believe, whom we expect, who we are.
///
/// Cheap to clone. Connections are shared by those who use the same value or a clone of
/// it: two that were built alike are different, so that a connection that was verified
/// by one rule is never used under another. So keep it for as long as its settings stay.
/// Sessions are resumed, under the same value only.
///
/// A backend that cannot be verified is not spoken to: its requests fail with
/// [`UpstreamErrorKind::Handshake`](super::UpstreamErrorKind::Handshake).
///
/// ```
/// use gateway_lb::pool::UpstreamTls;
///
/// # fn main() -> Result<(), gateway_lb::pool::InvalidTls> {
/// let tls = UpstreamTls::builder("payments.internal").with_system_roots().build()?;
///
/// assert_eq!(tls, tls.clone());
/// assert!(UpstreamTls::builder("not a name").with_system_roots().build().is_err());
/// // Nobody would be believed.
/// assert!(UpstreamTls::builder("payments.internal").build().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct UpstreamTls {
    shared: Arc<Shared>,
}

struct Shared {
    server_name: ServerName<'static>,
    /// They differ in the protocol that is offered.
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    plain: Arc<ClientConfig>,
}

impl UpstreamTls {
    /// Settings for a backend that is asked for `server_name` (SNI), which its
    /// certificate must be for unless names are given besides.
    pub fn builder(server_name: impl Into<String>) -> UpstreamTlsBuilder {
        UpstreamTlsBuilder::new(server_name.into())
    }

    fn new(server_name: ServerName<'static>, mut config: ClientConfig) -> Self {
        let plain = Arc::new(config.clone());
        config.alpn_protocols = vec![HTTP1.to_vec()];
        let http1 = Arc::new(config.clone());
        config.alpn_protocols = vec![HTTP2.to_vec()];
        Self {
            shared: Arc::new(Shared {
                server_name,
                http1,
                http2: Arc::new(config),
                plain,
            }),
        }
    }

    /// Shakes hands on `stream` and verifies the backend. For protocols other than
    /// HTTP: none is offered (ALPN).
    ///
    /// # Errors
    ///
    /// When the handshake fails or the backend cannot be verified.
    pub async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.handshake(&self.shared.plain, stream).await
    }

    /// As [`UpstreamTls::connect`], for `protocol` and nothing else.
    pub(super) async fn connect_http(
        &self,
        protocol: Protocol,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let config = match protocol {
            Protocol::Http1 => &self.shared.http1,
            Protocol::Http2 => &self.shared.http2,
        };
        let stream = self.handshake(config, stream).await?;

        let chosen = stream.get_ref().1.alpn_protocol();
        match (protocol, chosen) {
            (Protocol::Http2, Some(HTTP2)) => Ok(stream),
            // Backends that know nothing of ALPN speak HTTP/1.1.
            (Protocol::Http1, None | Some(HTTP1)) => Ok(stream),
            _ => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                NotSpoken(protocol),
            )),
        }
    }

    async fn handshake(
        &self,
        config: &Arc<ClientConfig>,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(config))
            .connect(self.shared.server_name.clone(), stream)
            .await
    }
}

/// RFC 7301, section 6.
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// The backend did not choose what was offered.
#[derive(Debug, thiserror::Error)]
#[error("the backend does not speak {}", match .0 { Protocol::Http1 => "HTTP/1.1", Protocol::Http2 => "HTTP/2" })]
struct NotSpoken(Protocol);

impl PartialEq for UpstreamTls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for UpstreamTls {}

impl Hash for UpstreamTls {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.shared).hash(state);
    }
}

impl fmt::Debug for UpstreamTls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UpstreamTls")
            .field("server_name", &self.shared.server_name)
            .finish_non_exhaustive()
    }
}
