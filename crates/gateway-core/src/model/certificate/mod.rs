//! Certificates with their keys, checked when they are given.

use std::fmt;
use std::hash::{Hash, Hasher};
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

mod error;
#[cfg(feature = "tls")]
mod read;
#[cfg(test)]
#[cfg(feature = "tls")]
mod tests;

pub use self::error::InvalidCertificate;

/// A chain of certificates and the key of the first, which can be served.
///
/// Made by `Certificate::from_pem` (feature `tls`). Compared by its chain: a key belongs
/// to one certificate. [`fmt::Debug`] does not show the key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    names: Vec<Box<str>>,
    not_before: SystemTime,
    not_after: SystemTime,
    #[cfg(feature = "tls")]
    signing: Arc<rustls::sign::CertifiedKey>,
}

impl Certificate {
    /// The chain, the certificate of the key first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The DNS names that it is for, in lower case, possibly with a wildcard: those
    /// of its subject alternative names, or its common name if it has none of any kind.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// When it begins to be valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chain.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("names", &self.names)
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}
