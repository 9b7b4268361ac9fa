//! Who is believed.

use http::HeaderName;

use crate::CidrSet;

/// The proxies whose word about the client is taken. The default is none.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TrustedProxies {
    pub(super) trust: Trust,
    pub(super) header: HeaderName,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Trust {
    Nobody,
    /// At least one.
    Hops(usize),
    Networks(CidrSet),
}

impl TrustedProxies {
    /// Nobody: the client is the peer.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Trust::Nobody)
    }

    /// As many proxies as are passed on the way to us, the peer being one of them.
    ///
    /// Zero is [`none`](Self::none). A request that says of fewer has come another way, and its
    /// client is the peer.
    #[must_use]
    pub fn hops(hops: usize) -> Self {
        Self::new(match hops {
            0 => Trust::Nobody,
            hops => Trust::Hops(hops),
        })
    }

    /// All proxies with an address in `networks`. Where there is none, nobody.
    ///
    /// If every address is in them, the client is the one furthest away.
    #[must_use]
    pub fn networks(networks: CidrSet) -> Self {
        Self::new(Trust::Networks(networks))
    }

    /// Reads another header than `X-Forwarded-For`, which has a list of addresses too, or one.
    #[must_use]
    pub fn with_header(mut self, header: HeaderName) -> Self {
        self.header = header;
        self
    }

    fn new(trust: Trust) -> Self {
        Self {
            trust,
            header: X_FORWARDED_FOR,
        }
    }
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self::none()
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
