//! Demos with their own figures, on a paused clock: seconds that nobody waits for.
//!
//! No socket is there to know that time has not passed, so requests go to a routing service, and
//! what stands for a backend is a layer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_core::model::{ExtensionRef, Filter, Policy, Rule};
use gateway_core::{Body, BoxError, RoutingService, RuleStack};
use gateway_filters::rate_limit::Refill;
use gateway_filters::{Answer, Bandwidth, CircuitBreaker, Fault, Fraction, RateLimit};
use gateway_tests::Site;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{ServiceExt, layer::layer_fn, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// What `policy` makes of a backend that answers as `origin` does.
fn demo<F>(policy: Policy, origin: impl Fn(Bytes) -> F + Clone + Send + Sync + 'static) -> Demo
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let name = ExtensionRef::new("demo.test", "Origin", "origin");
    let rule = Rule::new()
        .with_filter(Filter::Policy(policy))
        .with_filter(Filter::Extension(name.clone()));
    let backend = layer_fn(move |_: RuleStack| {
        let origin = origin.clone();
        service_fn(move |request: Request<Body>| {
            let origin = origin.clone();
            async move {
                let body = request.into_body().collect().await?.to_bytes();
                Ok::<_, BoxError>(origin(body).await)
            }
        })
    });
    let routing = RoutingService::new().with_layer(name, backend);
    routing.update(&Site::new().rule(rule).configuration());
    Demo(routing)
}

#[derive(Clone)]
struct Demo(RoutingService);

impl Demo {
    /// The status, the body, and how long all of it took.
    async fn send(&self, body: impl Into<Bytes>) -> (u16, Bytes, Duration) {
        let started = Instant::now();
        let request = Request::post("/").header("host", "a.test");
        let request = request.body(Body::from(body.into())).unwrap();
        let Ok(response) = self.0.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, body, started.elapsed())
    }

    /// The statuses of `count` requests that are sent `apart`, and how long each took.
    async fn paced(&self, count: u32, apart: Duration) -> Vec<(u16, Duration)> {
        let started = Instant::now();
        let each = (0..count).map(|number| async move {
            sleep_until(started + number * apart).await;
            let (status, _, took) = self.send(Bytes::new()).await;
            (status, took)
        });
        join_all(each).await
    }
}

fn counts(replies: &[(u16, Duration)]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for (status, _) in replies {
        *counts.entry(*status).or_default() += 1;
    }
    counts
}

async fn ok(_: Bytes) -> Response<Body> {
    Response::new(Body::empty())
}

/// AT-FAULT-3: from 500 to 1,000 milliseconds.
#[tokio::test(start_paused = true)]
async fn delays_are_between_their_bounds() {
    let (shortest, longest) = (Duration::from_millis(500), SECOND);
    let fault = Fault::new().with_delay_between(Fraction::ALWAYS, shortest, longest);
    let demo = demo(Policy::Fault(Arc::new(fault.unwrap())), ok);

    let replies = demo.paced(1_000, Duration::from_millis(5)).await;

    let rounded = Duration::from_millis(1);
    assert_eq!(counts(&replies), [(200, 1_000)].into());
    for (_, took) in &replies {
        assert!((shortest..=longest + rounded).contains(took), "{took:?}");
    }
    // Not one and the same.
    let quick = replies.iter().filter(|(_, took)| took.as_millis() < 750);
    assert!((350..=650).contains(&quick.count()));
}

/// AT-RL-1: a hundred a minute, of a thousand at two hundred a second.
#[tokio::test(start_paused = true)]
async fn a_hundred_a_minute_are_a_hundred() {
    let limit = RateLimit::new(100, 60 * SECOND).unwrap();
    let limit = limit.with_refill(Refill::Window);
    let demo = demo(Policy::RateLimit(Arc::new(limit)), ok);

    for _ in 0..2 {
        let replies = demo.paced(1_000, Duration::from_millis(5)).await;
        assert_eq!(counts(&replies), [(200, 100), (429, 900)].into());
        assert!(replies[..100].iter().all(|(status, _)| *status == 200));
        sleep(60 * SECOND).await;
    }
}

/// AT-RL-3: two a second, of which five may wait; ten requests ten milliseconds apart.
#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_next_window_in_their_order() {
    let queued = RateLimit::new(2, SECOND)
        .unwrap()
        .with_refill(Refill::Window)
        .with_queue(5, 5 * SECOND);
    let demo = demo(Policy::RateLimit(Arc::new(queued)), ok);

    let replies = demo.paced(10, Duration::from_millis(10)).await;

    for (number, (status, took)) in replies.iter().enumerate() {
        let took = took.as_millis();
        let (expected, bounds) = match number {
            0..2 => (200, 0..100),
            2..4 => (200, 900..1_000),
            4..6 => (200, 1_900..2_000),
            6 => (200, 2_900..3_000),
            _ => (429, 0..100),
        };
        assert_eq!(*status, expected, "{number}");
        assert!(bounds.contains(&took), "{number} took {took} ms");
    }
}

