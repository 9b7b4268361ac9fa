//! One handshake.

use std::io;

use rustls::HandshakeKind;
use tokio::net::TcpStream;
use tokio_rustls::StartHandshake;

use super::clients::Clients;
use super::hello::{Hello, tell};
use super::identity::ClientCertificate;
use super::socket::{Socket, TlsStream};
use super::termination::Terminator;
use super::turns::in_turn;
use crate::telemetry::HandshakeFailure;

/// A connection whose handshake is done.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) stream: Box<TlsStream>,
    pub(crate) client: Option<ClientCertificate>,
}

impl Established {
    /// The protocol that was agreed on (ALPN).
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.stream.get_ref().1.alpn_protocol()
    }
}

/// Does the rest of the handshake that began with `hello`, as `terminator` says.
///
/// It has no deadline of its own; dropping it closes the connection.
///
/// # Errors
///
/// When the client breaks it off, wants what is not offered, or is not believed.
pub(crate) async fn handshake(
    tcp: TcpStream,
    hello: Hello,
    terminator: &Terminator,
) -> Result<Established, HandshakeError> {
    let (accepted, rest) = hello.into_accepted();
    let accepted = accepted.map_err(|refused| {
        tell(&tcp, &refused.alert);
        HandshakeError::Refused(refused.error)
    })?;
    let start = StartHandshake::from_parts(accepted, Socket::new(tcp, rest));
    // Within a future of its own: computing begins when the future is made.
    let handshake = async { start.into_stream(terminator.config().clone()).await };
    let stream = in_turn(handshake).await.map_err(HandshakeError::Failed)?;

    let client = match terminator.clients() {
        Some(clients) => identify(&stream, clients)?,
        None => None,
    };
    Ok(Established {
        stream: Box::new(stream),
        client,
    })
}

fn identify(
    stream: &TlsStream,
    clients: &Clients,
) -> Result<Option<ClientCertificate>, HandshakeError> {
    let session = stream.get_ref().1;
    let chain = session.peer_certificates().unwrap_or_default();
    // Judged a moment ago, unless the session is an old one.
    let just_judged =
        !clients.serve_anybody() && session.handshake_kind() != Some(HandshakeKind::Resumed);

    let believed = just_judged || clients.are_believed(chain);
    if !believed && !clients.serve_anybody() {
        return Err(HandshakeError::NoLongerBelieved);
    }
    Ok(ClientCertificate::read(chain, believed))
}

impl HandshakeError {
    /// How it is counted.
    pub(crate) fn class(&self) -> HandshakeFailure {
        match self {
            Self::Refused(error) => class_of(error),
            Self::NoLongerBelieved => HandshakeFailure::ClientCertificate,
            Self::Failed(error) => {
                let source = error.get_ref().and_then(|source| source.downcast_ref());
                source.map_or(HandshakeFailure::Broken, class_of)
            }
        }
    }
}

fn class_of(error: &rustls::Error) -> HandshakeFailure {
    match error {
        rustls::Error::PeerIncompatible(_) => HandshakeFailure::Offer,
        rustls::Error::NoApplicationProtocol => HandshakeFailure::Offer,
        rustls::Error::NoCertificatesPresented | rustls::Error::InvalidCertificate(_) => {
            HandshakeFailure::ClientCertificate
        }
        rustls::Error::AlertReceived(_) => HandshakeFailure::Alert,
        _ => HandshakeFailure::Protocol,
    }
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("the client speaks nothing that is spoken here")]
    Refused(#[source] rustls::Error),
    #[error("the handshake failed")]
    Failed(#[source] io::Error),
    #[error("the client resumed a session with a certificate that is no longer valid")]
    NoLongerBelieved,
}
