//! Settings of listeners that are about connections and sessions, whatever is in
//! them.

use std::time::Duration;

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
