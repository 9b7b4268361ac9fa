use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tokio::time::{Duration, advance};

use super::*;
use crate::balance::{Algorithm, Balancer, Outcome};
use crate::clock;
use crate::endpoint::EndpointSet;
use crate::percent::Percent;

const SECOND: Duration = Duration::from_secs(1);

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 8080))
}

fn balancer(health: &Health, last: impl IntoIterator<Item = u8>) -> Balancer {
    let endpoints = last.into_iter().map(address).collect();
    Balancer::new(Algorithm::RoundRobin, endpoints).with_health(health.clone())
}

fn ejecting(ejection: Ejection) -> Health {
    Health::new(HealthSettings::new().with_ejection(ejection))
}

fn fail(health: &Health, last: u8, times: u32) {
    for _ in 0..times {
        health.report(address(last), Outcome::Failure);
    }
}

fn healthy(health: &Health, last: u8) -> bool {
    health.is_healthy(address(last)).expect("it is known")
}

#[test]
fn health_can_be_shared_between_threads() {
    fn assert<T: Clone + Send + Sync + 'static>() {}

    assert::<Health>();
    assert::<HealthSettings>();
    assert::<EndpointHealth>();
}

#[test]
fn checks_in_a_row_take_down_and_bring_up() {
    let health = Health::new(HealthSettings::new().with_fall(3).with_rise(2));
    let _balancer = balancer(&health, [1, 2]);
    let check = |passed| {
        health.checked(address(1), passed);
        healthy(&health, 1)
    };

    assert_eq!(
        [false, false, true, false, false, false].map(check),
        [true, true, true, true, true, false]
    );
    assert_eq!(
        [true, false, true, true].map(check),
        [false, false, false, true]
    );
    assert!(healthy(&health, 2));
}

#[test]
fn unproven_endpoint_is_down_until_it_has_passed() {
    let health = Health::new(HealthSettings::new().with_unproven_down().with_rise(1));
    let balancer = balancer(&health, [1]);
    assert!(balancer.pick().is_err());

    health.checked(address(1), true);

    assert!(balancer.pick().is_ok());
}

#[tokio::test(start_paused = true)]
async fn ejections_double_up_to_the_longest_and_begin_again_after_a_good_time() {
    let ejection = Ejection::new()
        .with_base(10 * SECOND)
        .with_longest(30 * SECOND);
    let health = ejecting(ejection.with_consecutive(Some(2)));
    let balancer = balancer(&health, [1, 2]);

    for seconds in [10, 20, 30, 30] {
        fail(&health, 1, 2);
        assert!(!healthy(&health, 1));
        advance(seconds * SECOND - Duration::from_millis(1)).await;
        assert!((0..4).all(|_| {
            balancer
                .pick()
                .is_ok_and(|pick| pick.address() == address(2))
        }));
        advance(Duration::from_millis(1)).await;
        assert_eq!(balancer.ready_endpoints().len(), 2);
    }

    advance(30 * SECOND).await;
    fail(&health, 1, 2);
    advance(10 * SECOND).await;
    assert!(healthy(&health, 1));
}

#[test]
fn success_ends_a_row_of_failures() {
    let health = ejecting(Ejection::new().with_consecutive(Some(3)));
    let _balancer = balancer(&health, [1, 2]);

    fail(&health, 1, 2);
    health.report(address(1), Outcome::Success);
    fail(&health, 1, 2);
    assert!(healthy(&health, 1));

    fail(&health, 1, 1);
    assert!(!healthy(&health, 1));
}

#[tokio::test(start_paused = true)]
async fn ratio_counts_from_its_volume_within_its_window() {
    let ratio = FailureRatio::new(Percent::new(50), 10, 10 * SECOND);
    let health = ejecting(Ejection::new().with_consecutive(None).with_ratio(ratio));
    let _balancer = balancer(&health, [1, 2]);
    let mix = |rounds| {
        for _ in 0..rounds {
            health.report(address(1), Outcome::Success);
            health.report(address(1), Outcome::Failure);
        }
    };

    mix(4);
    assert!(healthy(&health, 1), "fewer than the volume");
    advance(10 * SECOND).await;
    mix(4);
    assert!(healthy(&health, 1), "the first are forgotten");
    mix(2);
    assert!(!healthy(&health, 1));
}

