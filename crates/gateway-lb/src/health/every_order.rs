//! Threads agree about the health of an endpoint, in every order of theirs.

use std::net::SocketAddr;
use std::time::Duration;

use loom::thread;

use super::{Ejection, FailureRatio, Health, HealthSettings};
use crate::balance::Outcome;
use crate::endpoint::EndpointSet;
use crate::percent::Percent;

fn address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 80))
}

fn endpoints() -> EndpointSet {
    EndpointSet::from_iter([address()])
}

/// Ejects for longer than this takes, and the only endpoint too.
fn ejecting(ejection: Ejection) -> Health {
    let ejection = ejection.with_most(Percent::ALL);
    Health::new(HealthSettings::new().with_ejection(ejection))
}

/// Reports it from another thread.
fn report(health: &Health, outcome: Outcome) -> thread::JoinHandle<()> {
    let health = health.clone();
    thread::spawn(move || health.report(address(), outcome))
}

#[test]
fn failures_of_two_threads_eject_it() {
    loom::model(|| {
        let health = ejecting(Ejection::new().with_consecutive(Some(2)));
        let _watched = health.watch(&endpoints());

        let other = report(&health, Outcome::Failure);
        health.report(address(), Outcome::Failure);
        other.join().expect("no panic");

        assert_eq!(health.is_healthy(address()), Some(false));
    });
}

#[test]
fn no_balancer_misses_news() {
    loom::model(|| {
        let health = ejecting(Ejection::new().with_consecutive(Some(1)));
        let first = health.watch(&endpoints());

        let other = report(&health, Outcome::Failure);
        let watched = first.again();
        let seen = watched.is_healthy(0);
        other.join().expect("no panic");

        assert!(!first.again().is_healthy(0));
        // Whoever has seen the old health hears of the new one.
        assert!(!seen || watched.has_changed());
    });
}

#[test]
fn whoever_comes_meanwhile_knows_it_too() {
    loom::model(|| {
        let health = ejecting(Ejection::new().with_consecutive(Some(1)));
        let _first = health.watch(&endpoints());

        let other = report(&health, Outcome::Failure);
        let second = health.watch(&endpoints());
        let seen = second.is_healthy(0);
        other.join().expect("no panic");

        assert!(!second.again().is_healthy(0));
        assert!(!seen || second.has_changed());
    });
}

#[test]
fn no_success_is_lost_or_counted_twice() {
    loom::model(|| {
        // Three failures and one success are enough; with two successes they would not be, and
        // without any there would be too few.
        let ratio = FailureRatio::new(Percent::new(70), 4, Duration::from_secs(3600));
        let health = ejecting(Ejection::new().with_consecutive(None).with_ratio(ratio));
        let _watched = health.watch(&endpoints());
        health.report(address(), Outcome::Failure);

        let other = report(&health, Outcome::Success);
        health.report(address(), Outcome::Failure);
        other.join().expect("no panic");

        assert_eq!(health.is_healthy(address()), Some(true));
        health.report(address(), Outcome::Failure);
        assert_eq!(health.is_healthy(address()), Some(false));
    });
}
