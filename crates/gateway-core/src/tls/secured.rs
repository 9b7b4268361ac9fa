//! What a handshake has told about all requests of a connection.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::identity::ClientCertificate;
use crate::model::{Listener, Protocol, TlsTermination};

/// The listener that a connection was made for, and who made it.
#[derive(Debug)]
pub(crate) struct Secured {
    listener: Arc<Listener>,
    settings: Arc<TlsTermination>,
    client: Option<ClientCertificate>,
}

impl Secured {
    pub(crate) fn new(
        listener: &Arc<Listener>,
        settings: &Arc<TlsTermination>,
        client: Option<ClientCertificate>,
    ) -> Self {
        Self {
            listener: Arc::clone(listener),
            settings: Arc::clone(settings),
            client,
        }
    }

    /// The client's certificate, if it was asked for and shown.
    pub(crate) fn client(&self) -> Option<&ClientCertificate> {
        self.client.as_ref()
    }

    /// The header that tells backends who the client is, with its value if that is
    /// known for sure.
    pub(crate) fn identity(&self) -> Option<(HeaderName, Option<HeaderValue>)> {
        let name = self.settings.identity_header()?.clone();
        let client = self.client.as_ref().filter(|client| client.is_verified());
        let value = client.and_then(|client| HeaderValue::try_from(client.to_header()).ok());
        Some((name, value))
    }

    /// Whether requests for `listener` may come on this connection.
    ///
    /// They may if it is the listener whose name the client asked for in the handshake
    /// (`Listener.hostname`, RFC 9110, section 7.4), and if that still asks the same of
    /// clients: whoever was not asked for a certificate must be asked first.
    pub(crate) fn is_for(&self, listener: &Arc<Listener>) -> bool {
        if Arc::ptr_eq(listener, &self.listener) {
            return true;
        }
        let Protocol::Https(settings) = listener.protocol() else {
            return false;
        };
        listener.hostname() == self.listener.hostname()
            && settings.client_validation() == self.settings.client_validation()
            && settings.identity_header() == self.settings.identity_header()
    }
}