#[tokio::test(start_paused = true)]
async fn successes_before_a_window_hide_no_failures_in_it() {
    let ratio = FailureRatio::new(Percent::new(50), 10, 60 * SECOND);
    let health = ejecting(Ejection::new().with_consecutive(None).with_ratio(ratio));
    let _balancer = balancer(&health, [1, 2]);
    let succeed = |times| {
        for _ in 0..times {
            health.report(address(1), Outcome::Success);
        }
    };

    // Once before the first window, once after it is over.
    for _ in 0..2 {
        succeed(1000);
        fail(&health, 1, 9);
        assert!(healthy(&health, 1), "fewer than the volume");
        advance(60 * SECOND).await;
    }
    succeed(1000);
    fail(&health, 1, 10);
    assert!(!healthy(&health, 1));
}

#[test]
fn no_more_are_ejected_than_the_most() {
    let health = ejecting(Ejection::new().with_most(Percent::new(30)));
    let _balancer = balancer(&health, 0..10);

    for last in 0..10 {
        fail(&health, last, 20);
    }

    let ejected = (0..10).filter(|last| !healthy(&health, *last)).count();
    assert_eq!(ejected, 3);
}

#[test]
fn only_endpoint_is_not_ejected_unless_all_may_be() {
    let careful = ejecting(Ejection::new());
    let _one = balancer(&careful, [1]);
    fail(&careful, 1, 20);
    assert!(healthy(&careful, 1));

    let strict = ejecting(Ejection::new().with_most(Percent::ALL));
    let _other = balancer(&strict, [1]);
    fail(&strict, 1, 20);
    assert!(!healthy(&strict, 1));
}

#[test]
fn endpoint_that_no_balancer_has_is_forgotten() {
    let health = Health::new(HealthSettings::new().with_fall(1));
    let one = balancer(&health, [1, 2]);
    let other = balancer(&health, [2]);
    health.checked(address(1), false);
    health.checked(address(2), false);

    one.update(EndpointSet::from_iter([address(3)]));
    one.update(EndpointSet::from_iter([address(1), address(3)]));

    assert!(healthy(&health, 1), "it has come back as new");
    assert!(!healthy(&health, 2), "the other balancer has it still");
    drop(other);
    drop(one);
    assert!(health.endpoints().is_empty());
}

