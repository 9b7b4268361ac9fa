//! The endpoints of a balancer at one moment, and what was made of them.

use std::sync::Arc;
use std::time::Instant;

use super::algorithm::Algorithm;
use super::eligible::Preference;
use super::hashed::Hashed;
use super::random;
use super::slow_start::{SlowStart, Starting};
use crate::endpoint::EndpointSet;
use crate::health::{Health, Watched};

/// What applies to every algorithm.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) preference: Preference,
    pub(super) slow_start: Option<SlowStart>,
    pub(super) health: Option<Health>,
}

/// Never changed once it is made, so that picks only read it.
#[derive(Debug)]
pub(super) struct Snapshot {
    all: EndpointSet,
    /// Those of `all` that may be picked.
    usable: Arc<EndpointSet>,
    /// For each of `all`, whether it may be picked.
    eligible: Box<[bool]>,
    plan: Plan,
    watched: Option<Watched>,
    starting: Option<Starting>,
}

/// What an algorithm makes of the endpoints once, rather than for each request.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    None,
    Sums(Arc<[u64]>),
    Hashed(Arc<Hashed>),
}

impl Snapshot {
    /// The first, in which no endpoint is new.
    pub(super) fn first(options: &Options, algorithm: Algorithm, all: EndpointSet) -> Self {
        Self::make(options, algorithm, all, None)
    }

    /// The next, of other endpoints.
    pub(super) fn of(
        &self,
        options: &Options,
        algorithm: Algorithm,
        all: EndpointSet,
        now: Instant,
    ) -> Self {
        Self::make(options, algorithm, all, Some(self)).after(self, options, now)
    }

    /// The next, of the same endpoints, if their health or time has brought one.
    pub(super) fn refreshed(&self, options: &Options, now: Instant) -> Option<Self> {
        let changed = self.watched.as_ref().is_some_and(Watched::has_changed);
        let over = self
            .starting
            .as_ref()
            .is_some_and(|starting| starting.is_over(now));
        if !changed && !over {
            return None;
        }
        let watched = self.watched.as_ref().map(Watched::again);
        let plan = self.plan.clone();
        let next = Self::with_plan(options, self.all.clone(), watched, |_| plan);
        Some(next.after(self, options, now))
    }

    fn make(
        options: &Options,
        algorithm: Algorithm,
        all: EndpointSet,
        before: Option<&Self>,
    ) -> Self {
        let watched = options.health.as_ref().map(|health| health.watch(&all));
        let hashed = match before.map(|before| &before.plan) {
            Some(Plan::Hashed(hashed)) => Some(&**hashed),
            Some(Plan::None | Plan::Sums(_)) | None => None,
        };
        Self::with_plan(options, all, watched, |all| match algorithm {
            Algorithm::RingHash(ring) => {
                Plan::Hashed(Arc::new(Hashed::ring(ring, all.clone(), hashed)))
            }
            Algorithm::Maglev(maglev) => {
                Plan::Hashed(Arc::new(Hashed::maglev(maglev, all.clone(), hashed)))
            }
            Algorithm::Random => Plan::Sums(Arc::default()),
            Algorithm::RoundRobin
            | Algorithm::LeastRequest
            | Algorithm::WeightedRoundRobin
            | Algorithm::PeakEwma(_) => Plan::None,
        })
    }

    fn with_plan(
        options: &Options,
        all: EndpointSet,
        watched: Option<Watched>,
        plan: impl FnOnce(&EndpointSet) -> Plan,
    ) -> Self {
        let eligible = options.preference.eligible(&all, |index| {
            watched
                .as_ref()
                .is_none_or(|watched| watched.is_healthy(index))
        });
        let usable = if eligible.iter().all(|eligible| *eligible) {
            all.clone()
        } else {
            std::iter::zip(&all, &eligible)
                .filter(|(_, eligible)| **eligible)
                .map(|(endpoint, _)| endpoint.clone())
                .collect()
        };
        let plan = match plan(&all) {
            Plan::Sums(_) => Plan::Sums(random::sums(&usable).into()),
            plan @ (Plan::None | Plan::Hashed(_)) => plan,
        };
        Self {
            all,
            usable: Arc::new(usable),
            eligible,
            plan,
            watched,
            starting: None,
        }
    }

    /// Takes over what `before` knows.
    fn after(mut self, before: &Self, options: &Options, now: Instant) -> Self {
        if before.usable == self.usable {
            // The same allocation tells threads that there is nothing to follow.
            self.usable = Arc::clone(&before.usable);
        }
        self.starting = options.slow_start.as_ref().and_then(|settings| {
            let before = (&*before.usable, before.starting.as_ref());
            Starting::after_change(settings, before, &self.usable, now)
        });
        self
    }

    pub(super) fn all(&self) -> &EndpointSet {
        &self.all
    }

    pub(super) fn usable(&self) -> &Arc<EndpointSet> {
        &self.usable
    }

    pub(super) fn eligible(&self) -> &[bool] {
        &self.eligible
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn starting(&self) -> Option<&Starting> {
        self.starting.as_ref()
    }

    /// Whether the endpoint at `index` of all is healthy, as far as anybody knows.
    pub(super) fn is_healthy(&self, index: usize) -> bool {
        self.watched
            .as_ref()
            .is_none_or(|watched| watched.is_healthy(index))
    }

    /// Whether a newer one has to be asked for: health has changed, or time may have passed.
    pub(super) fn may_be_stale(&self) -> bool {
        self.starting.is_some() || self.watched.as_ref().is_some_and(Watched::has_changed)
    }
}
