//! Where requests are redirected to.

use std::num::NonZeroU16;

use super::status::RedirectStatus;
use crate::context::Scheme;
use crate::hostname::{Hostname, InvalidHostname};
use crate::path::PathModifier;

/// Tells the client another URL, as the Gateway API's `HTTPRequestRedirectFilter` describes.
///
/// What is not set stays as the client asked for it. The query is always kept.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Redirect {
    pub(super) scheme: Option<Scheme>,
    pub(super) hostname: Option<Hostname>,
    pub(super) path: Option<PathModifier>,
    pub(super) port: Option<NonZeroU16>,
    pub(super) status: RedirectStatus,
}

impl Redirect {
    /// Redirects to the same URL, with the port of the listener and status 302.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Redirects to this scheme and, unless a port is set too, to its well-known port. By default
    /// the scheme is kept, and the port is the listener's.
    #[must_use]
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// Redirects to this host. By default the host is kept.
    ///
    /// # Errors
    ///
    /// If `hostname` is not a DNS name or IPv4 address, or has a port.
    pub fn with_hostname(mut self, hostname: &str) -> Result<Self, InvalidHostname> {
        self.hostname = Some(Hostname::new(hostname)?);
        Ok(self)
    }

    /// Redirects to a path made by `path`. By default the path is kept.
    #[must_use]
    pub fn with_path(mut self, path: PathModifier) -> Self {
        self.path = Some(path);
        self
    }

    /// Redirects to this port. By default the port follows from the scheme, if one is set, or
    /// is the listener's.
    #[must_use]
    pub fn with_port(mut self, port: NonZeroU16) -> Self {
        self.port = Some(port);
        self
    }

    /// Redirects with this status. The default is 302.
    #[must_use]
    pub fn with_status(mut self, status: RedirectStatus) -> Self {
        self.status = status;
        self
    }

    /// The status of the redirect.
    #[must_use]
    pub fn status(&self) -> RedirectStatus {
        self.status
    }
}
