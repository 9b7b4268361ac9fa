use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use proptest::prelude::*;
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_ok, task::spawn};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock;

use super::*;
use crate::script::OnePlace;
use crate::{Answer, Fraction};

const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn percent(percent: u32) -> Fraction {
    Fraction::from_percent(percent).expect("valid")
}

fn teapot() -> Answer {
    Answer::new(418).expect("valid").with_text("injected")
}

async fn ok(_: Request<()>) -> Result<Response<Bytes>, Infallible> {
    Ok(Response::new(Bytes::from_static(b"ok")))
}

/// How many of `requests` are aborted.
async fn aborted(fault: Fault, seed: u64, requests: usize) -> usize {
    let mut service = FaultLayer::new(fault).with_seed(seed).layer(service_fn(ok));
    let mut aborted = 0;
    for _ in 0..requests {
        let Ok(response) = service.call(Request::new(())).await;
        aborted += usize::from(response.status() == 418);
    }
    aborted
}

#[tokio::test]
async fn none_of_a_hundred_is_never_aborted_and_a_hundred_always() {
    let never = Fault::new().with_abort(percent(0), teapot());
    let always = Fault::new().with_abort(percent(100), teapot());

    assert_eq!(aborted(never, 1, 10_000).await, 0);
    assert_eq!(aborted(always, 1, 10_000).await, 10_000);
}

#[tokio::test]
async fn share_of_aborted_requests_is_within_three_deviations() {
    let fault = Fault::new().with_abort(percent(25), teapot());

    for seed in 0..4 {
        // The deviation of 10,000 draws is 43.
        let aborted = aborted(fault.clone(), seed, 10_000).await;
        assert!((2_370..=2_630).contains(&aborted), "{aborted}");
    }
}

#[tokio::test]
async fn same_seed_gives_the_same_faults() {
    let fault = Fault::new().with_abort(percent(50), teapot());
    let run = async || {
        let layer = FaultLayer::new(fault.clone()).with_seed(7);
        let mut service = layer.layer(service_fn(ok));
        let mut statuses = Vec::new();
        for _ in 0..64 {
            let Ok(response) = service.call(Request::new(())).await;
            statuses.push(response.status());
        }
        statuses
    };

    let first = run().await;

    assert_eq!(first, run().await);
    assert!(first.iter().any(|status| *status == 418));
    assert!(first.iter().any(|status| *status == 200));
}

#[tokio::test]
async fn aborted_request_does_not_reach_the_service() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let fault = Fault::new().with_abort(Fraction::ALWAYS, teapot());
    let mut service = FaultLayer::new(fault).layer(service_fn(move |request| {
        counted.fetch_add(1, Ordering::Relaxed);
        ok(request)
    }));

    let Ok(response) = service.call(Request::new(())).await;

    assert_eq!(response.body(), "injected");
    assert!(response.extensions().get::<FaultPlan>().is_some());
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn delay_is_between_its_bounds() {
    let fault = Fault::new().with_delay_between(Fraction::ALWAYS, millis(500), millis(1_000));
    let layer = FaultLayer::new(fault.expect("valid")).with_seed(3);
    let mut service = layer.layer(service_fn(ok));

    for _ in 0..100 {
        let start = Instant::now();
        let Ok(response) = service.call(Request::new(())).await;

        assert_eq!(response.status(), 200);
        assert!((millis(500)..=millis(1_001)).contains(&start.elapsed()));
    }
}

