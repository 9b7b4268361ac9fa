//! Settings of listeners that are about connections and sessions, whatever is in
//! them.

use std::net::IpAddr;
use std::time::Duration;

use gateway_filters::CidrSet;

/// How a UDP listener keeps sessions.
///
/// Source of the defaults: the `idle_timeout` of Envoy's UDP proxy.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct UdpSettings {
    /// A session in which nothing moves for this long is over. 60 s by default.
    pub idle: Duration,
    /// How many sessions there may be at a time, over all workers; each holds a port
    /// of this machine. Clients beyond that are not served. 10 000 by default.
    pub max_sessions: usize,
    /// How many sessions may begin in a second, over all workers. No limit by
    /// default.
    pub new_sessions_per_second: Option<u32>,
}

impl Default for UdpSettings {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(60),
            max_sessions: 10_000,
            new_sessions_per_second: None,
        }
    }
}

/// Whether and from whom a listener takes PROXY protocol headers.
///
/// Whoever is trusted has to send one, of version 1 or 2, before anything else; its
/// source is then the client's address everywhere. Without one the connection is
/// closed, because a sender must not be able to choose.
///
/// Source: the PROXY protocol of HAProxy, sections 2 and 5.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProxyProtocol {
    trusted: CidrSet,
    others: Strangers,
}

impl ProxyProtocol {
    /// From whoever connects from `trusted`; nobody else is served.
    pub fn new(trusted: CidrSet) -> Self {
        Self {
            trusted,
            others: Strangers::default(),
        }
    }

    /// What becomes of connections from elsewhere. Refused by default.
    #[must_use]
    pub fn with_others(mut self, others: Strangers) -> Self {
        self.others = others;
        self
    }

    /// Whether `address` has to send a header, and is believed.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.contains(address)
    }

    /// What becomes of connections from elsewhere.
    #[must_use]
    pub fn others(&self) -> Strangers {
        self.others
    }
}

/// What becomes of connections from whom no PROXY protocol header is taken.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Strangers {
    /// They are closed.
    #[default]
    Refuse,
    /// They are served without a header. If they send one, it is part of what they
    /// say.
    Plain,
}

/// A version of the PROXY protocol. Complete.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// How many connections a listener keeps open at a time, over all workers. Those
/// beyond are reset at once.
///
/// Listeners that share a port share its connections, and the smallest limit of any
/// holds.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct ConnectionLimits {
    /// Of all clients. No limit by default.
    pub total: Option<usize>,
    /// Of one client: an IPv4 address, or 64 bits of IPv6, as many as one network
    /// has. No limit by default.
    pub per_source: Option<usize>,
}
