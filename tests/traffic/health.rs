//! Health: AT-HC-1 to AT-HC-3, ten and more times as fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gateway_core::model::Backend;
use gateway_lb::Percent;
use gateway_lb::balance::Preference;
use gateway_lb::health::{Check, Ejection, HealthSettings, HttpProbe, Probe};
use gateway_tests::{Client, Incoming, Origin, PATIENCE, Site, TestGateway, answer};
use http::Request;
use tokio::time::{Instant, sleep};

use crate::requests::rule;

const OFTEN: Duration = Duration::from_millis(20);

/// An endpoint that is well for as long as `well` says so.
async fn endpoint(name: &'static str, well: &Arc<AtomicBool>) -> Origin {
    let well = Arc::clone(well);
    Origin::http1(move |request: Request<Incoming>| {
        drop(request);
        let status = if well.load(Ordering::Relaxed) {
            200
        } else {
            503
        };
        async move { answer(status, name) }
    })
    .await
}

fn checked() -> Check {
    Check::new(HttpProbe::new("/healthz").unwrap()).with_interval(OFTEN)
}

fn site(backend: Backend) -> Site {
    Site::new().rule(rule()).backend_of("origin", backend)
}

/// Asks until twelve answers in a row are as `wanted` has them.
async fn until(client: &mut Client, what: &str, wanted: impl Fn(u16, &str) -> bool) {
    let (started, mut row) = (Instant::now(), 0);
    while row < 12 {
        assert!(started.elapsed() < PATIENCE, "{what}");
        let reply = client.get("/").await;
        if wanted(reply.status.as_u16(), reply.text()) {
            row += 1;
        } else {
            row = 0;
            sleep(OFTEN).await;
        }
    }
}

/// AT-HC-1 and AT-HC-2.
#[tokio::test]
async fn endpoint_that_fails_its_checks_gets_nothing_until_it_passes_them_again() {
    let (one_well, two_well) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicBool::new(false)),
    );
    let one = endpoint("one", &one_well).await;
    let two = endpoint("two", &two_well).await;
    let backend = Backend::new([one.address(), two.address()])
        .with_health(HealthSettings::new().with_fall(3).with_rise(2))
        .with_check(checked());
    let gateway = TestGateway::start(&site(backend));
    let mut client = Client::http1(gateway.address()).await;

    until(&mut client, "only the one that is well", |status, name| {
        (status, name) == (200, "one")
    })
    .await;
    two_well.store(true, Ordering::Relaxed);
    one_well.store(false, Ordering::Relaxed);
    until(&mut client, "only the other one", |status, name| {
        (status, name) == (200, "two")
    })
    .await;
}

/// AT-HC-3: fail closed, or do not believe it.
#[tokio::test]
async fn when_none_is_well_there_is_none_unless_that_is_not_believed() {
    for (panic_below, status) in [(Percent::ZERO, 503), (Percent::new(50), 200)] {
        let nobody = Arc::new(AtomicBool::new(true));
        let one = endpoint("one", &nobody).await;
        let never = Check::new(Probe::Http(
            HttpProbe::new("/healthz").unwrap().with_statuses(418..=418),
        ));
        let backend = Backend::new([one.address()])
            .with_health(HealthSettings::new().with_fall(1))
            .with_preference(Preference::new().with_panic_below(panic_below))
            .with_check(never.with_interval(OFTEN));
        let gateway = TestGateway::start(&site(backend));
        let mut client = Client::http1(gateway.address()).await;

        one.until("a check", |state| {
            state.requests.iter().any(|seen| seen.target == "/healthz")
        })
        .await;
        until(&mut client, "the decision", |got, _| got == status).await;
    }
}

#[tokio::test]
async fn endpoint_that_fails_requests_is_ejected() {
    let (well, ill) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicBool::new(false)),
    );
    let one = endpoint("one", &well).await;
    let two = endpoint("two", &ill).await;
    let ejection = Ejection::new()
        .with_consecutive(Some(2))
        .with_base(Duration::from_secs(60));
    let backend = Backend::new([one.address(), two.address()])
        .with_health(HealthSettings::new().with_ejection(ejection));
    let gateway = TestGateway::single(&site(backend));
    let mut client = Client::http1(gateway.address()).await;

    until(&mut client, "the one that is well", |status, _| {
        status == 200
    })
    .await;

    assert_eq!(two.count(), 2);
}

#[tokio::test]
async fn checks_end_with_their_backend() {
    let well = Arc::new(AtomicBool::new(true));
    let one = endpoint("one", &well).await;
    let checked = site(Backend::new([one.address()]).with_check(checked()));
    let gateway = TestGateway::start(&checked);
    one.until("three checks", |state| state.requests.len() >= 3)
        .await;

    gateway.update(site(Backend::new([one.address()])).configuration());
    // One may be under way.
    sleep(2 * OFTEN).await;
    let before = one.count();
    sleep(10 * OFTEN).await;

    assert_eq!(one.count(), before);
}
