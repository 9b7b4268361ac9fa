//! How much time a try has, how many retries all requests have, and what tries tell each other.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{Instant, sleep};

use super::*;
use crate::grpc::GrpcStatus;
use crate::script::{run, trailers};

const SECOND: Duration = Duration::from_secs(1);

/// Takes so long for each try, one after the other; then no time. Counts the tries.
fn taking(times: impl IntoIterator<Item = Duration>) -> (Inner, Arc<AtomicUsize>) {
    let times: Arc<[Duration]> = times.into_iter().collect();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let service = service_fn(move |request: Request<Body>| {
        let index = counted.fetch_add(1, Ordering::SeqCst);
        let time = times.get(index).copied();
        async move {
            let mut body = request.into_body();
            while body.frame().await.is_some_and(|frame| frame.is_ok()) {}
            sleep(time.unwrap_or_default()).await;
            Ok(Response::new("answered"))
        }
    });
    (BoxCloneService::new(service), tries)
}

fn layer(policy: RetryPolicy) -> RetryLayer<fn(&Failed) -> FailedTry> {
    RetryLayer::new(policy, |error: &Failed| error.0)
}

#[tokio::test(start_paused = true)]
async fn slow_try_is_given_up_for_the_next() {
    let (inner, tries) = taking([60 * SECOND, 60 * SECOND]);
    let layer = layer(policy(5).with_try_timeout(SECOND));
    let start = Instant::now();

    let response = layer.layer(inner).oneshot(upload(["body"])).await;

    assert_eq!(*response.expect("answered").body(), "answered");
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn last_try_has_all_the_time_it_needs() {
    let (inner, tries) = taking([60 * SECOND; 9]);
    let layer = layer(policy(2).with_try_timeout(SECOND));
    let start = Instant::now();

    let response = layer.layer(inner).oneshot(get()).await;

    assert!(response.is_ok());
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert_eq!(start.elapsed().as_secs(), 62);
}

#[tokio::test(start_paused = true)]
async fn slow_try_goes_on_when_its_body_cannot_be_sent_again() {
    let (inner, tries) = taking([60 * SECOND]);
    let layer = layer(policy(2).with_try_timeout(SECOND).with_body_limit(3));

    let response = layer.layer(inner).oneshot(upload(["body"])).await;

    assert_eq!(*response.expect("answered").body(), "answered");
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn slow_tunnel_is_not_given_up() {
    let (inner, tries) = taking([60 * SECOND]);
    let mut request = get();
    *request.method_mut() = http::Method::CONNECT;

    let layer = layer(policy(2).with_try_timeout(SECOND));
    assert!(layer.layer(inner).oneshot(request).await.is_ok());

    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn try_that_was_given_up_is_dropped() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let inner = service_fn(move |request: Request<Body>| {
        let first = request.extensions().get::<RetryAttempt>().is_none();
        let held = first.then(|| Arc::clone(&held));
        async move {
            if held.is_some() {
                pending::<()>().await;
            }
            Ok::<_, Failed>(Response::new(()))
        }
    });

    let service = layer(policy(1).with_try_timeout(SECOND)).layer(inner);
    let mut call = Box::pin(service.oneshot(get()));

    assert!(call.as_mut().await.is_ok());
    // Nothing of the first try is left, although its future is.
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// With every backend failing, backends see at most 1.2 times what clients send, though nobody
/// asked for a budget.
#[test]
fn budget_bounds_what_retries_add() {
    let backend = Backend::ending(std::iter::repeat_n(End::Error(FailedTry::Unsent), 4_000));
    let service = layer(policy(3)).layer(backend.service());

    run(async {
        for _ in 0..1_000 {
            assert!(service.clone().oneshot(get()).await.is_err());
            sleep(Duration::from_millis(10)).await;
        }
    });

    let tries = backend.tries();
    assert!((1_190..=1_200).contains(&tries), "{tries}");
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_there_are_as_many_as_the_policy_says() {
    let backend = Backend::ending([End::Error(FailedTry::Unsent); 400]);
    let service = layer(policy(3)).without_budget().layer(backend.service());

    for _ in 0..100 {
        assert!(service.clone().oneshot(get()).await.is_err());
    }

    assert_eq!(backend.tries(), 400);
}

#[tokio::test(start_paused = true)]
async fn few_retries_are_always_allowed() {
    let backend = Backend::ending([End::Error(FailedTry::Unsent); 9]);
    let budget = RetryBudget::new().with_min_per_second(1);
    let service = layer(policy(9))
        .with_budget(SharedRetryBudget::new(budget))
        .layer(backend.service());

    assert!(service.oneshot(get()).await.is_ok());

    assert_eq!(backend.tries(), 10);
}

#[tokio::test(start_paused = true)]
async fn retry_that_was_not_made_is_given_back() {
    let none = RetryBudget::new().with_min_per_second(0);
    let budget = SharedRetryBudget::new(none.with_share(crate::Fraction::ALWAYS));
    let layer = layer(policy(1).with_body_limit(0)).with_budget(budget);
    let spent = Backend::ending([End::Status(502)]);

    // Its body is gone, so there is no retry.
    let response = layer.layer(spent.service()).oneshot(upload(["body"])).await;
    assert_eq!(response.expect("answered").status(), 502);
    // Two requests have earned two retries.
    for _ in 0..2 {
        let retried = Backend::ending([End::Status(502)]);
        let response = layer.layer(retried.service()).oneshot(get()).await;
        assert_eq!(response.expect("answered").status(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn grpc_statuses_can_be_chosen() {
    let policy = RetryPolicy::new().with_grpc_statuses([GrpcStatus::ResourceExhausted]);
    for (status, tries) in [("8", 2), ("14", 1), ("0", 1)] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let inner = service_fn(move |_: Request<Body>| {
            counted.fetch_add(1, Ordering::SeqCst);
            let response = Response::builder().header("grpc-status", status).body(());
            std::future::ready(Ok::<_, Failed>(response.expect("a response")))
        });

        layer(policy)
            .layer(inner)
            .oneshot(get())
            .await
            .expect("answered");

        assert_eq!(count.load(Ordering::SeqCst), tries, "{status}");
    }
}

/// What the trailers say comes after bytes have reached the client.
#[tokio::test(start_paused = true)]
async fn grpc_status_in_the_trailers_is_not_retried() {
    let inner = service_fn(|request: Request<Body>| {
        assert!(request.extensions().get::<RetryAttempt>().is_none());
        let mut map = trailers();
        map.insert("grpc-status", "14".parse().expect("a value"));
        let body = Script::new([
            crate::script::data("message"),
            crate::script::Step::Trailers(map),
        ]);
        std::future::ready(Ok::<_, Failed>(Response::new(body)))
    });

    let response = layer(RetryPolicy::new()).layer(inner).oneshot(get()).await;
    let body = response.expect("answered").into_body().collect().await;

    assert_eq!(
        body.expect("no error").trailers().expect("there")["grpc-status"],
        "14"
    );
}

#[tokio::test(start_paused = true)]
async fn tries_know_where_the_ones_before_went() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let inner = service_fn(move |request: Request<Body>| {
        let tried = request.extensions().get::<TriedEndpoints>().expect("there");
        let before = tried.addresses();
        let here = SocketAddr::from(([10, 0, 0, before.len() as u8], 80));
        tried.note(here);
        tried.note(here);
        noted.lock().expect("alone").push(before);
        std::future::ready(Err::<Response<()>, _>(Failed(FailedTry::Unsent)))
    });
    let layer = layer(policy(2));

    for _ in 0..2 {
        assert!(layer.layer(inner.clone()).oneshot(get()).await.is_err());
    }

    let first = SocketAddr::from(([10, 0, 0, 0], 80));
    let second = SocketAddr::from(([10, 0, 0, 1], 80));
    let each = [vec![], vec![first], vec![first, second]];
    // Nothing is left of the first request in the second.
    assert_eq!(*seen.lock().expect("alone"), [each.clone(), each].concat());
}
