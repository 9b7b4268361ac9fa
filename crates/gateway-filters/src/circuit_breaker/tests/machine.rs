//! The state machine does what its documentation says, written down another way.

use std::num::{NonZeroU8, NonZeroU32};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::circuit_breaker::circuit::{Circuit, CircuitState, Ended, Permit};
use crate::circuit_breaker::settings::{CircuitBreaker, Limits};
use crate::fraction::Fraction;

/// Something that happens to a breaker.
#[derive(Clone, Copy, Debug)]
enum Event {
    Wait(u64),
    Begin,
    /// Of the calls that are under way.
    End(usize, Ended),
    Cancel(usize),
}

/// What a breaker is, without a thought for threads.
struct Model {
    limits: Limits,
    now: Duration,
    state: State,
    period: u64,
    streak: u32,
    ended: Vec<(u128, Ended)>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open {
        until: Duration,
    },
    HalfOpen {
        until: Duration,
        admitted: u8,
        succeeded: u8,
    },
}

impl Model {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            now: Duration::ZERO,
            state: State::Closed,
            period: 0,
            streak: 0,
            ended: Vec::new(),
        }
    }

    fn kind(&self) -> CircuitState {
        match self.state {
            State::Closed => CircuitState::Closed,
            State::Open { .. } => CircuitState::Open,
            State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// Whether a call is a probe; none if there is to be no call.
    fn begin(&mut self) -> Option<(bool, u64)> {
        let first = State::HalfOpen {
            until: self.now + self.limits.open_for,
            admitted: 1,
            succeeded: 0,
        };
        match &mut self.state {
            State::Closed => return Some((false, self.period)),
            State::HalfOpen { admitted, .. } if *admitted < self.limits.probes.get() => {
                *admitted += 1;
            }
            State::HalfOpen { until, .. } if *until <= self.now => {
                self.period += 1;
                self.state = first;
            }
            State::Open { until } if *until <= self.now => self.state = first,
            State::Open { .. } | State::HalfOpen { .. } => return None,
        }
        Some((true, self.period))
    }

    fn end(&mut self, (probe, period): (bool, u64), ended: Ended) {
        if period != self.period {
            return;
        }
        match &mut self.state {
            State::Closed if !probe => self.count(ended),
            State::HalfOpen { succeeded, .. } if probe => {
                let slow_counts =
                    self.limits.slow_count.is_some() || self.limits.slow_ratio.is_some();
                if ended.error || ended.slow && slow_counts {
                    self.open();
                    return;
                }
                *succeeded += 1;
                if *succeeded == self.limits.probes.get() {
                    self.state = State::Closed;
                    self.streak = 0;
                    self.ended.clear();
                }
            }
            State::Closed | State::Open { .. } | State::HalfOpen { .. } => {}
        }
    }

    fn cancel(&mut self, (probe, period): (bool, u64)) {
        if let State::HalfOpen { admitted, .. } = &mut self.state
            && probe
            && period == self.period
        {
            *admitted -= 1;
        }
    }

    fn open(&mut self) {
        self.period += 1;
        self.state = State::Open {
            until: self.now + self.limits.open_for,
        };
    }

    fn tenth(&self) -> u128 {
        self.now.as_nanos() / (self.limits.window.as_nanos() / 10)
    }

    fn count(&mut self, ended: Ended) {
        self.streak = if ended.error { self.streak + 1 } else { 0 };
        let tenth = self.tenth();
        self.ended.push((tenth, ended));
        self.ended.retain(|(then, _)| tenth - then < 10);

        let streak = ended.error && reaches(self.streak as usize, self.limits.consecutive_errors);
        if streak || (ended.error || ended.slow) && self.window_is_bad() {
            self.open();
        }
    }

    fn window_is_bad(&self) -> bool {
        let calls = self.ended.len();
        let errors = self.ended.iter().filter(|(_, ended)| ended.error).count();
        let slow = self.ended.iter().filter(|(_, ended)| ended.slow).count();
        let min = self.limits.min_requests.map(|min| min.get() as usize);

        let share = |limit: Option<Fraction>, part: usize| {
            limit.is_some_and(|limit| {
                part as f64 / calls as f64
                    >= f64::from(limit.numerator()) / f64::from(limit.denominator())
            })
        };
        calls >= min.unwrap_or(0)
            && (reaches(errors, self.limits.error_count) || reaches(slow, self.limits.slow_count))
            || calls >= min.unwrap_or(10)
                && (share(self.limits.error_ratio, errors) || share(self.limits.slow_ratio, slow))
    }
}

fn reaches(there: usize, limit: Option<NonZeroU32>) -> bool {
    limit.is_some_and(|limit| there >= limit.get() as usize)
}

fn few() -> impl Strategy<Value = Option<NonZeroU32>> {
    proptest::option::of((1..8_u32).prop_map(|n| NonZeroU32::new(n).expect("not zero")))
}

fn share() -> impl Strategy<Value = Option<Fraction>> {
    // Quarters, which floating point knows exactly.
    proptest::option::of((0..=4_u32).prop_map(|n| Fraction::new(n, 4).expect("a share")))
}

fn limits() -> impl Strategy<Value = Limits> {
    let spans = (10..3_000_u64, 1..3_000_u64, 1..4_u8);
    (few(), few(), share(), few(), share(), few(), spans).prop_map(
        |(consecutive, errors, error_share, slow, slow_share, min, (window, open, probes))| {
            let mut limits = CircuitBreaker::new()
                .with_window(Duration::from_millis(window))
                .and_then(|breaker| breaker.with_open_for(Duration::from_millis(open)))
                .expect("long enough")
                .with_probes(NonZeroU8::new(probes).expect("not zero"))
                .limits;
            limits.consecutive_errors = consecutive;
            limits.error_count = errors;
            limits.error_ratio = error_share;
            limits.slow_count = slow;
            limits.slow_ratio = slow_share;
            limits.min_requests = min;
            limits
        },
    )
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let ended = (any::<bool>(), any::<bool>()).prop_map(|(error, slow)| Ended { error, slow });
    let event = prop_oneof![
        2 => (0..800_u64).prop_map(Event::Wait),
        1 => (0..8_000_u64).prop_map(Event::Wait),
        8 => Just(Event::Begin),
        7 => (0..6_usize, ended).prop_map(|(which, ended)| Event::End(which, ended)),
        1 => (0..6_usize).prop_map(Event::Cancel),
    ];
    vec(event, 1..200)
}

proptest! {
    /// Whatever happens in whatever order, calls are made, refused and probed as the model has it.
    #[test]
    fn machine_is_the_model(limits in limits(), events in events()) {
        let circuit = Circuit::new(limits);
        let mut model = Model::new(limits);
        let mut running: Vec<(Permit, (bool, u64))> = Vec::new();

        for event in events {
            let now = model.now;
            match event {
                Event::Wait(millis) => model.now += Duration::from_millis(millis),
                Event::Begin => match (circuit.admit(|| now), model.begin()) {
                    (Some(permit), Some(expected)) => running.push((permit, expected)),
                    (None, None) => {}
                    (permit, expected) => prop_assert!(false, "{permit:?}, not {expected:?}"),
                },
                Event::End(which, ended) if which < running.len() => {
                    let (permit, expected) = running.remove(which);
                    circuit.record(permit, ended, || now);
                    model.end(expected, ended);
                }
                Event::Cancel(which) if which < running.len() => {
                    let (permit, expected) = running.remove(which);
                    circuit.cancel(permit);
                    model.cancel(expected);
                }
                Event::End(..) | Event::Cancel(_) => {}
            }
            prop_assert_eq!(circuit.state(), model.kind());
        }
    }

    /// While a threshold of errors is not reached, nothing is refused.
    #[test]
    fn fewer_errors_than_the_count_open_nothing(count in 2..20_u32, waits in vec(0..2_000_u64, 0..40)) {
        let limits = CircuitBreaker::new()
            .with_error_count(NonZeroU32::new(count).expect("not zero"))
            .limits;
        let circuit = Circuit::new(limits);
        let mut now = Duration::ZERO;

        for (index, wait) in (0..).zip(waits) {
            now += Duration::from_millis(wait);
            let permit = circuit.admit(|| now).expect("closed");
            let error = index + 1 < count;
            circuit.record(permit, Ended { error, slow: true }, || now);
        }

        prop_assert_eq!(circuit.state(), CircuitState::Closed);
    }
}
