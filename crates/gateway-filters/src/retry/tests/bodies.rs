//! What each try reads of the body.

use std::future::{poll_fn, ready};
use std::pin::Pin;

use bytes::Bytes;
use http_body::Body as _;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio_test::{assert_pending, assert_ready, task};

use super::super::origin::Origin;
use super::*;
use crate::script::{Step, contents, data, read, run, scripts, trailers};

const UNSENT: End = End::Error(FailedTry::Unsent);

/// A body and its lender, which keeps at most `limit` bytes.
fn lend(script: Script, limit: usize) -> (Origin<Script>, Body) {
    Origin::new(script, limit)
}

proptest! {
    /// However a body comes, and however much of it the tries before have read, a try that
    /// reads all of it gets all of it: every byte in its place, and the trailers.
    #[test]
    fn every_try_reads_the_original(
        steps in scripts(),
        reads in vec(0..40_usize, 0..6),
        foretold: bool,
    ) {
        let expected = contents(&steps);
        let tries = reads.iter().map(|reads| Try { reads: *reads, end: UNSENT });
        let backend = Backend::new(tries);
        let mut body = Script::new(steps);
        if foretold {
            body = body.foretold();
        }

        let outcome = run(backend.send(policy(100), Request::new(body)));

        prop_assert!(outcome.is_ok());
        let seen = backend.seen();
        prop_assert_eq!(seen.len(), reads.len() + 1);
        for seen in seen {
            if seen.whole {
                prop_assert_eq!((seen.bytes, seen.trailers), expected.clone());
            } else {
                prop_assert!(expected.0.starts_with(&seen.bytes));
            }
        }
    }

    /// A try is repeated if, and only if, what was read until then fits in the limit.
    #[test]
    fn limit_decides_whether_a_body_is_repeated(
        steps in scripts(),
        reads in 0..40_usize,
        limit in 0..2_000_usize,
    ) {
        let expected = contents(&steps);
        let backend = Backend::new([Try { reads, end: UNSENT }]);

        let outcome = run(backend.send(
            policy(1).with_body_limit(limit),
            Request::new(Script::new(steps)),
        ));

        let seen = backend.seen();
        let fits = seen[0].bytes.len() <= limit;
        prop_assert_eq!(outcome.is_ok(), fits);
        prop_assert_eq!(seen.len(), if fits { 2 } else { 1 });
        if fits {
            prop_assert_eq!(&seen[1].bytes, &expected.0);
        }
    }

    /// A body that does not fit is read by its only try as if nothing were kept.
    #[test]
    fn first_try_streams_beyond_the_limit(steps in scripts(), limit in 0..2_000_usize) {
        let expected = contents(&steps);
        let (_origin, body) = lend(Script::new(steps), limit);

        let read = run(read(body)).expect("no error");

        prop_assert_eq!(read, expected);
    }

    /// The number of bytes that is announced is the number that comes, in any try and at any
    /// point of it.
    #[test]
    fn size_is_that_of_what_comes(steps in scripts(), first in 0..40_usize, second in 0..40_usize) {
        run(async {
            let (origin, mut body) = lend(Script::new(steps).sized(), usize::MAX);
            for _ in 0..first {
                body.frame().await;
            }
            let mut body = origin.restart().expect("kept");
            for _ in 0..second {
                body.frame().await;
            }

            let announced = body.size_hint().exact();
            let (came, trailers) = read(body).await.expect("no error");

            match announced {
                Some(announced) => prop_assert_eq!(announced, came.len() as u64),
                None => prop_assert!(trailers.is_some()),
            }
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn request_without_body_keeps_nothing() {
    let (origin, first) = lend(Script::default().foretold(), 0);

    assert!(first.try_into_inner().is_ok());
    let second = origin.restart().expect("nothing to keep");
    assert!(second.is_end_stream());
    assert_eq!(second.size_hint().exact(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn frames_pass_before_the_next_is_there() {
    let (_origin, mut body) = lend(Script::new([data("first"), Step::Hang]), 1024);

    let frame = body.frame().await.expect("a frame").expect("no error");

    assert_eq!(frame.into_data().ok(), Some(Bytes::from_static(b"first")));
    assert_pending!(task::spawn(body.frame()).poll());
}

#[tokio::test(start_paused = true)]
async fn body_of_a_try_that_was_given_up_fails() {
    let (origin, mut first) = lend(Script::data(["one", "two"]), 1024);
    first.frame().await.expect("a frame").expect("no error");

    let second = origin.restart().expect("kept");

    assert!(!first.is_end_stream());
    let error = first
        .frame()
        .await
        .expect("not the end")
        .expect_err("given up");
    assert!(error.is::<TryGivenUp>());
    assert_eq!(read(second).await.expect("no error").0, b"onetwo");
}

#[tokio::test(start_paused = true)]
async fn try_that_waits_for_the_body_hears_that_it_was_given_up() {
    let (origin, mut first) = lend(Script::new([Step::Hang]), 1024);
    let mut waiting = task::spawn(poll_fn(move |cx| Pin::new(&mut first).poll_frame(cx)));
    assert_pending!(waiting.poll());

    let _second = origin.restart().expect("kept");

    assert!(waiting.is_woken());
    assert!(assert_ready!(waiting.poll()).expect("not the end").is_err());
}

#[tokio::test(start_paused = true)]
async fn request_whose_client_left_is_not_repeated() {
    let body = Script::new([data("half"), Step::Error]);
    let backend = Backend::ending([End::Status(502)]);

    let response = backend
        .send(policy(3), Request::new(body))
        .await
        .expect("answered");

    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(backend.tries(), 1);
}

#[tokio::test(start_paused = true)]
async fn tunnel_is_not_reopened_once_it_was_read() {
    let mut request = upload(["frame"]);
    *request.method_mut() = http::Method::CONNECT;
    let backend = Backend::ending([UNSENT]);

    assert!(backend.send(policy(3), request).await.is_err());
    assert_eq!(backend.tries(), 1);
}

#[tokio::test(start_paused = true)]
async fn trailers_are_repeated() {
    let body = Script::new([data("body"), Step::Trailers(trailers())]);
    let backend = Backend::ending([End::Status(502)]);

    backend
        .send(policy(1), Request::new(body))
        .await
        .expect("answered");

    assert!(
        backend
            .seen()
            .iter()
            .all(|seen| seen.trailers == Some(trailers()))
    );
}

/// A client that speaks HTTP/1 would send no trailers behind a length.
#[tokio::test(start_paused = true)]
async fn length_is_not_said_where_trailers_follow() {
    let body = Script::new([data("body"), Step::Trailers(trailers())]);
    let (origin, mut first) = lend(body, usize::MAX);
    while first.frame().await.is_some() {}

    let second = origin.restart().expect("kept");

    assert_eq!(second.size_hint().exact(), None);
    assert_eq!(read(second).await.expect("no error").1, Some(trailers()));
}

/// The connection may go on reading the body after the response has begun.
#[tokio::test(start_paused = true)]
async fn nothing_is_kept_once_the_response_is_returned() {
    let chunk = Bytes::from(vec![7; 4096]);
    let inner = service_fn(|request: Request<Body>| async {
        let mut body = request.into_body();
        body.frame().await;
        Ok::<_, Failed>(Response::new(body))
    });
    let steps = [Step::Data(chunk.clone()), data("more")];
    let layer = RetryLayer::new(policy(1), |error: &Failed| error.0);

    let response = layer
        .layer(inner)
        .oneshot(Request::new(Script::new(steps)))
        .await;
    let body = response.expect("answered").into_body();

    assert!(chunk.is_unique());
    assert_eq!(read(body).await.expect("still there").0, b"more");
}

#[tokio::test(start_paused = true)]
async fn replay_outlives_the_keeping() {
    let chunk = Bytes::from(vec![7; 100]);
    let steps = [
        Step::Data(chunk.clone()),
        data("two"),
        data("three"),
        Step::Hang,
    ];
    let (origin, mut first) = lend(Script::new(steps), 1024);
    first.frame().await;
    first.frame().await;
    let mut second = origin.restart().expect("kept");

    drop(origin);
    let mut read = 0;
    for _ in 0..3 {
        let frame = second.frame().await.expect("a frame").expect("no error");
        read += frame.into_data().map_or(0, |data| data.len());
    }

    assert_eq!(read, 108);
    assert!(chunk.is_unique());
}

#[tokio::test(start_paused = true)]
async fn body_beyond_the_limit_is_let_go() {
    let chunk = Bytes::from(vec![7; 100]);
    let steps = [Step::Data(chunk.clone()), Step::Data(chunk.clone())];
    let (origin, mut body) = lend(Script::new(steps), 150);

    body.frame().await;
    body.frame().await;

    assert!(origin.restart().is_none());
    assert!(chunk.is_unique());
}

#[tokio::test(start_paused = true)]
async fn answer_before_the_body_was_read_is_retried_with_the_rest() {
    let inner = service_fn(|request: Request<Body>| async move {
        let mut response = Response::new(None);
        if request.extensions().get::<RetryAttempt>().is_some() {
            *response.body_mut() = read(request.into_body()).await.ok();
        } else {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
        }
        Ok::<_, Failed>(response)
    });
    let layer = RetryLayer::new(policy(1), |error: &Failed| error.0);

    let response = layer
        .layer(inner)
        .oneshot(upload(["a", "b"]))
        .await
        .expect("answered");

    assert_eq!(response.into_body(), Some((b"ab".to_vec(), None)));
}

#[tokio::test(start_paused = true)]
async fn response_body_is_that_of_the_last_try() {
    let inner = service_fn(|_: Request<Body>| {
        let mut response = Response::new(Script::new([data("part"), Step::Error]));
        *response.status_mut() = StatusCode::OK;
        ready(Ok::<_, Failed>(response))
    });
    let layer = RetryLayer::new(policy(5), |error: &Failed| error.0);

    let response = layer.layer(inner).oneshot(get()).await.expect("answered");

    assert!(read(response.into_body()).await.is_err());
}
