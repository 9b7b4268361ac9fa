use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Response};
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready_ok, task::spawn};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_test::mock;

use super::*;
use crate::Answer;
use crate::script::OnePlace;

async fn ok(_: Request<()>) -> Result<Response<Bytes>, Infallible> {
    Ok(Response::new(Bytes::from_static(b"ok")))
}

/// How many of `requests`, some time apart, were answered with each status.
async fn statuses<S>(mut service: S, requests: usize, apart: Duration) -> [usize; 2]
where
    S: Service<Request<()>, Response = Response<Bytes>, Error = Infallible>,
{
    let mut counts = [0; 2];
    for _ in 0..requests {
        let Ok(ready) = service.ready().await;
        let Ok(response) = ready.call(get()).await;
        counts[usize::from(response.status() == 429)] += 1;
        sleep(apart).await;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn loop_of_a_thousand_gets_its_hundred() {
    let settings = limit(100, secs(60)).with_refill(Refill::Window);
    let service = RateLimitLayer::new(settings).layer(service_fn(ok));

    assert_eq!(statuses(service, 1_000, millis(5)).await, [100, 900]);
}

#[tokio::test(start_paused = true)]
async fn services_of_one_layer_share_its_limit() {
    let layer = RateLimitLayer::new(limit(10, secs(60)));
    let one = layer.layer(service_fn(ok));
    let other = layer.clone().layer(service_fn(ok));

    assert_eq!(statuses(one.clone(), 6, millis(0)).await, [6, 0]);
    assert_eq!(statuses(one, 2, millis(0)).await, [2, 0]);
    assert_eq!(statuses(other, 6, millis(0)).await, [2, 4]);
}

#[tokio::test(start_paused = true)]
async fn request_that_waits_keeps_no_place_of_the_service() {
    let settings = limit(1, secs(1)).with_queue(1, secs(60));
    let mut service = RateLimitLayer::new(settings).layer(OnePlace::new());
    service.ready().await.expect("it has a place");
    service.call(get()).await.expect("at once");
    service.ready().await.expect("it has a place again");

    let mut waiting = spawn(service.call(get()));
    assert_pending!(waiting.poll());
    advance(millis(1_001)).await;

    assert_ready_ok!(waiting.poll());
}

#[tokio::test(start_paused = true)]
async fn refusal_has_the_answer_and_what_is_left() {
    let answer = Answer::new(503).expect("valid").with_text("slow down");
    let settings = limit(4, secs(10)).with_answer(answer);
    let mut service = RateLimitLayer::new(settings).layer(service_fn(ok));
    for _ in 0..4 {
        let Ok(response) = service.call(get()).await;
        assert!(response.headers().is_empty());
    }

    let Ok(response) = service.call(get()).await;

    assert_eq!(response.status(), 503);
    assert_eq!(response.body(), "slow down");
    let headers = response.headers();
    assert_eq!(headers["ratelimit-limit"], "4");
    assert_eq!(headers["ratelimit-remaining"], "0");
    assert_eq!(headers["ratelimit-reset"], "10");
    assert_eq!(headers["retry-after"], "3");
    assert!(response.extensions().get::<Standing>().is_some());
}

#[tokio::test(start_paused = true)]
async fn fields_can_be_left_out() {
    let settings = limit(1, secs(10)).with_fields(QuotaFields::Never);
    let mut service = RateLimitLayer::new(settings).layer(service_fn(ok));
    let Ok(_) = service.call(get()).await;

    let Ok(response) = service.call(get()).await;

    assert_eq!(response.status(), 429);
    assert!(response.headers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_several_limits_the_closest_is_told() {
    let level = |requests| {
        let settings = limit(requests, secs(60)).with_fields(QuotaFields::Always);
        RateLimitLayer::new(settings)
    };
    for (outer, inner) in [(3, 100), (100, 3)] {
        let service = ServiceBuilder::new()
            .layer(level(outer))
            .layer(level(inner))
            .service(service_fn(ok));

        let Ok(response) = service.oneshot(get()).await;

        assert_eq!(response.headers()["ratelimit-limit"], "3");
        assert_eq!(response.headers()["ratelimit-remaining"], "2");
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_several_limits_must_be_passed() {
    let outer = RateLimitLayer::new(limit(5, secs(60)));
    let inner = RateLimitLayer::new(by_user(limit(2, secs(60))));
    let mut service = ServiceBuilder::new()
        .layer(outer.clone())
        .layer(inner)
        .service(service_fn(ok));

    let mut statuses = Vec::new();
    for user in ["ann", "ann", "ann", "bob", "bob", "eve"] {
        let Ok(response) = service.call(from(user)).await;
        statuses.push(response.status().as_u16());
    }

    // The third was refused inside and counted outside, so that eve is one too many.
    assert_eq!(statuses, [200, 200, 429, 200, 200, 429]);
}

#[tokio::test(start_paused = true)]
async fn waiting_request_reaches_the_service_when_its_turn_has_come() {
    let settings = limit(1, secs(2)).with_queue(1, secs(60));
    let mut service = RateLimitLayer::new(settings).layer(service_fn(ok));
    let start = Instant::now();
    let Ok(_) = service.call(get()).await;

    let Ok(response) = service.call(get()).await;

    assert_eq!(response.status(), 200);
    assert!((secs(2)..millis(2_005)).contains(&start.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn waiting_request_asks_for_readiness_after_its_turn() {
    let settings = limit(1, secs(1)).with_queue(1, secs(60));
    let (service, mut handle) = mock::pair::<Request<()>, Response<Bytes>>();
    let mut service = RateLimitLayer::new(settings).layer(service);
    handle.allow(1);
    service.ready().await.expect("ready");
    let _first = service.call(get());
    handle.next_request().await.expect("forwarded");
    let mut waiting = spawn(service.call(get()));
    assert_pending!(waiting.poll());

    advance(millis(1_001)).await;
    assert_pending!(waiting.poll());
    handle.allow(1);
    assert!(waiting.is_woken());
    assert_pending!(waiting.poll());

    handle.next_request().await.expect("forwarded");
}

#[tokio::test(start_paused = true)]
async fn request_that_waited_in_vain_is_refused() {
    let settings = limit(1, secs(10)).with_queue(2, millis(500));
    let mut service = RateLimitLayer::new(settings).layer(service_fn(ok));
    let start = Instant::now();
    let Ok(_) = service.call(get()).await;

    let Ok(response) = service.call(get()).await;

    assert_eq!(response.status(), 429);
    assert_eq!(
        start.elapsed(),
        secs(0),
        "its turn would have come too late"
    );
}

#[test]
fn future_of_a_request_that_need_not_wait_is_small() {
    type Ready = std::future::Ready<Result<Response<Bytes>, Infallible>>;
    type Inner = tower::util::ServiceFn<fn(Request<[u8; 1_000]>) -> Ready>;
    let forward = size_of::<Ready>() + size_of::<Option<Standing>>();

    let size = size_of::<ResponseFuture<Inner, Request<[u8; 1_000]>, Bytes>>();

    assert!(
        size <= forward + size_of::<Response<Bytes>>() + 16,
        "{size}"
    );
}

#[test]
fn closer_limit_of_a_backend_stays() {
    let standing = Standing {
        limit: 10,
        remaining: 5,
        full_after: millis(1_500),
        next_after: secs(0),
    };
    let mut headers = HeaderMap::new();
    standing.write(&mut headers);
    assert_eq!(headers["ratelimit-reset"], "2");

    Standing {
        remaining: 6,
        ..standing
    }
    .write(&mut headers);
    assert_eq!(headers["ratelimit-remaining"], "5");

    Standing {
        remaining: 4,
        ..standing
    }
    .write(&mut headers);
    assert_eq!(headers["ratelimit-remaining"], "4");
}
