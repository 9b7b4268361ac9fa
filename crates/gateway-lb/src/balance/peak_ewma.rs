//! The one of two that is expected to answer sooner.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Outcome;
use super::algorithm::PeakEwma;
use super::pick::{Hold, InFlight, Pick};
use super::table::Table;
use super::two::better_of_two;
use crate::clock;
use crate::endpoint::EndpointSet;
use crate::per_thread::PerThread;
use crate::sync::{AtomicU64, Ordering};

/// A table of expectations for each thread.
#[derive(Debug)]
pub(super) struct PeakEwmas {
    settings: PeakEwma,
    tables: PerThread<RefCell<Table<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    in_flight: InFlight,
    latency: Arc<Latency>,
}

impl PeakEwmas {
    pub(super) const fn new(settings: PeakEwma) -> Self {
        Self {
            settings,
            tables: PerThread::new(),
        }
    }

    pub(super) const fn settings(&self) -> PeakEwma {
        self.settings
    }

    pub(super) fn pick(&self, endpoints: &Arc<EndpointSet>, avoid: &[SocketAddr]) -> Option<Pick> {
        let now = clock::now();
        let mut table = self.tables.get_or(RefCell::default).borrow_mut();
        table.follow(endpoints, |_| Entry {
            in_flight: InFlight::default(),
            latency: Arc::new(Latency::new(self.settings, now)),
        });

        let index = if endpoints.len() > 1 {
            let load = |index: usize| {
                table.get(index).map_or(0.0, |(endpoint, entry)| {
                    entry.load(now) / f64::from(endpoint.weight().max(1))
                })
            };
            better_of_two(endpoints, avoid, |one, other| load(one) <= load(other))
        } else {
            0
        };

        let (endpoint, entry) = table.get(index)?;
        let timed = Timed {
            latency: Arc::clone(&entry.latency),
            since: now,
            answered: false,
            _in_flight: entry.in_flight.enter(),
        };
        Some(Pick::new(endpoint.clone(), Hold::Timed(timed)))
    }
}

impl Entry {
    /// What is expected if one more request is sent.
    ///
    /// Who has not been asked yet is asked first, by one request at a time: nothing else tells
    /// how fast it is.
    fn load(&self, now: Instant) -> f64 {
        if self.in_flight.count() == 0 && !self.latency.is_known() {
            return 0.0;
        }
        self.latency.expected(now) * (self.in_flight.count() + 1) as f64
    }
}

/// The expected latency. Written by the thread that picks, except where a request ends on
/// another one; what is lost when two write at once is one observation.
#[derive(Debug)]
struct Latency {
    settings: PeakEwma,
    /// Before any observation.
    origin: Instant,
    /// In nanoseconds, the bits of an `f64`.
    nanos: AtomicU64,
    /// Nanoseconds from `origin` to the last observation.
    observed: AtomicU64,
}

impl Latency {
    fn new(settings: PeakEwma, now: Instant) -> Self {
        Self {
            settings,
            origin: now,
            nanos: AtomicU64::new(nanos(settings.initial()).to_bits()),
            observed: AtomicU64::new(NOT_YET),
        }
    }

    fn is_known(&self) -> bool {
        self.observed.load(Ordering::Relaxed) != NOT_YET
    }

    /// The latency at `now`, if nothing is observed until then: it sinks, so that an endpoint
    /// that was slow is tried again.
    fn expected(&self, now: Instant) -> f64 {
        self.last(now).1
    }

    /// What is left of the last observation at `now`, from 0 to 1, if there was one; and what is
    /// expected of that.
    fn last(&self, now: Instant) -> (Option<f64>, f64) {
        // Read first, and once: an observation that is known of is one whose latency is seen.
        let observed = self.observed.load(Ordering::Acquire);
        let latency = f64::from_bits(self.nanos.load(Ordering::Relaxed));
        if observed == NOT_YET {
            return (None, latency);
        }
        let age = now
            .saturating_duration_since(self.origin)
            .saturating_sub(Duration::from_nanos(observed));
        let kept = (-nanos(age) / nanos(self.settings.decay())).exp();
        (Some(kept), latency * kept)
    }

    fn observe(&self, latency: Duration, now: Instant) {
        let latency = nanos(latency);
        let next = match self.last(now) {
            (Some(kept), before) if latency <= before => before + latency * (1.0 - kept),
            _ => latency,
        };
        let since_origin = now.saturating_duration_since(self.origin);
        self.nanos.store(next.to_bits(), Ordering::Relaxed);
        self.observed
            .store(since_origin.as_nanos() as u64, Ordering::Release);
    }
}

/// The time of an observation that there has not been.
const NOT_YET: u64 = u64::MAX;

fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// A request whose answer is waited for.
#[derive(Debug)]
pub(super) struct Timed {
    latency: Arc<Latency>,
    since: Instant,
    answered: bool,
    _in_flight: InFlight,
}

impl Timed {
    pub(super) fn answered(&mut self, outcome: Outcome) {
        let now = clock::now();
        let took = now.saturating_duration_since(self.since);
        let latency = match outcome {
            Outcome::Success => took,
            Outcome::Failure => took.max(self.latency.settings.failure_penalty()),
        };
        self.answered = true;
        self.latency.observe(latency, now);
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        // Nobody waited for the answer: it would have taken longer than this, but a request that
        // was given up early says nothing.
        let now = clock::now();
        let waited = now.saturating_duration_since(self.since);
        if nanos(waited) > self.latency.expected(now) {
            self.latency.observe(waited, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn peak_is_followed_at_once_and_forgotten_slowly() {
        let start = clock::now();
        let latency = Latency::new(PeakEwma::new(), start);

        latency.observe(SECOND, start);
        assert_eq!(latency.expected(start), 1e9);
        latency.observe(SECOND / 100, start + SECOND);

        let expected = latency.expected(start + SECOND);
        assert!(expected < 1e9 && expected > 0.9e9, "{expected}");
        assert!(latency.expected(start + 60 * SECOND) < 0.01e9);
    }

    proptest! {
        /// The expectation is never above the slowest answer, and never below the last one.
        #[test]
        fn expectation_is_within_what_was_observed(answers in vec((0..10_000_u64, 0..5_000_u64), 1..20)) {
            let mut now = clock::now();
            let latency = Latency::new(PeakEwma::new().with_initial(Duration::ZERO), now);
            let mut slowest = 0;

            for (took, pause) in answers {
                now += Duration::from_millis(pause);
                latency.observe(Duration::from_millis(took), now);
                slowest = slowest.max(took);

                let expected = latency.expected(now) / 1e6;
                prop_assert!(expected <= slowest as f64 + 1e-3);
                prop_assert!(expected >= took as f64 - 1e-3);
            }
        }
    }
}

#[cfg(all(test, every_order))]
mod every_order {
    use loom::thread;

    use super::*;

    #[test]
    fn two_answers_at_once_lose_one_at_most() {
        loom::model(|| {
            let start = clock::now();
            let latency = Arc::new(Latency::new(PeakEwma::new(), start));
            let other = {
                let latency = Arc::clone(&latency);
                thread::spawn(move || latency.observe(Duration::from_millis(1), start))
            };
            // Whoever looks meanwhile finds what was observed, or nothing yet.
            let initial = nanos(PeakEwma::new().initial());
            let seen = latency.expected(start);
            assert!([initial, 1e6].contains(&seen), "{seen}");
            latency.observe(Duration::from_millis(3), start);
            other.join().expect("no panic");

            assert!(latency.is_known());
            let expected = latency.expected(start);
            assert!([1e6, 3e6].contains(&expected), "{expected}");
        });
    }
}
