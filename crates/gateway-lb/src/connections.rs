//! How connections to the endpoints of a backend are limited and kept: as values, which pools
//! obey.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// How connections to the endpoints of one backend are limited and kept.
///
/// What is not set is as the pool's own settings have it.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct ConnectionSettings {
    pub(crate) limit: Option<ConnectionLimit>,
    pub(crate) dial_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_requests: Option<NonZeroU32>,
    pub(crate) warm: usize,
}

impl ConnectionSettings {
    /// Nothing is set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits how many connections there are. Without a limit by default.
    #[must_use]
    pub fn with_limit(mut self, limit: ConnectionLimit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Gives up on a connection that is not open after `timeout`.
    #[must_use]
    pub fn with_dial_timeout(mut self, timeout: Duration) -> Self {
        self.dial_timeout = Some(timeout);
        self
    }

    /// Closes connections that nobody used for `timeout`.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Gives a connection no more requests once it is this old, or up to a tenth sooner. Those
    /// on it finish.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Gives a connection no more than `max` requests.
    #[must_use]
    pub fn with_max_requests(mut self, max: NonZeroU32) -> Self {
        self.max_requests = Some(max);
        self
    }

    /// Keeps so many connections to each endpoint open before there are requests for them: on
    /// each thread, as far as the limit allows, and of HTTP/1 no more than the pool keeps idle.
    /// At most [`Self::MAX_WARM`]; none by default.
    ///
    /// It is `Pool::warm` that opens them.
    #[must_use]
    pub fn with_warm(mut self, connections: usize) -> Self {
        self.warm = connections.min(Self::MAX_WARM);
        self
    }

    /// The most connections that are kept warm, to an endpoint on a thread.
    pub const MAX_WARM: usize = 64;

    /// How many connections there are.
    #[must_use]
    pub fn limit(&self) -> Option<ConnectionLimit> {
        self.limit
    }

    /// How many are kept open before there are requests.
    #[must_use]
    pub fn warm(&self) -> usize {
        self.warm
    }
}

/// How many connections to one endpoint there are at a time, over all threads; and how many
/// requests wait for one, or for a stream on one, and how long.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ConnectionLimit {
    pub(crate) connections: NonZeroUsize,
    pub(crate) pending: usize,
    pub(crate) patience: Duration,
}

impl ConnectionLimit {
    /// At most so many connections to an endpoint.
    #[must_use]
    pub fn new(connections: NonZeroUsize) -> Self {
        Self {
            connections,
            pending: 1024,
            patience: Duration::from_secs(5),
        }
    }

    /// Lets at most so many requests wait for one of them. 1024 by default; with 0 nobody waits.
    #[must_use]
    pub fn with_max_pending(mut self, requests: usize) -> Self {
        self.pending = requests;
        self
    }

    /// Lets a request wait no longer than this. 5 seconds by default.
    #[must_use]
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.patience = wait;
        self
    }
}
