//! Health: AT-HC-1 to AT-HC-3 with their own figures, and endpoints that fail requests.
//!
//! Endpoints are on sockets, the clock is held: seconds pass when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gateway_core::RoutingService;
use gateway_core::model::Backend;
use gateway_lb::Percent;
use gateway_lb::balance::Preference;
use gateway_lb::health::{Check, Ejection, HealthSettings, HttpProbe};
use gateway_tests::{Client, HeldClock, Incoming, Origin, State, TestGateway, answer};
use http::Request;
use tokio::time::Instant;

use crate::requests::{answered, get, to};

/// An endpoint that answers with its name, and whether it is well.
struct Endpoint {
    name: &'static str,
    well: Arc<AtomicBool>,
    origin: Origin,
}

impl Endpoint {
    async fn new(name: &'static str, well: bool) -> Self {
        let well = Arc::new(AtomicBool::new(well));
        let origin = Origin::http1({
            let well = Arc::clone(&well);
            move |_: Request<Incoming>| {
                let status = if well.load(Ordering::Relaxed) {
                    200
                } else {
                    503
                };
                async move { answer(status, name) }
            }
        })
        .await;
        Self { name, well, origin }
    }

    fn becomes(&self, well: bool) {
        self.well.store(well, Ordering::Relaxed);
    }

    /// Waits until it has been checked so often, and has answered.
    async fn checked(&self, times: usize) {
        let reached = |state: &State| checks(state) >= times;
        self.origin.until("a check", reached).await;
        // Where time jumps, an answer that is on its way would be late: let this one follow it.
        Client::http1(self.origin.address()).await.get("/").await;
    }

    /// How often it has been checked.
    fn checks(&self) -> usize {
        let seen = self.origin.requests().into_iter();
        seen.filter(|seen| seen.target == PATH).count()
    }
}

fn checks(state: &State) -> usize {
    let seen = state.requests.iter();
    seen.filter(|seen| seen.target == PATH).count()
}

const PATH: &str = "/healthz";

/// The demos' check: three that fail, of those whose answer is neither 200 nor 201.
fn checked(endpoints: &[&Endpoint], interval: Duration) -> Backend {
    let probe = HttpProbe::new(PATH).unwrap().with_statuses(200..=201);
    Backend::new(endpoints.iter().map(|one| one.origin.address()))
        .with_health(HealthSettings::new().with_fall(3))
        .with_check(Check::new(probe).with_interval(interval))
}

/// A gateway whose time is the test's.
fn serve(backend: Backend) -> RoutingService {
    let routing = RoutingService::new();
    routing.update(&to(backend).configuration());
    routing
}

/// The longest there may be between two checks: a tenth of the interval is added at random.
fn longest(interval: Duration) -> Duration {
    interval + interval / 10 + Duration::from_millis(1)
}

/// What so many requests get.
async fn some(routing: &RoutingService, count: usize) -> Vec<(u16, String)> {
    let mut replies = Vec::new();
    for _ in 0..count {
        replies.push(answered(routing, get("a.test", "/", &[])).await);
    }
    replies
}

async fn both(one: &Endpoint, two: &Endpoint, checks: usize) {
    one.checked(checks).await;
    two.checked(checks).await;
}

/// Asks until twelve answers in a row are `status` of `name`: what a check has found is known
/// soon after, and no time passes meanwhile.
async fn settled(routing: &RoutingService, status: u16, name: &str) {
    for _ in 0..100 {
        let row = some(routing, 12).await;
        if row.iter().all(|(got, by)| (*got, &**by) == (status, name)) {
            return;
        }
    }
    panic!("it never is {status} of {name} alone");
}

/// AT-HC-1: each ten seconds, and within thirty only the one that is well. AT-HC-2: each five, and
/// within eighteen.
#[tokio::test(start_paused = true)]
async fn endpoint_that_fails_three_checks_gets_nothing_until_it_passes_two() {
    let clock = HeldClock::hold();
    for (interval, within) in [(10, 30), (5, 18)] {
        let (interval, within) = (Duration::from_secs(interval), Duration::from_secs(within));
        let one = Endpoint::new("one", true).await;
        let two = Endpoint::new("two", false).await;
        let started = Instant::now();
        let routing = serve(checked(&[&one, &two], interval));

        for check in 1..=3 {
            if check > 1 {
                let replies = some(&routing, 12).await;
                let turns = replies.windows(2).all(|pair| pair[0] != pair[1]);
                assert!(turns, "{replies:?}");
                clock.advance(longest(interval)).await;
            }
            both(&one, &two, check).await;
        }
        settled(&routing, 200, "one").await;
        assert!(started.elapsed() <= within, "{:?}", started.elapsed());

        two.becomes(true);
        one.becomes(false);
        for check in 4..=6 {
            clock.advance(longest(interval)).await;
            both(&one, &two, check).await;
        }
        settled(&routing, 200, "two").await;
    }
}

/// AT-HC-3: fail closed, or do not believe it; and recover.
#[tokio::test(start_paused = true)]
async fn when_none_is_well_there_is_none_unless_that_is_not_believed() {
    let clock = HeldClock::hold();
    let interval = Duration::from_secs(10);
    for (panic_below, by) in [(Percent::ZERO, None), (Percent::new(50), Some("one"))] {
        let one = Endpoint::new("one", false).await;
        let preference = Preference::new().with_panic_below(panic_below);
        let backend = checked(&[&one], interval).with_preference(preference);
        let routing = serve(backend);
        for check in 1..=3 {
            one.checked(check).await;
            clock.advance(longest(interval)).await;
        }

        settled(&routing, 503, by.unwrap_or(NONE_IS_READY)).await;
        one.becomes(true);
        for check in 4..=6 {
            one.checked(check).await;
            clock.advance(longest(interval)).await;
        }
        settled(&routing, 200, one.name).await;
    }
}

/// What the gateway says itself.
const NONE_IS_READY: &str = "no_ready_endpoint";

#[tokio::test]
async fn endpoint_that_fails_requests_is_ejected() {
    let one = Endpoint::new("one", true).await;
    let two = Endpoint::new("two", false).await;
    let ejection = Ejection::new()
        .with_consecutive(Some(2))
        .with_base(Duration::from_secs(60));
    let backend = Backend::new([one.origin.address(), two.origin.address()])
        .with_health(HealthSettings::new().with_ejection(ejection));
    let gateway = TestGateway::single(&to(backend));
    let mut client = Client::http1(gateway.address()).await;

    let mut failed = Vec::new();
    for request in 0..20 {
        if client.get("/").await.status != 200 {
            failed.push(request);
        }
    }

    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed.iter().all(|request| *request < 4), "{failed:?}");
    assert_eq!(two.origin.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn checks_end_with_their_backend() {
    let clock = HeldClock::hold();
    let one = Endpoint::new("one", true).await;
    let interval = Duration::from_secs(10);
    let routing = serve(checked(&[&one], interval));
    one.checked(1).await;
    clock.advance(longest(interval)).await;
    one.checked(2).await;

    let unchecked = Backend::new([one.origin.address()]);
    routing.update(&to(unchecked).configuration());
    for _ in 0..10 {
        clock.advance(longest(interval)).await;
        settled(&routing, 200, "one").await;
    }

    assert_eq!(one.checks(), 2);
}
