//! Timeouts, retries and mirrors in the order in which a gateway stacks them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_filters::mirror::{MirrorBody, TeeBody};
use gateway_filters::retry::{FailedTry, ReplayBody};
use gateway_filters::timeout::{BackendRequestTimedOut, RequestTimedOut};
use gateway_filters::{
    BackendRequestTimeoutLayer, BoxError, MirrorLayer, MirrorSettings, RequestTimeoutLayer,
    RetryLayer, RetryPolicy,
};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tower::{ServiceBuilder, ServiceExt, service_fn};

type Body = Full<Bytes>;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn classify(error: &BoxError) -> FailedTry {
    if error.is::<BackendRequestTimedOut>() {
        FailedTry::Answered(StatusCode::GATEWAY_TIMEOUT)
    } else {
        FailedTry::Final
    }
}

fn policy() -> RetryPolicy {
    RetryPolicy::new()
        .with_codes([
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::GATEWAY_TIMEOUT,
        ])
        .expect("error codes")
        .with_attempts(5)
}

/// Fails so many times, each after a delay, and then answers with the body.
#[derive(Clone)]
struct Backend {
    failures: Arc<AtomicU32>,
    delay: Duration,
    running: Arc<()>,
}

impl Backend {
    fn failing(failures: u32, delay: Duration) -> Self {
        Self {
            failures: Arc::new(AtomicU32::new(failures)),
            delay,
            running: Arc::default(),
        }
    }

    async fn serve(self, request: Request<ReplayBody<Body>>) -> Result<Response<Body>, BoxError> {
        let _running = Arc::clone(&self.running);
        let body = request.into_body().collect().await?.to_bytes();
        let left = self.failures.load(Ordering::Relaxed);
        if left > 0 {
            self.failures.store(left - 1, Ordering::Relaxed);
            sleep(self.delay).await;
            let failed = Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(failed.body(Body::default())?);
        }
        Ok(Response::new(Body::new(body)))
    }

    /// Sends a request within the two limits.
    async fn send(&self, request: Duration, try_: Duration) -> Result<StatusCode, BoxError> {
        let backend = self.clone();
        let service = ServiceBuilder::new()
            .layer(RequestTimeoutLayer::new(request))
            .layer(RetryLayer::new(policy(), classify))
            .layer(BackendRequestTimeoutLayer::new(try_))
            .service(service_fn(move |request| backend.clone().serve(request)));

        let response = service.oneshot(Request::new(Body::from("hello"))).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status)
    }
}

#[tokio::test(start_paused = true)]
async fn quick_failure_is_retried_within_the_request_timeout() {
    let outcome = Backend::failing(1, Duration::ZERO)
        .send(millis(500), Duration::ZERO)
        .await;

    assert_eq!(outcome.expect("in time"), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn request_timeout_covers_all_tries() {
    let start = Instant::now();
    let backend = Backend::failing(2, millis(300));

    let error = backend
        .send(millis(500), Duration::ZERO)
        .await
        .expect_err("late");

    assert!(error.is::<RequestTimedOut>());
    assert!(start.elapsed() <= millis(501));
    // The try under way ended with it: it holds nothing any more.
    assert_eq!(Arc::strong_count(&backend.running), 1);
}

#[tokio::test(start_paused = true)]
async fn slow_tries_within_their_limit_are_retried() {
    let outcome = Backend::failing(2, millis(100))
        .send(millis(15_000), millis(500))
        .await;

    assert_eq!(outcome.expect("in time"), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn try_that_times_out_is_retried_as_504() {
    let start = Instant::now();

    let outcome = Backend::failing(2, millis(60_000))
        .send(millis(15_000), millis(500))
        .await;

    assert_eq!(outcome.expect("in time"), StatusCode::OK);
    assert!(start.elapsed() >= millis(1_000));
}

#[tokio::test(start_paused = true)]
async fn retried_request_is_mirrored_once() {
    let (seen, mut mirrored) = mpsc::unbounded_channel();
    let shadow = service_fn(move |request: Request<MirrorBody>| {
        let seen = seen.clone();
        async move {
            seen.send(request.into_body().collect().await?.to_bytes())?;
            Ok::<_, BoxError>(Response::new(Body::default()))
        }
    });
    let failures = Arc::new(AtomicU32::new(3));
    let backend = service_fn(move |request: Request<ReplayBody<TeeBody<Body>>>| {
        let failures = Arc::clone(&failures);
        async move {
            let body = request.into_body().collect().await?.to_bytes();
            let failed = failures.load(Ordering::Relaxed) > 0;
            if failed {
                failures.fetch_sub(1, Ordering::Relaxed);
            }
            let status = if failed { 500 } else { 200 };
            Ok::<_, BoxError>(Response::builder().status(status).body(body)?)
        }
    });
    let service = ServiceBuilder::new()
        .layer(MirrorLayer::new(shadow, MirrorSettings::new()))
        .layer(RetryLayer::new(policy(), classify))
        .service(backend);

    let response = service
        .oneshot(Request::new(Body::from("hello")))
        .await
        .expect("answered");

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body(), "hello");
    assert_eq!(mirrored.recv().await.expect("mirrored"), "hello");
    sleep(millis(10)).await;
    assert!(mirrored.try_recv().is_err());
}
