//! Who is served, who waits, and who does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready, task};
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::*;
use crate::script::{Script, Step, assert_thread_safe, run};

type Inner = BoxCloneService<Request<Duration>, Response<Script>, BoxError>;
type Limited = ConcurrencyLimitService<Inner>;

const SECOND: Duration = Duration::from_secs(1);

fn limit(max: u32) -> ConcurrencyLimit {
    ConcurrencyLimit::new(max.try_into().expect("not zero"))
}

fn rig(settings: ConcurrencyLimit) -> (ConcurrencyLimitLayer, Limited) {
    let layer = ConcurrencyLimitLayer::new(settings);
    let inner = service_fn(|request: Request<Duration>| async move {
        sleep(*request.body()).await;
        Ok(Response::new(Script::data(["from the backend"])))
    });
    let service = layer.layer(BoxCloneService::new(inner));
    (layer, service)
}

async fn ask(service: &Limited, takes: Duration) -> Response<LimitedBody<Script>> {
    let answered = service.clone().oneshot(Request::new(takes)).await;
    answered.expect("answered")
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_the_next_is_refused_at_once() {
    let (layer, service) = rig(limit(1));
    let held = ask(&service, Duration::ZERO).await;
    let start = Instant::now();

    let refused = ask(&service, Duration::ZERO).await;

    assert_eq!(
        (held.status().as_u16(), refused.status().as_u16()),
        (200, 503)
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(layer.serving(), 1);
}

#[tokio::test(start_paused = true)]
async fn place_is_free_when_the_body_has_ended_or_is_dropped() {
    let (layer, service) = rig(limit(1));

    let body = ask(&service, Duration::ZERO).await.into_body();
    let read = body.collect().await.expect("no error").to_bytes();
    assert_eq!(
        (read.as_ref(), layer.serving()),
        (&b"from the backend"[..], 0)
    );

    let unread = ask(&service, Duration::ZERO).await;
    assert_eq!(layer.serving(), 1);
    drop(unread);
    assert_eq!(layer.serving(), 0);
}

#[tokio::test(start_paused = true)]
async fn place_is_free_when_the_body_fails() {
    let layer = ConcurrencyLimitLayer::new(limit(1));
    let inner = service_fn(|_: Request<()>| async {
        Ok::<_, BoxError>(Response::new(Script::new([Step::Error])))
    });
    let response = layer.layer(inner).oneshot(Request::new(())).await;
    let mut body = response.expect("answered").into_body();

    assert!(body.frame().await.expect("an error").is_err());

    assert_eq!(layer.serving(), 0);
    assert!(body.try_into_answer().is_ok());
}

#[tokio::test(start_paused = true)]
async fn body_that_is_empty_keeps_no_place() {
    let layer = ConcurrencyLimitLayer::new(limit(1));
    let inner = service_fn(|_: Request<()>| async {
        Ok::<_, BoxError>(Response::new(Script::default().foretold()))
    });

    let response = layer.layer(inner).oneshot(Request::new(())).await;

    assert_eq!(layer.serving(), 0);
    assert!(
        response
            .expect("answered")
            .into_body()
            .try_into_answer()
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn place_is_free_when_the_call_fails_or_is_given_up() {
    let layer = ConcurrencyLimitLayer::new(limit(1));
    let failing =
        service_fn(|_: Request<()>| async { Err::<Response<Script>, _>("no connection") });
    let hanging =
        service_fn(|_: Request<()>| std::future::pending::<Result<Response<Script>, ()>>());

    assert!(
        layer
            .layer(failing)
            .oneshot(Request::new(()))
            .await
            .is_err()
    );
    assert_eq!(layer.serving(), 0);

    let given_up = layer.layer(hanging).oneshot(Request::new(()));
    assert!(tokio::time::timeout(SECOND, given_up).await.is_err());
    assert_eq!(layer.serving(), 0);
}

#[tokio::test(start_paused = true)]
async fn queue_is_bounded_in_length_and_in_time() {
    let (layer, service) = rig(limit(1).with_queue(1, SECOND));
    let _held = ask(&service, Duration::ZERO).await;
    let mut waiting = task::spawn(ask(&service, Duration::ZERO));
    assert_pending!(waiting.poll());
    assert_eq!(layer.waiting(), 1);

    assert_eq!(ask(&service, Duration::ZERO).await.status(), 503);

    advance(SECOND - Duration::from_millis(1)).await;
    assert_pending!(waiting.poll());
    advance(Duration::from_millis(2)).await;
    assert_eq!(assert_ready!(waiting.poll()).status(), 503);
    drop(waiting);
    assert_eq!(layer.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_served_in_order_and_not_overtaken() {
    let (_, service) = rig(limit(1).with_queue(2, SECOND));
    let held = ask(&service, Duration::ZERO).await;
    let mut first = task::spawn(ask(&service, Duration::ZERO));
    let mut second = task::spawn(ask(&service, Duration::ZERO));
    assert_pending!(first.poll());
    assert_pending!(second.poll());

    drop(held);
    // The place belongs to the first, who has not taken it yet.
    assert_eq!(ask(&service, Duration::ZERO).await.status(), 503);
    assert_pending!(second.poll());
    let served = assert_ready!(first.poll());
    assert_eq!(served.status(), 200);

    drop(served);
    assert_eq!(assert_ready!(second.poll()).status(), 200);
}

#[tokio::test(start_paused = true)]
async fn client_that_leaves_makes_room_in_the_queue() {
    let (layer, service) = rig(limit(1).with_queue(1, SECOND));
    let _held = ask(&service, Duration::ZERO).await;
    let mut gone = task::spawn(ask(&service, Duration::ZERO));
    assert_pending!(gone.poll());

    drop(gone);

    assert_eq!(layer.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn queue_without_time_is_none() {
    let (_, service) = rig(limit(1).with_queue(9, Duration::ZERO));
    let _held = ask(&service, Duration::ZERO).await;

    assert_eq!(ask(&service, Duration::ZERO).await.status(), 503);
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<ConcurrencyLimitLayer>();
    assert_thread_safe::<ConcurrencyLimitService<()>>();
}

proptest! {
    /// However many come, and however long each takes, no more than the limit are served at a
    /// time; all are answered, and in the end every place is free.
    #[test]
    fn limit_holds(
        max in 1..5_u32,
        queue in 0..5_u32,
        requests in vec((0..50_u64, 0..50_u64), 1..40),
    ) {
        let now = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let layer = ConcurrencyLimitLayer::new(
            limit(max).with_queue(queue, Duration::from_millis(20)),
        );
        let (counted, peak) = (Arc::clone(&now), Arc::clone(&most));
        let service = layer.layer(service_fn(move |request: Request<u64>| {
            let (now, most) = (Arc::clone(&counted), Arc::clone(&peak));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_millis(*request.body())).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, BoxError>(Response::new(Script::data(["done"])))
            }
        }));

        let answered = run(async {
            let mut tasks = tokio::task::JoinSet::new();
            for (pause, takes) in requests.iter().copied() {
                sleep(Duration::from_millis(pause % 5)).await;
                let call = service.clone().oneshot(Request::new(takes));
                tasks.spawn(async move {
                    let response = call.await.expect("answered");
                    let status = response.status().as_u16();
                    response.into_body().collect().await.expect("no error");
                    status
                });
            }
            tasks.join_all().await
        });

        prop_assert_eq!(answered.len(), requests.len());
        prop_assert!(answered.iter().all(|status| [200, 503].contains(status)));
        prop_assert!(most.load(Ordering::SeqCst) <= max as usize);
        prop_assert_eq!((layer.serving(), layer.waiting()), (0, 0));
    }
}