#[test]
fn endpoints_are_up_once_nobody_checks_them() {
    let ejection = Ejection::new().with_consecutive(Some(1));
    let settings = HealthSettings::new().with_fall(1).with_rise(1);
    let health = Health::new(settings.with_unproven_down().with_ejection(ejection));
    let balancer = balancer(&health, [1, 2, 3]);
    health.checked(address(1), true);
    health.checked(address(1), false);
    fail(&health, 2, 1);
    assert!(balancer.pick().is_err());

    health.unchecked();

    assert!(healthy(&health, 1));
    assert!(!healthy(&health, 2), "it is ejected");
    assert!(healthy(&health, 3));
    assert_eq!(balancer.ready_endpoints().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn other_settings_begin_with_what_was_known() {
    let ejection = Ejection::new().with_consecutive(Some(1));
    let settings = HealthSettings::new().with_fall(1).with_rise(1);
    let before = Health::new(settings.clone().with_ejection(ejection.clone()));
    let _balancer = balancer(&before, [1, 2, 3]);
    before.checked(address(1), false);
    fail(&before, 2, 1);

    let after = before.renewed(settings.clone().with_ejection(ejection.with_base(SECOND)));
    assert!(after.endpoints().is_empty());
    let mut ready = balancer(&after, [1, 2, 3, 4]);
    let known = |health: &Health| [1, 2, 3, 4].map(|last| healthy(health, last));
    assert_eq!(known(&after), [false, false, true, true]);

    // The ejection is as long as it was to be.
    advance(29 * SECOND).await;
    assert_eq!(ready.ready_endpoints().len(), 2);
    advance(SECOND).await;
    assert_eq!(ready.ready_endpoints().len(), 3);
    after.checked(address(1), true);
    assert_eq!(ready.ready_endpoints().len(), 4);

    fail(&after, 2, 1);
    let without = after.renewed(settings);
    ready = balancer(&without, [1, 2, 3, 4]);
    assert_eq!(ready.ready_endpoints().len(), 4, "there is no ejection");
}

#[test]
fn what_is_inherited_waits_for_the_first_balancer_alone() {
    let before = Health::new(HealthSettings::new().with_fall(1));
    let _balancer = balancer(&before, [1, 2]);
    before.checked(address(1), false);
    before.checked(address(2), false);

    let after = before.renewed(HealthSettings::new());
    let one = balancer(&after, [1]);
    let _other = balancer(&after, [1, 2]);

    assert!(one.pick().is_err());
    assert!(healthy(&after, 2), "it is new");
}

#[test]
fn endpoint_that_is_not_known_is_ignored() {
    let health = ejecting(Ejection::new());

    health.checked(address(1), false);
    fail(&health, 1, 10);
    health.report(address(1), Outcome::Success);

    assert_eq!(health.is_healthy(address(1)), None);
}

/// The same rules, said in another way: by looking back at all that has happened.
#[derive(Debug)]
struct Model {
    up: bool,
    checks: VecDeque<bool>,
    in_a_row: u32,
    ejected: Option<Instant>,
    returned: Option<Instant>,
    next: Duration,
}

const FALL: u32 = 3;
const RISE: u32 = 2;
const IN_A_ROW: u32 = 3;
const BASE: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(7);

impl Model {
    fn checked(&mut self, passed: bool) {
        self.checks.push_front(passed);
        let needed = if self.up { FALL } else { RISE } as usize;
        let recent: Vec<_> = self.checks.iter().take(needed).collect();
        if recent.len() == needed && recent.iter().all(|passed| **passed != self.up) {
            self.up = !self.up;
            self.checks.clear();
        }
    }

    fn failed(&mut self, now: Instant, may_eject: bool) {
        if self.ejected.is_some() {
            return;
        }
        self.in_a_row += 1;
        if self.in_a_row >= IN_A_ROW && may_eject {
            if self
                .returned
                .is_some_and(|returned| now - returned >= LONGEST)
            {
                self.next = BASE;
            }
            self.ejected = Some(now + self.next);
            self.next = (self.next * 2).min(LONGEST);
            self.in_a_row = 0;
        }
    }

    fn wait(&mut self, now: Instant) {
        if let Some(until) = self.ejected.filter(|until| *until <= now) {
            self.returned = Some(until);
            self.ejected = None;
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Checked(bool),
    Failed { may_eject: bool },
    Succeeded,
    Wait(Duration),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => any::<bool>().prop_map(Event::Checked),
        5 => prop_oneof![4 => Just(true), 1 => Just(false)].prop_map(|may_eject| Event::Failed { may_eject }),
        1 => Just(Event::Succeeded),
        2 => (0..4000_u64).prop_map(|millis| Event::Wait(Duration::from_millis(millis))),
    ];
    vec(event, 0..120)
}

proptest! {
    /// The state is that of the model, whatever happens.
    #[test]
    fn state_follows_the_model(events in events()) {
        let ejection = Ejection::new()
            .with_consecutive(Some(IN_A_ROW))
            .with_base(BASE)
            .with_longest(LONGEST);
        let settings = HealthSettings::new().with_fall(FALL).with_rise(RISE);
        let mut now = clock::now();
        let mut state = EndpointHealth::new(&settings);
        let mut model = Model {
            up: true,
            checks: VecDeque::new(),
            in_a_row: 0,
            ejected: None,
            returned: None,
            next: BASE,
        };

        for event in events {
            match event {
                Event::Checked(passed) => {
                    state.checked(&settings, passed);
                    model.checked(passed);
                }
                Event::Failed { may_eject } => {
                    state.failed(&ejection, now, may_eject);
                    model.failed(now, may_eject);
                }
                Event::Succeeded => {
                    state.succeeded(&ejection, 1, now);
                    model.in_a_row = 0;
                }
                Event::Wait(time) => {
                    now += time;
                    state.advance(now);
                    model.wait(now);
                }
            }
            prop_assert_eq!(state.is_healthy(), model.up && model.ejected.is_none());
            prop_assert_eq!(state.ejected_until(), model.ejected);
        }
    }

    /// An ejection is never longer than the longest, and never shorter than the one before.
    #[test]
    fn ejections_grow(base in 0..100_u64, longest in 0..1000_u64, before in 0..80_u32) {
        let ejection = Ejection::new()
            .with_base(Duration::from_secs(base))
            .with_longest(Duration::from_secs(longest));

        prop_assert!(ejection.duration(before) <= ejection.longest());
        prop_assert!(ejection.duration(before) <= ejection.duration(before + 1));
    }
}
