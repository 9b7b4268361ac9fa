//! How often, when, and with which head.

use std::future::{Ready, ready};
use std::task::Poll;

use bytes::Bytes;
use http::Method;
use http::header::CONNECTION;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::Service;
use tower_test::mock;

use super::*;
use crate::script::{assert_thread_safe, run};

const UNSENT: End = End::Error(FailedTry::Unsent);
const TIMED_OUT: End = End::Error(FailedTry::Answered(StatusCode::GATEWAY_TIMEOUT));

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![
        (200..600_u16).prop_map(End::Status),
        Just(End::Status(502)),
        Just(UNSENT),
        Just(TIMED_OUT),
        (400..600_u16).prop_map(|code| {
            End::Error(FailedTry::Answered(
                StatusCode::from_u16(code).expect("a status"),
            ))
        }),
        Just(End::Error(FailedTry::Final)),
    ]
}

/// What `policy` asks to repeat, said another way.
fn is_failure(end: End) -> bool {
    match end {
        End::Status(status) => matches!(status, 502 | 504),
        End::Error(FailedTry::Answered(status)) => matches!(status.as_u16(), 502 | 504),
        End::Error(FailedTry::Unsent) => true,
        End::Error(FailedTry::Final) => false,
    }
}

fn same(end: End, outcome: &Result<Response<&'static str>, Failed>) -> bool {
    match (end, outcome) {
        (End::Status(status), Ok(response)) => response.status() == status,
        (End::Error(failed), Err(error)) => error.0 == failed,
        (End::Status(_), Err(_)) | (End::Error(_), Ok(_)) => false,
    }
}

