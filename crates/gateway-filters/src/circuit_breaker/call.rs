//! One call, from leave to verdict.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use super::circuit::{Circuit, CircuitState, Ended, Permit};
use super::judge::Judgement;
use super::settings::CircuitBreaker;
use crate::sync::{AtomicU32, Ordering};

/// What all clones of a breaker share.
pub(super) struct Breaker {
    pub(super) settings: CircuitBreaker,
    circuit: Circuit,
    /// Counted only if it is limited.
    in_flight: AtomicU32,
    start: Instant,
}

impl Breaker {
    pub(super) fn new(settings: CircuitBreaker) -> Self {
        Self {
            circuit: Circuit::new(settings.limits),
            settings,
            in_flight: AtomicU32::new(0),
            start: Instant::now(),
        }
    }

    pub(super) fn state(&self) -> CircuitState {
        self.circuit.state()
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Whether there is room for one more, which is then taken.
    fn enter(&self) -> bool {
        let Some(max) = self.settings.max_concurrency else {
            return true;
        };
        let more = |calls| (calls < max.get()).then_some(calls + 1);
        self.in_flight
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, more)
            .is_ok()
    }

    fn leave(&self) {
        if self.settings.max_concurrency.is_some() {
            self.in_flight.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A call that is under way. Dropping it without a verdict counts it neither way.
pub(super) struct Call {
    breaker: Arc<Breaker>,
    /// None once there is a verdict.
    permit: Option<Permit>,
    /// When it began, until it is known whether it is slow; and only if that matters.
    begun: Option<Instant>,
    slow: bool,
}

impl Call {
    /// A call, unless it is to be refused.
    pub(super) fn begin(breaker: &Arc<Breaker>) -> Option<Self> {
        if !breaker.enter() {
            return None;
        }
        let Some(permit) = breaker.circuit.admit(|| breaker.now()) else {
            breaker.leave();
            return None;
        };
        let timed = breaker.settings.limits.looks_at_slow();
        Some(Self {
            breaker: Arc::clone(breaker),
            permit: Some(permit),
            begun: timed.then(Instant::now),
            slow: false,
        })
    }

    pub(super) fn settings(&self) -> &CircuitBreaker {
        &self.breaker.settings
    }

    /// Its response has begun, or will not.
    pub(super) fn answered(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.slow = begun.elapsed() > self.breaker.settings.slow_after;
        }
    }

    /// Whether it has to be kept until the body ends.
    pub(super) fn lasts(&self) -> bool {
        self.permit.is_some() || self.breaker.settings.max_concurrency.is_some()
    }

    pub(super) fn judged(&mut self, judgement: Judgement) {
        match judgement {
            Judgement::Success => self.end(false),
            Judgement::Error => self.end(true),
            Judgement::Neither => self.cancel(),
            Judgement::InTrailers => {}
        }
    }

    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        self.judged(self.breaker.settings.errors.grpc_error(trailers));
    }

    /// The service failed, before the response or in its body.
    pub(super) fn failed(&mut self) {
        self.end(self.breaker.settings.errors.service);
    }

    fn cancel(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.breaker.circuit.cancel(permit);
        }
    }

    fn end(&mut self, error: bool) {
        if let Some(permit) = self.permit.take() {
            let slow = self.slow;
            let breaker = &self.breaker;
            breaker
                .circuit
                .record(permit, Ended { error, slow }, || breaker.now());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.cancel();
        self.breaker.leave();
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("permit", &self.permit)
            .finish_non_exhaustive()
    }
}
