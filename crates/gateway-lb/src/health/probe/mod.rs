//! What an endpoint is asked, and which answers are good: no sockets, no time.

use std::time::Duration;

use crate::percent::Percent;

mod grpc;
mod http;

pub use self::grpc::GrpcProbe;
pub use self::http::{HttpProbe, InvalidProbe};

/// How often an endpoint is checked, and how.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Check {
    probe: Probe,
    interval: Duration,
    jitter: Percent,
    timeout: Duration,
}

impl Check {
    /// Asks `probe` every 10 seconds, and waits a second for the answer.
    #[must_use]
    pub fn new(probe: impl Into<Probe>) -> Self {
        Self {
            probe: probe.into(),
            interval: Duration::from_secs(10),
            jitter: Percent::new(10),
            timeout: Duration::from_secs(1),
        }
    }

    /// How long it is from the end of a check to the next one. 10 seconds by default, at least 10
    /// milliseconds.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(10));
        self
    }

    /// How much of the interval is added at random, so that gateways do not ask in step. 10
    /// percent by default.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Percent) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long a check may take until it has failed. A second by default.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What is asked.
    #[must_use]
    pub const fn probe(&self) -> &Probe {
        &self.probe
    }

    /// How long a check may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The time to the next check, if `random` is from 0 to 1.
    #[must_use]
    pub fn pause(&self, random: f64) -> Duration {
        self.interval
            + self
                .interval
                .mul_f64(self.jitter.fraction() * random.clamp(0.0, 1.0))
    }
}

/// What an endpoint is asked. Complete.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Probe {
    /// Whether it accepts connections.
    Tcp,
    /// An HTTP request.
    Http(HttpProbe),
    /// The gRPC health protocol (`grpc.health.v1.Health/Check`).
    Grpc(GrpcProbe),
}

impl From<HttpProbe> for Probe {
    fn from(probe: HttpProbe) -> Self {
        Self::Http(probe)
    }
}

impl From<GrpcProbe> for Probe {
    fn from(probe: GrpcProbe) -> Self {
        Self::Grpc(probe)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    proptest! {
        /// A pause is the interval, and no more than its jitter longer.
        #[test]
        fn pause_is_the_interval_and_its_jitter(millis in 0..100_000_u64, jitter in any::<u8>(), random in 0.0..1.0) {
            let check = Check::new(Probe::Tcp)
                .with_interval(Duration::from_millis(millis))
                .with_jitter(Percent::new(jitter));

            let (pause, shortest) = (check.pause(random), check.pause(0.0));

            prop_assert!(pause >= shortest && shortest >= Duration::from_millis(10));
            prop_assert!(pause <= 2 * shortest);
        }
    }
}
