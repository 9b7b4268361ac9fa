//! What callers see.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{advance, sleep};
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

use crate::answer::Answer;
use crate::circuit_breaker::*;
use crate::fraction::Fraction;
use crate::grpc::GrpcStatus;
use crate::script::{Script, Step, assert_thread_safe, data};

type Inner = BoxCloneService<Request<Want>, Response<Script>, BoxError>;

/// What the backend is to do.
#[derive(Clone, Debug)]
enum Want {
    Status(u16),
    Slow(Duration),
    Fail,
    Hang,
    /// A gRPC response with the status in its head.
    GrpcHead(&'static str),
    /// A gRPC response with these frames.
    Grpc(Vec<Step>),
}

async fn backend(request: Request<Want>) -> Result<Response<Script>, BoxError> {
    let mut response = Response::new(Script::data(["from the backend"]));
    let grpc = HeaderValue::from_static("application/grpc");
    match request.into_body() {
        Want::Status(code) => *response.status_mut() = StatusCode::from_u16(code)?,
        Want::Slow(time) => sleep(time).await,
        Want::Fail => return Err("no connection".into()),
        Want::Hang => std::future::pending().await,
        Want::GrpcHead(status) => {
            *response.body_mut() = Script::default().foretold();
            response.headers_mut().insert("content-type", grpc);
            let status = HeaderValue::from_static(status);
            response.headers_mut().insert("grpc-status", status);
        }
        Want::Grpc(steps) => {
            *response.body_mut() = Script::new(steps);
            response.headers_mut().insert("content-type", grpc);
        }
    }
    Ok(response)
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

fn streak(errors: u32) -> CircuitBreaker {
    CircuitBreaker::new().with_consecutive_errors(number(errors))
}

/// A breaker around the backend.
struct Rig {
    layer: CircuitBreakerLayer,
    service: CircuitBreakerService<Inner>,
}

impl Rig {
    fn new(settings: CircuitBreaker) -> Self {
        let layer = CircuitBreakerLayer::new(settings);
        let service = layer.layer(BoxCloneService::new(service_fn(backend)));
        Self { layer, service }
    }

    async fn ask(&self, want: Want) -> Result<Response<BreakerBody<Script>>, BoxError> {
        self.service.clone().oneshot(Request::new(want)).await
    }

    /// The status, once the body has been read.
    async fn status(&self, want: Want) -> u16 {
        let response = self.ask(want).await.expect("answered");
        let status = response.status().as_u16();
        let _ = response.into_body().collect().await;
        status
    }

    fn state(&self) -> CircuitState {
        self.layer.state()
    }
}

fn grpc_trailers(status: &'static str) -> Step {
    let name = HeaderName::from_static("grpc-status");
    Step::Trailers(HeaderMap::from_iter([(
        name,
        HeaderValue::from_static(status),
    )]))
}

#[tokio::test(start_paused = true)]
async fn configured_answer_stands_in_for_the_service() {
    let answer = Answer::new(429)
        .and_then(|answer| answer.with_header("retry-after", "30"))
        .expect("valid")
        .with_text("circuit breaker triggered");
    let rig = Rig::new(streak(1).with_answer(answer));
    rig.status(Want::Status(500)).await;

    let response = rig.ask(Want::Status(200)).await.expect("answered");

    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "30");
    let body = response.into_body().collect().await.expect("no error");
    assert_eq!(body.to_bytes(), "circuit breaker triggered");
}

/// One second apart, each answer 500 ms late: open after three, and again after each probe.
#[tokio::test(start_paused = true)]
async fn slow_calls_open_it_and_a_slow_probe_opens_it_again() {
    let late = Want::Slow(Duration::from_millis(500));
    let settings = CircuitBreaker::new()
        .with_slow_after(Duration::from_millis(150))
        .with_slow_count(number(3))
        .with_window(Duration::from_secs(5))
        .and_then(|breaker| breaker.with_open_for(Duration::from_millis(2_500)))
        .expect("long enough");
    let rig = Rig::new(settings);

    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(rig.status(late.clone()).await);
        advance(Duration::from_secs(1)).await;
    }

    assert_eq!(
        statuses,
        [200, 200, 200, 503, 503, 200, 503, 503, 200, 503],
        "{:?}",
        rig.state()
    );
}