#[tokio::test(start_paused = true)]
async fn delayed_request_may_be_aborted_too() {
    let fault = Fault::new()
        .with_delay(Fraction::ALWAYS, millis(300))
        .with_abort(Fraction::ALWAYS, Answer::grpc(14, "gone"));
    let mut service = FaultLayer::new(fault).layer(service_fn(ok));
    let start = Instant::now();

    let Ok(response) = service.call(Request::new(())).await;

    assert_eq!(response.headers()["grpc-status"], "14");
    assert!((millis(300)..millis(305)).contains(&start.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn client_that_leaves_during_a_delay_leaves_nothing_behind() {
    let (service, mut handle) = mock::pair::<Request<Arc<()>>, Response<Bytes>>();
    let fault = Fault::new().with_delay(Fraction::ALWAYS, millis(300));
    let mut service = FaultLayer::new(fault).layer(service);
    handle.allow(1);
    let token = Arc::new(());
    let mut response = spawn(service.call(Request::new(Arc::clone(&token))));
    assert_pending!(response.poll());

    drop(response);
    advance(millis(400)).await;

    assert_eq!(Arc::strong_count(&token), 1);
    let mut next = spawn(handle.next_request());
    assert_pending!(next.poll());
}

#[tokio::test(start_paused = true)]
async fn service_is_asked_for_readiness_after_the_delay() {
    let (service, mut handle) = mock::pair::<Request<()>, Response<Bytes>>();
    let fault = Fault::new().with_delay(Fraction::ALWAYS, millis(300));
    let mut service = FaultLayer::new(fault).layer(service);
    handle.allow(0);
    let mut response = spawn(service.call(Request::new(())));
    assert_pending!(response.poll());

    advance(millis(301)).await;
    assert_pending!(response.poll());
    handle.allow(1);
    assert_pending!(response.poll());
    let (_, answer) = handle.next_request().await.expect("forwarded");
    answer.send_response(Response::new(Bytes::new()));

    assert_ready_ok!(response.poll());
}

#[tokio::test(start_paused = true)]
async fn delayed_request_keeps_no_place_of_the_service() {
    let fault = Fault::new().with_delay(Fraction::ALWAYS, millis(300));
    let mut service = FaultLayer::new(fault).layer(OnePlace::new());
    service.ready().await.expect("it has a place");

    let mut first = spawn(service.call(Request::new(())));
    assert_pending!(first.poll());
    advance(millis(301)).await;

    assert_ready_ok!(first.poll());
}

#[test]
fn delay_without_a_length_is_refused() {
    let fault = Fault::new().with_delay_between(Fraction::ALWAYS, millis(2), millis(1));

    let (min, max) = (millis(2), millis(1));
    assert_eq!(fault, Err(InvalidFault::Delay { min, max }));
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![any::<Duration>(), (0..5_000_u64).prop_map(millis)]
}

proptest! {
    /// A delay is never shorter or longer than was asked for, and both ends are drawn.
    #[test]
    fn delays_are_between_their_bounds(a in durations(), b in durations(), drawn: u32) {
        let (min, max) = (a.min(b), a.max(b));
        let fault = Fault::new().with_delay_between(Fraction::ALWAYS, min, max).expect("in order");
        let delay = |drawn| fault.plan(|| drawn).delay.expect("always");

        prop_assert!((min..=max).contains(&delay(drawn)));
        prop_assert_eq!(delay(0), min);
        prop_assert_eq!(delay(u32::MAX), max);
    }

    /// Faults that are empty do nothing whatever is drawn, and others do something.
    #[test]
    fn empty_faults_do_nothing(delay in 0..=100_u32, abort in 0..=100_u32, drawn: u32) {
        let fault = Fault::new()
            .with_delay(percent(delay), millis(1))
            .with_abort(percent(abort), teapot());

        prop_assert_eq!(fault.is_empty(), fault.plan(|| 0) == FaultPlan::default());
        if fault.is_empty() {
            prop_assert_eq!(fault.plan(|| drawn), FaultPlan::default());
        }
    }

    /// What is drawn for the delay decides nothing about the abort.
    #[test]
    fn delay_and_abort_are_independent(numbers: [u32; 3], other: [u32; 2], share in 1..100_u32) {
        let fault = Fault::new()
            .with_delay_between(Fraction::ALWAYS, millis(0), millis(9)).expect("in order")
            .with_abort(percent(share), teapot());
        let plan = |numbers: [u32; 3]| {
            let mut numbers = numbers.into_iter();
            fault.plan(|| numbers.next().expect("three are enough"))
        };

        let same = [other[0], other[1], numbers[2]];

        prop_assert_eq!(plan(numbers).abort, plan(same).abort);
        prop_assert_eq!(plan(numbers).abort, percent(share).chosen(numbers[2]));
    }
}
