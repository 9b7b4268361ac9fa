//! Whether and how a backend is spoken to over TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use gateway_lb::pool::{Destination, InvalidTls, UpstreamTls, UpstreamTlsBuilder};
use tokio::net::TcpStream;

use crate::l4::ByteStream;
use crate::model::{BackendTls, SubjectAltName, Trust};

/// What connections to a backend begin with.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    /// Nothing.
    Clear,
    /// A handshake that verifies the backend.
    Tls(UpstreamTls),
    /// A handshake that nobody could pass.
    Impossible(InvalidBackendTls),
}

impl Security {
    pub(crate) fn new(tls: Option<&BackendTls>) -> Self {
        let Some(tls) = tls else {
            return Self::Clear;
        };
        match build(tls) {
            Ok(tls) => Self::Tls(tls),
            Err(error) => {
                tracing::warn!(server_name = %tls.server_name, %error, "a backend cannot be spoken to over TLS");
                Self::Impossible(InvalidBackendTls(Arc::new(error)))
            }
        }
    }

    /// Whether connections carry what they carry as it is.
    pub(crate) fn is_clear(&self) -> bool {
        matches!(self, Self::Clear)
    }

    /// Whether no endpoint could pass the handshake.
    pub(crate) fn is_impossible(&self) -> bool {
        matches!(self, Self::Impossible(_))
    }

    /// The endpoint at `address`.
    pub(crate) fn destination(
        &self,
        address: SocketAddr,
    ) -> Result<Destination, InvalidBackendTls> {
        let destination = Destination::from(address);
        match self {
            Self::Clear => Ok(destination),
            Self::Tls(tls) => Ok(destination.with_tls(tls.clone())),
            Self::Impossible(error) => Err(error.clone()),
        }
    }

    /// Shakes hands on a connection that carries anything.
    pub(crate) async fn secure(&self, tcp: TcpStream) -> io::Result<ByteStream> {
        match self {
            Self::Clear => Ok(tcp.into()),
            Self::Tls(tls) => tls.connect(tcp).await.map(ByteStream::new),
            Self::Impossible(error) => Err(io::Error::other(error.clone())),
        }
    }
}

fn build(tls: &BackendTls) -> Result<UpstreamTls, InvalidTls> {
    let builder = UpstreamTls::builder(&*tls.server_name);
    let builder = match &tls.trust {
        Trust::System => builder.with_system_roots(),
        Trust::Roots(roots) => builder.with_roots(roots.iter().cloned()),
    };
    let names = tls.subject_alt_names.iter().map(|name| match name {
        SubjectAltName::Hostname(name) => gateway_lb::pool::SubjectAltName::Dns(name.to_string()),
        SubjectAltName::Uri(uri) => gateway_lb::pool::SubjectAltName::Uri(uri.to_string()),
    });
    let builder = names.fold(builder, UpstreamTlsBuilder::with_subject_alt_name);

    match &tls.client_certificate {
        None => builder.build(),
        Some(ours) => builder
            .with_certified_key(Arc::clone(ours.signing()))
            .build(),
    }
}

/// TLS settings that no backend could be verified with.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the TLS settings of the backend cannot be used")]
pub(crate) struct InvalidBackendTls(#[source] Arc<InvalidTls>);
