//! Limits that another service keeps. It is asked over a socket, on a clock that is held.

use std::sync::Arc;

use gateway_core::model::{Asked, BackendTarget, Policy};
use gateway_core::{Body, RoutingService};
use gateway_filters::inquiry::OnFailure;
use gateway_filters::rate_limit::Refill;
use gateway_filters::{Answer, ExtAuth, RateLimit};
use gateway_tests::{HeldClock, Origin, Site, answer};
use http::Request;
use tokio::time::Instant;
use tower::ServiceExt;

use super::{SECOND, demo, ok};
use crate::requests::{answered, get, rule};

/// Two a second, of which five may wait.
async fn throttle() -> Origin {
    let queued = RateLimit::new(2, SECOND)
        .unwrap()
        .with_refill(Refill::Window)
        .with_queue(5, 5 * SECOND);
    let demo = demo(Policy::RateLimit(Arc::new(queued)), ok);
    Origin::http1(move |_| {
        let routing = demo.0.clone();
        async move {
            let request = Request::get("/").header("host", "a.test");
            let Ok(response) = routing.oneshot(request.body(Body::empty()).unwrap()).await;
            answer(response.status().as_u16(), "")
        }
    })
    .await
}

fn throttled(throttle: &Origin, origin: &Origin) -> RoutingService {
    let down = Answer::new(503).unwrap().with_text("Throttle service down");
    let asked = Asked {
        settings: ExtAuth::new("http://throttle.test/".parse().unwrap())
            .with_timeout(10 * SECOND)
            .with_on_failure(OnFailure::Deny(down)),
        backend: BackendTarget::Backend("throttle".into()),
    };
    let site = Site::new()
        .rule(rule().with_policy(Policy::ExtAuth(Arc::new(asked))))
        .backend("origin", [origin.address()])
        .backend("throttle", [throttle.address()]);
    let routing = RoutingService::new();
    routing.update(&site.configuration());
    routing
}

/// AT-RL-4: ten requests ten milliseconds apart.
#[tokio::test(start_paused = true)]
async fn throttle_service_decides_and_its_absence_is_told() {
    let clock = HeldClock::hold();
    let (throttle, origin) = (throttle().await, Origin::echo().await);
    let routing = throttled(&throttle, &origin);

    let mut replies = Vec::new();
    for number in 1..=10 {
        let routing = routing.clone();
        replies.push(tokio::spawn(async move {
            let sent = Instant::now();
            let (status, _) = answered(&routing, get("a.test", "/", &[])).await;
            (status, sent.elapsed())
        }));
        throttle
            .until("a question", |state| state.requests.len() == number)
            .await;
        if !(3..=7).contains(&number) {
            let (status, took) = (&mut replies[number - 1]).await.unwrap();
            assert_eq!(status, if number < 3 { 200 } else { 429 }, "{number}");
            assert!(took < SECOND / 10, "{number} took {took:?}");
        }
        clock.advance(SECOND / 100).await;
    }
    let mut waiting = replies.drain(2..7).enumerate();
    for window in [2, 2, 1] {
        clock.advance(SECOND).await;
        for (place, reply) in waiting.by_ref().take(window) {
            let (status, took) = reply.await.unwrap();
            assert_eq!(status, 200, "{place}");
            assert!(took > SECOND / 2, "{place} took {took:?}");
        }
        assert_eq!(origin.count(), 2 + 5 - waiting.len());
    }

    drop(throttle);
    let reply = answered(&routing, get("a.test", "/", &[])).await;
    assert_eq!(reply, (503, "Throttle service down".to_owned()));
}
