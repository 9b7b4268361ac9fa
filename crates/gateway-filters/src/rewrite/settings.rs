//! What is rewritten.

use crate::hostname::{Hostname, InvalidHostname};
use crate::path::PathModifier;

/// Changes the host and path that a backend sees, as the Gateway API's `HTTPURLRewriteFilter`
/// describes.
///
/// A rewrite without settings changes nothing; that is the default.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct UrlRewrite {
    pub(super) hostname: Option<Hostname>,
    pub(super) path: Option<PathModifier>,
}

impl UrlRewrite {
    /// A rewrite that changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes this the host of the request, without a port. By default the host is kept.
    ///
    /// # Errors
    ///
    /// If `hostname` is not a DNS name or IPv4 address, or has a port.
    pub fn with_hostname(mut self, hostname: &str) -> Result<Self, InvalidHostname> {
        self.hostname = Some(Hostname::new(hostname)?);
        Ok(self)
    }

    /// Changes the path by `path`. By default the path is kept.
    #[must_use]
    pub fn with_path(mut self, path: PathModifier) -> Self {
        self.path = Some(path);
        self
    }
}