#[tokio::test(start_paused = true)]
async fn success_ends_a_streak() {
    let rig = Rig::new(streak(3));

    for want in [502, 502, 200, 502, 502] {
        rig.status(Want::Status(want)).await;
    }
    assert_eq!(rig.state(), CircuitState::Closed);

    rig.status(Want::Status(502)).await;
    assert_eq!(rig.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn service_errors_count_unless_told_not_to() {
    let counting = Rig::new(streak(1));
    let lenient = Rig::new(streak(1).with_service_errors(false));

    assert!(counting.ask(Want::Fail).await.is_err());
    assert!(lenient.ask(Want::Fail).await.is_err());

    assert_eq!(counting.state(), CircuitState::Open);
    assert_eq!(lenient.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn statuses_that_count_can_be_chosen() {
    let settings = streak(1)
        .with_error_statuses([StatusCode::TOO_MANY_REQUESTS])
        .expect("statuses");
    let rig = Rig::new(settings);

    rig.status(Want::Status(500)).await;
    assert_eq!(rig.state(), CircuitState::Closed);

    rig.status(Want::Status(429)).await;
    assert_eq!(rig.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn grpc_status_counts_in_the_head_and_in_the_trailers() {
    let head = Rig::new(streak(1));
    let trailers = Rig::new(streak(1));
    let fine = Rig::new(streak(1));

    head.status(Want::GrpcHead("14")).await;
    trailers
        .status(Want::Grpc(vec![data("message"), grpc_trailers("13")]))
        .await;
    fine.status(Want::Grpc(vec![data("message"), grpc_trailers("5")]))
        .await;

    assert_eq!(head.state(), CircuitState::Open);
    assert_eq!(trailers.state(), CircuitState::Open);
    assert_eq!(fine.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn broken_grpc_body_is_a_service_error() {
    let rig = Rig::new(streak(1));

    rig.status(Want::Grpc(vec![data("message"), Step::Error]))
        .await;

    assert_eq!(rig.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn no_grpc_status_counts_when_none_is_asked_for() {
    let rig = Rig::new(streak(1).with_error_grpc_statuses([]));

    rig.status(Want::GrpcHead("14")).await;

    assert_eq!(rig.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn ratio_waits_for_enough_calls() {
    let half = Fraction::new(1, 2).expect("a share");
    let rig = Rig::new(
        CircuitBreaker::new()
            .with_error_ratio(half)
            .with_min_requests(number(4)),
    );

    for want in [500, 200, 500] {
        rig.status(Want::Status(want)).await;
        assert_eq!(rig.state(), CircuitState::Closed);
    }
    rig.status(Want::Status(500)).await;
    assert_eq!(rig.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn call_that_is_given_up_counts_neither_way() {
    let rig = Rig::new(streak(1));
    rig.status(Want::Status(500)).await;
    advance(Duration::from_secs(30)).await;

    let probe = tokio::time::timeout(Duration::from_millis(1), rig.ask(Want::Hang));
    assert!(probe.await.is_err());

    assert_eq!(rig.state(), CircuitState::HalfOpen);
    assert_eq!(rig.status(Want::Status(200)).await, 200);
    assert_eq!(rig.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn half_open_lets_probes_through_and_nobody_else() {
    let rig = Rig::new(streak(1).with_probes(2.try_into().expect("not zero")));
    rig.status(Want::Status(500)).await;
    advance(Duration::from_secs(30)).await;

    let late = Want::Slow(Duration::from_millis(5));
    let statuses = tokio::join!(
        rig.status(late.clone()),
        rig.status(late.clone()),
        rig.status(late)
    );

    assert_eq!(statuses, (200, 200, 503));
    assert_eq!(rig.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn calls_at_the_same_time_last_until_their_bodies_end() {
    let rig = Rig::new(CircuitBreaker::new().with_max_concurrency(number(2)));

    let first = rig.ask(Want::Status(200)).await.expect("answered");
    let second = rig.ask(Want::Status(200)).await.expect("answered");
    assert_eq!(rig.status(Want::Status(200)).await, 503);

    drop(first);
    assert_eq!(rig.status(Want::Status(200)).await, 200);
    second.into_body().collect().await.expect("no error");
    assert_eq!(rig.status(Want::Status(500)).await, 500);
    assert_eq!(rig.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn breaker_without_thresholds_watches_nothing() {
    let rig = Rig::new(CircuitBreaker::default());

    for _ in 0..100 {
        let response = rig.ask(Want::Status(500)).await.expect("answered");
        assert!(response.into_body().try_into_answer().is_ok());
    }
    assert_eq!(rig.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn services_of_one_layer_are_one_circuit() {
    let rig = Rig::new(streak(1));
    let mut other = rig.layer.clone().layer(service_fn(backend));
    rig.status(Want::Status(500)).await;

    let request = Request::new(Want::Status(200));
    let response = other.ready().await.expect("ready").call(request).await;

    assert_eq!(response.expect("answered").status(), 503);
}

#[test]
fn settings_are_checked() {
    let breaker = CircuitBreaker::new;
    let short = Duration::from_millis(9);
    let odd = StatusCode::from_u16(700).expect("a number");

    assert_eq!(
        breaker().with_window(short),
        Err(InvalidCircuitBreaker::Window { window: short })
    );
    assert_eq!(
        breaker().with_open_for(Duration::ZERO),
        Err(InvalidCircuitBreaker::OpenFor {
            open_for: Duration::ZERO
        })
    );
    assert_eq!(
        breaker().with_error_statuses([odd]),
        Err(InvalidCircuitBreaker::Status { status: odd })
    );
    assert!(breaker().is_off());
    assert_ne!(
        breaker(),
        breaker().with_error_grpc_statuses([GrpcStatus::Unknown])
    );
}

#[test]
fn breaker_can_be_shared_and_sent() {
    assert_thread_safe::<CircuitBreakerLayer>();
    assert_thread_safe::<CircuitBreakerService<()>>();
    assert_thread_safe::<ResponseFuture<std::future::Ready<()>, Bytes>>();
}