proptest! {
    /// There are no more tries than attempts and one; they stop at the first outcome that is
    /// no reason to go on, and the last outcome is the one that is returned.
    #[test]
    fn tries_are_counted(ends in vec(ends(), 1..12), attempts in 0..8_u32) {
        let backend = Backend::ending(ends.iter().copied());
        let good = ends.iter().position(|end| !is_failure(*end)).unwrap_or(ends.len());
        let expected = (good + 1).min(attempts as usize + 1);

        let outcome = run(backend.send(policy(attempts), upload(["body"])));

        prop_assert_eq!(backend.tries(), expected);
        let last = ends.get(expected - 1).copied().unwrap_or(End::Status(200));
        prop_assert!(same(last, &outcome), "{:?} became {:?}", last, outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn response_with_a_listed_code_is_retried() {
    let backend = Backend::ending([End::Status(502)]);

    let response = backend.send(policy(1), get()).await.expect("answered");

    assert_eq!(
        (response.status(), *response.body()),
        (StatusCode::OK, "retried")
    );
}

#[tokio::test(start_paused = true)]
async fn unlisted_code_is_returned() {
    let backend = Backend::ending([End::Status(500)]);

    let response = backend.send(policy(3), get()).await.expect("answered");

    assert_eq!(
        (response.status(), *response.body()),
        (StatusCode::INTERNAL_SERVER_ERROR, "first")
    );
}

#[tokio::test(start_paused = true)]
async fn default_policy_retries_once_what_was_not_sent() {
    let unsent = Backend::ending([UNSENT, UNSENT]);
    let answered = Backend::ending([End::Status(503)]);

    let outcome = unsent.send(RetryPolicy::default(), get()).await;
    let response = answered
        .send(RetryPolicy::default(), get())
        .await
        .expect("answered");

    assert_eq!(
        (unsent.tries(), outcome.err()),
        (2, Some(Failed(FailedTry::Unsent)))
    );
    assert_eq!((answered.tries(), response.status().as_u16()), (1, 503));
}

#[tokio::test(start_paused = true)]
async fn zero_attempts_forward_the_body_itself() {
    let inner = service_fn(|request: Request<Body>| {
        ready(Ok::<_, Failed>(Response::new(
            request.into_body().try_into_inner().is_ok(),
        )))
    });
    let layer = RetryLayer::new(RetryPolicy::off(), |error: &Failed| error.0);

    let response = layer
        .layer(inner)
        .oneshot(upload(["body"]))
        .await
        .expect("answered");

    assert!(response.into_body());
}

#[tokio::test(start_paused = true)]
async fn retries_are_numbered() {
    let backend = Backend::ending([UNSENT, TIMED_OUT]);

    backend.send(policy(2), get()).await.expect("answered");

    let attempts: Vec<_> = backend.seen().iter().map(|seen| seen.attempt).collect();
    assert_eq!(
        attempts,
        [None, Some(RetryAttempt(1)), Some(RetryAttempt(2))]
    );
}

#[tokio::test(start_paused = true)]
async fn every_try_has_the_same_head() {
    let (layer, mut request) = (RetryLayer::new(policy(1), |_: &_| FailedTry::Unsent), get());
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = "http://shop.example/cart?item=1".parse().expect("a URI");
    request
        .headers_mut()
        .insert("x-color", "blue".parse().expect("a value"));
    request.extensions_mut().insert("kept");
    let (mut service, mut backend) = mock::spawn_layer::<_, Response<()>, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request));

    assert_pending!(call.poll());
    let (first, answer) = backend.next_request().await.expect("first try");
    answer.send_error("refused");
    assert_pending!(call.poll());
    advance(Duration::from_millis(1)).await;
    // A mock panics when it is called before it said that it is ready.
    assert_pending!(call.poll());
    let (second, answer) = backend.next_request().await.expect("second try");
    answer.send_response(Response::new(()));

    assert_ready_ok!(call.poll());
    let (first, _): (_, Body) = first.into_parts();
    let (second, _) = second.into_parts();
    assert_eq!((first.method, first.uri), (second.method, second.uri));
    assert_eq!(
        (first.headers, first.version),
        (second.headers, second.version)
    );
    assert_eq!(
        first.extensions.get::<&str>(),
        second.extensions.get::<&str>()
    );
}

fn connect() -> Request<Script> {
    let mut request = get();
    *request.method_mut() = Method::CONNECT;
    request
}

fn upgrade() -> Request<Script> {
    let mut request = get();
    request
        .headers_mut()
        .insert(CONNECTION, "Upgrade".parse().expect("a value"));
    request
}

#[tokio::test(start_paused = true)]
async fn tunnel_is_retried_only_if_unsent() {
    for tunnel in [connect, upgrade] {
        let answered = Backend::ending([End::Status(502)]);
        let late = Backend::ending([TIMED_OUT]);
        let unsent = Backend::ending([UNSENT]);

        let outcome = answered.send(policy(3), tunnel()).await;
        assert_eq!(
            (answered.tries(), outcome.map(|r| r.status().as_u16())),
            (1, Ok(502))
        );

        assert!(late.send(policy(3), tunnel()).await.is_err());
        assert_eq!(late.tries(), 1);

        assert!(unsent.send(policy(3), tunnel()).await.is_ok());
        assert_eq!(unsent.tries(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn unavailable_grpc_backend_is_retried_without_codes() {
    let inner = service_fn(|request: Request<Body>| {
        let attempt = request.extensions().get().copied();
        let status = if attempt.is_none() { "14" } else { "0" };
        let response = Response::builder()
            .header("grpc-status", status)
            .body(attempt);
        ready(Ok::<_, Failed>(response.expect("a response")))
    });
    let layer = RetryLayer::new(RetryPolicy::new(), |error: &Failed| error.0);

    let response = layer.layer(inner).oneshot(get()).await.expect("answered");

    assert_eq!(response.into_body(), Some(RetryAttempt(1)));
}

#[tokio::test(start_paused = true)]
async fn pauses_are_within_the_backoff() {
    let second = Duration::from_secs(1);
    let policy = policy(4)
        .with_capped_backoff(second, 2 * second)
        .expect("cap above");
    let start = Instant::now();

    let outcome = Backend::ending([UNSENT; 5]).send(policy, get()).await;

    assert!(outcome.is_err());
    // 1 + 2 + 2 + 2, and a timer rounds up to its millisecond.
    let elapsed = start.elapsed();
    assert!(elapsed > Duration::ZERO && elapsed <= 7 * second + Duration::from_millis(4));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_ends_the_retries() {
    let backend = Backend::ending([UNSENT; 9]);
    let pause = Duration::from_secs(3600);
    let call = backend.send(policy(9).with_backoff(pause), get());

    let outcome = tokio::time::timeout(Duration::ZERO, call).await;
    advance(20 * pause).await;

    assert!(outcome.is_err());
    assert_eq!(backend.tries(), 1);
}

#[tokio::test(start_paused = true)]
async fn failed_response_is_dropped_before_the_pause() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let inner = service_fn(move |_: Request<Body>| {
        let mut response = Response::new(Arc::clone(&held));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        ready(Ok::<_, Failed>(response))
    });
    let policy = policy(1).with_backoff(Duration::from_secs(3600));
    let mut service = RetryLayer::new(policy, |error: &Failed| error.0).layer(inner);

    let mut call = task::spawn(service.call(get()));
    assert_pending!(call.poll());

    // The test's, the service's and the retry's clone of that.
    assert_eq!(Arc::strong_count(&alive), 3);
}

#[tokio::test(start_paused = true)]
async fn failing_to_get_ready_again_is_an_outcome() {
    #[derive(Clone)]
    struct Once;

    impl Service<Request<Body>> for Once {
        type Response = Response<Bytes>;
        type Error = &'static str;
        type Future = Ready<Result<Response<Bytes>, &'static str>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Err("closed"))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            ready(Err("refused"))
        }
    }

    let mut service = RetryLayer::new(policy(3), |_: &_| FailedTry::Unsent).layer(Once);

    assert_eq!(service.call(get()).await.err(), Some("closed"));
}

#[test]
fn only_error_codes_are_accepted() {
    let refused = RetryPolicy::new()
        .with_codes([StatusCode::OK])
        .expect_err("no error");

    assert_eq!(refused.to_string(), "200 is not an error code");
    assert!(
        RetryPolicy::new()
            .with_codes([599, 400].map(status))
            .is_ok()
    );
}

#[test]
fn cap_below_the_backoff_is_refused() {
    let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));

    let refused = RetryPolicy::new()
        .with_capped_backoff(minute, second)
        .expect_err("below");

    assert_eq!(
        refused.to_string(),
        "the cap of 1s is below the backoff of 60s"
    );
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<RetryLayer<()>>();
    assert_thread_safe::<Retry<(), ()>>();
    assert_thread_safe::<ReplayBody<Script>>();
    assert_thread_safe::<RetryPolicy>();
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a status")
}

proptest! {
    /// Exactly the codes that were given are retried, and they are listed in order.
    #[test]
    fn codes_are_a_set(codes in vec(400..=599_u16, 0..20), other in 100..=999_u16) {
        let policy = RetryPolicy::new().with_codes(codes.iter().copied().map(status)).expect("ok");

        let listed: Vec<_> = policy.codes().map(|code| code.as_u16()).collect();

        let expected: std::collections::BTreeSet<_> = codes.iter().copied().collect();
        prop_assert_eq!(policy.retries(status(other)), expected.contains(&other));
        prop_assert_eq!(listed, expected.into_iter().collect::<Vec<_>>());
    }
}
