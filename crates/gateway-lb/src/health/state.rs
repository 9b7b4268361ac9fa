//! The health of one endpoint, as a value that checks, answers and time change.

use std::time::{Duration, Instant};

use super::settings::{Ejection, FailureRatio, HealthSettings};

/// What is known of an endpoint's health. It has no clock: the time is given to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointHealth {
    up: bool,
    /// Checks in a row that speak against `up`.
    against: u32,
    /// Failures of requests in a row.
    failures_in_a_row: u32,
    window: Window,
    ejected_until: Option<Instant>,
    returned: Option<Instant>,
    /// How many ejections the next one follows.
    ejections: u32,
}

/// What was counted since a time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Window {
    since: Option<Instant>,
    successes: u32,
    failures: u32,
}

impl EndpointHealth {
    /// An endpoint that nothing is known of.
    #[must_use]
    pub fn new(settings: &HealthSettings) -> Self {
        Self {
            up: !settings.unproven_is_down(),
            against: 0,
            failures_in_a_row: 0,
            window: Window::default(),
            ejected_until: None,
            returned: None,
            ejections: 0,
        }
    }

    /// The same endpoint by other settings: it is as well as it was, what was counted is forgotten.
    #[must_use]
    pub fn renewed(&self, settings: &HealthSettings) -> Self {
        let renewed = Self {
            up: self.up,
            ..Self::new(settings)
        };
        if settings.ejection().is_none() {
            return renewed;
        }
        Self {
            ejected_until: self.ejected_until,
            returned: self.returned,
            ejections: self.ejections,
            ..renewed
        }
    }

    /// Whether it may be sent requests: its checks pass and it is not ejected.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.up && self.ejected_until.is_none()
    }

    /// Until when it is ejected, if it is.
    #[must_use]
    pub fn ejected_until(&self) -> Option<Instant> {
        self.ejected_until
    }

    /// Whether a success would be news: the last request has failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failures_in_a_row > 0
    }

    /// A check has passed or not.
    pub fn checked(&mut self, settings: &HealthSettings, passed: bool) {
        if passed == self.up {
            self.against = 0;
            return;
        }
        self.against += 1;
        let enough = if passed {
            settings.rise()
        } else {
            settings.fall()
        };
        if self.against >= enough {
            self.up = passed;
            self.against = 0;
        }
    }

    /// What checks have said does not count any more, since nobody makes any.
    pub fn unchecked(&mut self) {
        self.up = true;
        self.against = 0;
    }

    /// So many requests have succeeded since it was told the last time.
    ///
    /// They count towards a ratio only while its window is open. A failure opens it: successes
    /// before that have piled up for nobody knows how long.
    pub fn succeeded(&mut self, ejection: &Ejection, requests: u32, now: Instant) {
        if requests > 0 {
            self.failures_in_a_row = 0;
            if self.window.is_open(ejection.ratio(), now) {
                self.window.successes = self.window.successes.saturating_add(requests);
            }
        }
    }

    /// A request has failed. Ejects the endpoint if that was enough and `may_eject`; otherwise it
    /// is ejected by a later failure.
    ///
    /// A failure while it is ejected is one of a request that was in flight, and changes nothing.
    pub fn failed(&mut self, ejection: &Ejection, now: Instant, may_eject: bool) {
        self.advance(now);
        if self.ejected_until.is_some() {
            return;
        }
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if !self.window.is_open(ejection.ratio(), now) {
            self.window = Window::from(now);
        }
        self.window.failures = self.window.failures.saturating_add(1);

        let in_a_row = ejection
            .consecutive()
            .is_some_and(|most| self.failures_in_a_row >= most);
        let ratio = ejection
            .ratio()
            .is_some_and(|ratio| ratio.is_reached(self.window.failures, self.window.successes));
        if (in_a_row || ratio) && may_eject {
            self.eject(ejection, now);
        }
    }

    /// Lets it return if it has been ejected for long enough.
    pub fn advance(&mut self, now: Instant) {
        if self.ejected_until.is_some_and(|until| now >= until) {
            self.returned = self.ejected_until.take();
        }
    }

    fn eject(&mut self, ejection: &Ejection, now: Instant) {
        let was_well = |returned| now.saturating_duration_since(returned) >= ejection.longest();
        if self.returned.is_some_and(was_well) {
            self.ejections = 0;
        }
        // Even one of no time is over only when time is looked at.
        let duration = ejection.duration(self.ejections).min(FAR_AWAY);
        self.ejected_until = Some(now + duration);
        self.ejections = self.ejections.saturating_add(1);
        self.failures_in_a_row = 0;
        self.window = Window::default();
    }
}

impl Window {
    fn from(now: Instant) -> Self {
        Self {
            since: Some(now),
            ..Self::default()
        }
    }

    fn is_open(&self, ratio: Option<FailureRatio>, now: Instant) -> bool {
        let age = self.since.map(|since| now.saturating_duration_since(since));
        ratio
            .zip(age)
            .is_some_and(|(ratio, age)| age < ratio.window())
    }
}

/// A time that can be added to any other.
const FAR_AWAY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
