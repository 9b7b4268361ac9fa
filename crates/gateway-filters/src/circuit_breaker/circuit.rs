//! The state of a breaker, shared by all threads.

use std::time::Duration;

use super::settings::Limits;
use super::window::Window;
use crate::slots::{SLOTS, SlotCount};
use crate::sync::{AtomicU64, Ordering};

/// Whether calls are made.
///
/// The list is complete: a breaker has these three.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CircuitState {
    /// They are.
    Closed,
    /// They are not.
    Open,
    /// A few are, to find out.
    HalfOpen,
}

/// The leave to make a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Permit {
    probe: bool,
    /// The period in which it was given. What a call has to say counts only in its own.
    period: u64,
}

/// What is known of a call when it has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ended {
    pub(super) error: bool,
    pub(super) slow: bool,
}

/// The state machine: no clock, no I/O, no lock.
///
/// Times are counted from the moment at which it was made. Every change is one
/// compare-and-swap of `state`, so that threads agree on each; the rest are counters that
/// know to which period they belong.
#[derive(Debug)]
pub(super) struct Circuit {
    limits: Limits,
    /// A [`Word`].
    state: AtomicU64,
    /// When an open breaker lets a probe through, or a half-open one new probes, in nanoseconds.
    /// It only grows: whoever moves it and is then too late to change the state does no harm.
    until: AtomicU64,
    streak: SlotCount,
    window: Window,
}

impl Circuit {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: AtomicU64::new(Word::closed(0).0),
            until: AtomicU64::new(0),
            streak: SlotCount::new(),
            window: Window::new(),
        }
    }

    pub(super) fn state(&self) -> CircuitState {
        self.word().kind()
    }

    /// Leave to make a call, unless there is none at present.
    pub(super) fn admit(&self, now: impl Fn() -> Duration) -> Option<Permit> {
        loop {
            let word = self.word();
            let period = word.period();
            let next = match word.kind() {
                CircuitState::Closed => {
                    return Some(Permit {
                        probe: false,
                        period,
                    });
                }
                CircuitState::Open => {
                    let now = now();
                    if nanos(now) < self.until.load(Ordering::Acquire) {
                        return None;
                    }
                    self.wait_from(now);
                    Word::half_open(period, 1, 0)
                }
                CircuitState::HalfOpen if word.admitted() < self.limits.probes.get() => {
                    Word::half_open(period, word.admitted() + 1, word.succeeded())
                }
                CircuitState::HalfOpen => {
                    let now = now();
                    if nanos(now) < self.until.load(Ordering::Acquire) {
                        return None;
                    }
                    // Probes that never end may not keep the breaker from trying again.
                    self.wait_from(now);
                    Word::half_open(period + 1, 1, 0)
                }
            };
            if self.change(word, next) {
                return Some(Permit {
                    probe: true,
                    period: next.period(),
                });
            }
        }
    }

    /// Learns how a call ended. Calls of an earlier period have nothing to say any more.
    pub(super) fn record(&self, permit: Permit, ended: Ended, now: impl Fn() -> Duration) {
        if permit.probe {
            self.record_probe(permit.period, ended, now);
        } else {
            self.record_call(permit.period, ended, now);
        }
    }

    /// Learns that nothing will be known of a call.
    pub(super) fn cancel(&self, permit: Permit) {
        if !permit.probe {
            return;
        }
        loop {
            let word = self.word();
            if word.kind() != CircuitState::HalfOpen || word.period() != permit.period {
                return;
            }
            let next = Word::half_open(permit.period, word.admitted() - 1, word.succeeded());
            if self.change(word, next) {
                return;
            }
        }
    }

    fn record_call(&self, period: u64, ended: Ended, now: impl Fn() -> Duration) {
        let word = self.word();
        if word.kind() != CircuitState::Closed || word.period() != period {
            return;
        }
        let mut reached = self.limits.consecutive_errors.is_some_and(|limit| {
            if ended.error {
                self.streak.add(period) >= u64::from(limit.get())
            } else {
                self.streak.clear(period);
                false
            }
        });
        if self.limits.has_window() {
            let slot = self.slot(now(), period);
            self.window.add(&self.limits, slot, ended.error, ended.slow);
            // A good call opens nothing.
            if ended.error || ended.slow {
                reached |= self.limits.reached(self.window.sums(slot));
            }
        }
        if reached {
            self.wait_from(now());
            // If it fails, another thread has opened it.
            self.change(word, Word::open(period + 1));
        }
    }

    fn record_probe(&self, period: u64, ended: Ended, now: impl Fn() -> Duration) {
        let failed = ended.error || (ended.slow && self.limits.looks_at_slow());
        loop {
            let word = self.word();
            if word.kind() != CircuitState::HalfOpen || word.period() != period {
                return;
            }
            let succeeded = word.succeeded() + 1;
            let next = if failed {
                self.wait_from(now());
                Word::open(period + 1)
            } else if succeeded == self.limits.probes.get() {
                Word::closed(period)
            } else {
                Word::half_open(period, word.admitted(), succeeded)
            };
            if self.change(word, next) {
                return;
            }
        }
    }

    /// The slot of the window at `now`. Those of two periods are never within one window.
    fn slot(&self, now: Duration, period: u64) -> u64 {
        let width = nanos(self.limits.window) / SLOTS;
        nanos(now) / width + period * (SLOTS + 1)
    }

    fn wait_from(&self, now: Duration) {
        let until = nanos(now.saturating_add(self.limits.open_for));
        self.until.fetch_max(until, Ordering::AcqRel);
    }

    fn word(&self) -> Word {
        Word(self.state.load(Ordering::Acquire))
    }

    fn change(&self, from: Word, to: Word) -> bool {
        self.state
            .compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

/// State, period and probes in one word.
///
/// A period ends when the breaker opens, or gives up on its probes.
#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    fn closed(period: u64) -> Self {
        Self(period << PERIOD_SHIFT)
    }

    fn open(period: u64) -> Self {
        Self(period << PERIOD_SHIFT | OPEN)
    }

    fn half_open(period: u64, admitted: u8, succeeded: u8) -> Self {
        Self(
            period << PERIOD_SHIFT
                | u64::from(admitted) << ADMITTED_SHIFT
                | u64::from(succeeded) << SUCCEEDED_SHIFT
                | HALF_OPEN,
        )
    }

    fn kind(self) -> CircuitState {
        match self.0 & KIND_MASK {
            OPEN => CircuitState::Open,
            HALF_OPEN => CircuitState::HalfOpen,
            _ => CircuitState::Closed,
        }
    }

    fn period(self) -> u64 {
        self.0 >> PERIOD_SHIFT
    }

    fn admitted(self) -> u8 {
        (self.0 >> ADMITTED_SHIFT) as u8
    }

    fn succeeded(self) -> u8 {
        (self.0 >> SUCCEEDED_SHIFT) as u8
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const KIND_MASK: u64 = 0b11;
const OPEN: u64 = 1;
const HALF_OPEN: u64 = 2;
const SUCCEEDED_SHIFT: u32 = 2;
const ADMITTED_SHIFT: u32 = 10;
const PERIOD_SHIFT: u32 = 18;
