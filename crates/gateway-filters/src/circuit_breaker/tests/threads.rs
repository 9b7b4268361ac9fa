//! Threads agree.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::circuit_breaker::circuit::{Circuit, CircuitState, Ended};
use crate::circuit_breaker::settings::CircuitBreaker;

const BAD: Ended = Ended {
    error: true,
    slow: false,
};
const GOOD: Ended = Ended {
    error: false,
    slow: false,
};

fn count(errors: u32) -> Circuit {
    let errors = NonZeroU32::new(errors).expect("not zero");
    Circuit::new(CircuitBreaker::new().with_error_count(errors).limits)
}

fn at(millis: u64) -> impl Fn() -> Duration {
    move || Duration::from_millis(millis)
}

/// Every order of threads is tried: `RUSTFLAGS="--cfg loom" cargo test -p gateway-filters --lib
/// every_order`.
#[cfg(loom)]
mod every_order {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;
    use crate::slots::SlotCount;

    #[test]
    fn errors_of_two_threads_open_it() {
        loom::model(|| {
            let circuit = Arc::new(count(2));
            let permits = [(); 2].map(|()| circuit.admit(at(0)).expect("closed"));
            // The clocks differ, and so do the slots.
            let other = {
                let circuit = Arc::clone(&circuit);
                thread::spawn(move || circuit.record(permits[0], BAD, at(5_000)))
            };
            circuit.record(permits[1], BAD, at(0));
            other.join().expect("no panic");

            assert_eq!(circuit.state(), CircuitState::Open);
        });
    }

    #[test]
    fn one_probe_is_let_through() {
        loom::model(|| {
            let circuit = Arc::new(count(1));
            let permit = circuit.admit(at(0)).expect("closed");
            circuit.record(permit, BAD, at(0));
            let other = {
                let circuit = Arc::clone(&circuit);
                thread::spawn(move || circuit.admit(at(30_000)).is_some())
            };
            let here = circuit.admit(at(30_000)).is_some();
            let there = other.join().expect("no panic");

            assert!(here ^ there);
            assert_eq!(circuit.state(), CircuitState::HalfOpen);
        });
    }

    #[test]
    fn a_probe_ends_once() {
        loom::model(|| {
            let circuit = Arc::new(count(1));
            let permit = circuit.admit(at(0)).expect("closed");
            circuit.record(permit, BAD, at(0));
            let probe = circuit.admit(at(30_000)).expect("time is up");
            let other = {
                let circuit = Arc::clone(&circuit);
                thread::spawn(move || circuit.admit(at(60_000)))
            };
            circuit.record(probe, GOOD, at(60_000));
            let there = other.join().expect("no panic");

            // Either the probe closed it, or it was given up and another one runs.
            match circuit.state() {
                CircuitState::Closed => assert!(there.is_some()),
                CircuitState::HalfOpen => {
                    circuit.record(there.expect("a probe"), GOOD, at(60_000));
                    assert_eq!(circuit.state(), CircuitState::Closed);
                }
                CircuitState::Open => panic!("nothing failed"),
            }
        });
    }

    #[test]
    fn no_count_is_lost() {
        loom::model(|| {
            let counter = Arc::new(SlotCount::new());
            let threads = [3, 4].map(|slot| {
                let counter = Arc::clone(&counter);
                thread::spawn(move || counter.add(slot))
            });
            let here = counter.add(4);
            let there = threads.map(|thread| thread.join().expect("no panic"));

            assert_eq!(here + there[1], 3, "one saw the other");
            assert_eq!(counter.add(4), 3);
            assert_eq!(counter.add(3), 0);
        });
    }
}

/// However threads interleave, it opens at the threshold: only calls that had begun by then
/// still fail.
#[cfg(not(loom))]
#[test]
fn no_call_begins_after_the_last_error_that_is_allowed() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    const THREADS: usize = 4;
    const LIMIT: usize = 50;

    for _ in 0..50 {
        let circuit = count(LIMIT as u32);
        let begun = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while let Some(permit) = circuit.admit(at(0)) {
                        begun.fetch_add(1, Ordering::Relaxed);
                        circuit.record(permit, BAD, at(0));
                    }
                });
            }
        });

        let begun = begun.into_inner();
        assert!((LIMIT..LIMIT + THREADS).contains(&begun), "{begun}");
        assert_eq!(circuit.state(), CircuitState::Open);
    }
}

/// As many probes as asked for, whoever asks.
#[cfg(not(loom))]
#[test]
fn probes_are_counted_across_threads() {
    use std::num::NonZeroU8;

    for _ in 0..50 {
        let probes = NonZeroU8::new(3).expect("not zero");
        let settings = CircuitBreaker::new()
            .with_error_count(NonZeroU32::MIN)
            .with_probes(probes);
        let circuit = Circuit::new(settings.limits);
        let permit = circuit.admit(at(0)).expect("closed");
        circuit.record(permit, BAD, at(0));

        let admitted: usize = std::thread::scope(|scope| {
            let admit = || (0..4).filter_map(|_| circuit.admit(at(30_000))).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(admit)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .sum()
        });

        assert_eq!(admitted, 3);
    }

    // A good call changes nothing.
    let circuit = count(1);
    let permit = circuit.admit(at(0)).expect("closed");
    circuit.record(permit, GOOD, at(0));
    assert_eq!(circuit.state(), CircuitState::Closed);
}
