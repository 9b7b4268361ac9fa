//! Where names come from, and where they go.

use http::HeaderName;

use crate::framing::{InvalidHeaderName, is_senders, named};

/// Where names of requests come from, and where they go.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RequestIds {
    pub(super) header: HeaderName,
    pub(super) trusted: bool,
    pub(super) returned: bool,
}

impl RequestIds {
    /// Keeps what clients bring in `x-request-id`, and gives it back with the response.
    #[must_use]
    pub fn new() -> Self {
        Self {
            header: HeaderName::from_static("x-request-id"),
            trusted: true,
            returned: true,
        }
    }

    /// Uses the header `name`. The default is `x-request-id`.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or says how a message is sent, as `Content-Length`.
    pub fn with_header(mut self, name: &str) -> Result<Self, InvalidHeaderName> {
        self.header = named(name, is_senders)?;
        Ok(self)
    }

    /// Whether a name that the client brings is kept. It is by default; at the edge of a network,
    /// where nobody else gives names, it should not be.
    #[must_use]
    pub fn with_trusted_clients(mut self, trusted: bool) -> Self {
        self.trusted = trusted;
        self
    }

    /// Whether the response has the header too. It has by default.
    #[must_use]
    pub fn with_returned(mut self, returned: bool) -> Self {
        self.returned = returned;
        self
    }

    /// The header that carries the name.
    #[must_use]
    pub fn header(&self) -> &HeaderName {
        &self.header
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}
