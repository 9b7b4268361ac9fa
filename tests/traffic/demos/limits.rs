//! Requests in a time, and bytes in a second.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::Body;
use gateway_core::model::Policy;
use gateway_filters::rate_limit::Refill;
use gateway_filters::{Bandwidth, RateLimit};
use http::Response;
use tokio::time::sleep;

use super::{SECOND, counts, demo, ok};

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