/// AT-RL-BPS: 8 KiB at 2,048 bytes a second, of which the first second's are free.
#[tokio::test(start_paused = true)]
async fn eight_kibibytes_take_three_seconds() {
    let slow = Bandwidth::new(2_048).unwrap();
    let large = Bytes::from(vec![b'x'; 8_192]);
    let twin = large.clone();
    let upload = demo(Policy::RequestBandwidth(slow), |body| async move {
        assert_eq!(body.len(), 8_192);
        ok(body).await
    });
    let download = demo(Policy::ResponseBandwidth(slow), move |_| {
        std::future::ready(Response::new(Body::from(twin.clone())))
    });

    let (_, _, up) = upload.send(large).await;
    let (_, body, down) = download.send(Bytes::new()).await;

    assert_eq!(body.len(), 8_192);
    for took in [up, down] {
        assert!((3 * SECOND..=4 * SECOND).contains(&took), "{took:?}");
    }
}

fn breaking(breaker: CircuitBreaker) -> Policy {
    let degraded = Answer::new(503).unwrap().with_text("degraded");
    let breaker = breaker
        .with_min_requests(200.try_into().unwrap())
        .with_window(60 * SECOND)
        .and_then(|breaker| breaker.with_open_for(10 * SECOND));
    Policy::CircuitBreaker(Arc::new(breaker.unwrap().with_answer(degraded)))
}

/// Every fifth answer is 511, or comes after 300 milliseconds.
fn every_fifth(slow: bool) -> impl Fn(Bytes) -> Answering + Clone + Send + Sync + 'static {
    let asked = Arc::new(AtomicUsize::new(0));
    move |_| {
        let fifth = asked.fetch_add(1, Ordering::Relaxed) % 5 == 4;
        Box::pin(async move {
            let mut response = Response::new(Body::empty());
            if fifth && slow {
                sleep(Duration::from_millis(300)).await;
            } else if fifth {
                *response.status_mut() = StatusCode::NETWORK_AUTHENTICATION_REQUIRED;
            }
            response
        })
    }
}

type Answering = std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// The circuit breaker of the mesh demo: a thousand requests at two hundred a second.
#[tokio::test(start_paused = true)]
async fn circuit_opens_at_what_the_demo_says_and_for_ten_seconds() {
    let hundred = 100.try_into().unwrap();
    let tenth = Fraction::from_percent(10).unwrap();
    for (breaker, expected) in [
        (
            CircuitBreaker::new().with_error_count(hundred),
            BTreeMap::from([(200, 400), (503, 500), (511, 100)]),
        ),
        (
            CircuitBreaker::new().with_error_ratio(tenth),
            BTreeMap::from([(200, 160), (503, 800), (511, 40)]),
        ),
    ] {
        let demo = demo(breaking(breaker), every_fifth(false));

        let replies = demo.paced(1_000, Duration::from_millis(5)).await;

        assert_eq!(counts(&replies), expected);
        let first = replies.iter().position(|(status, _)| *status == 503);
        let opened = Duration::from_millis(5) * u32::try_from(first.unwrap()).unwrap();
        let left = opened + 10 * SECOND - 5 * SECOND;
        sleep(left - Duration::from_millis(50)).await;
        assert_eq!(demo.send(Bytes::new()).await.0, 503);
        sleep(Duration::from_millis(100)).await;
        assert_eq!(demo.send(Bytes::new()).await.0, 200);
    }
}

/// As before, where what speaks against the backend is how long it takes.
#[tokio::test(start_paused = true)]
async fn circuit_opens_when_answers_take_longer_than_the_demo_allows() {
    let limit = Duration::from_millis(200);
    let slow = CircuitBreaker::new().with_slow_after(limit);
    let hundred = 100.try_into().unwrap();
    let tenth = Fraction::from_percent(10).unwrap();
    for (breaker, opens_at) in [
        (slow.clone().with_slow_count(hundred), 500),
        (slow.with_slow_ratio(tenth), 200),
    ] {
        let demo = demo(breaking(breaker), every_fifth(true));

        let counts = counts(&demo.paced(1_000, Duration::from_millis(5)).await);

        // Sixty more are sent while the last slow one is under way.
        assert!(
            (opens_at..=opens_at + 61).contains(&counts[&200]),
            "{counts:?}"
        );
        assert_eq!(counts[&200] + counts[&503], 1_000);
    }
}
