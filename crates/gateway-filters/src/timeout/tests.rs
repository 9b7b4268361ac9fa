use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt;
use proptest::prelude::*;
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock;

use super::*;
use crate::BoxError;
use crate::script::{Script, Step, assert_thread_safe, data, read, run};

type Answer = Result<Response<Script>, BoxError>;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The body of a response that comes at once, under a limit of `limit`.
async fn body_within(limit: Duration, body: Script) -> TimeoutBody<Script, RequestTimedOut> {
    let mut body = Some(body);
    let inner = service_fn(move |()| ready(Answer::Ok(Response::new(body.take().expect("once")))));
    let service = RequestTimeoutLayer::new(limit).layer(inner);
    service.oneshot(()).await.expect("answered").into_body()
}

#[tokio::test(start_paused = true)]
async fn slow_backend_is_given_up_on() {
    let layer = RequestTimeoutLayer::new(secs(2));
    let (mut service, mut backend) = mock::spawn_layer::<Request<()>, Response<Script>, _>(layer);
    assert_ready_ok!(service.poll_ready());

    let mut response = task::spawn(service.call(Request::new(())));
    assert_pending!(response.poll());
    let (_request, _never_answered) = backend.next_request().await.expect("forwarded");
    advance(secs(2)).await;

    let error = assert_ready_err!(response.poll());
    assert_eq!(
        error.downcast_ref(),
        Some(&RequestTimedOut { after: secs(2) })
    );
}

#[tokio::test(start_paused = true)]
async fn answer_in_time_is_passed_on() {
    let layer = BackendRequestTimeoutLayer::new(secs(2));
    let (mut service, mut backend) = mock::spawn_layer::<Request<()>, Response<Script>, _>(layer);
    assert_ready_ok!(service.poll_ready());

    let mut response = task::spawn(service.call(Request::new(())));
    assert_pending!(response.poll());
    advance(secs(1)).await;
    let (_request, answer) = backend.next_request().await.expect("forwarded");
    answer.send_response(Response::new(Script::data(["hello"])));

    let response = assert_ready_ok!(response.poll());
    assert_eq!(
        read(response.into_body()).await.expect("in time").0,
        b"hello"
    );
}

#[tokio::test(start_paused = true)]
async fn backend_timeout_is_told_apart() {
    let service =
        BackendRequestTimeoutLayer::new(secs(1)).layer(service_fn(|()| pending::<Answer>()));

    let error = service.oneshot(()).await.expect_err("must time out");

    assert!(error.is::<BackendRequestTimedOut>());
    assert_eq!(error.to_string(), "backend took longer than 1s");
}

#[tokio::test(start_paused = true)]
async fn error_of_the_inner_service_is_passed_on() {
    let inner = service_fn(|()| ready(Answer::Err("refused".into())));
    let service = RequestTimeoutLayer::new(secs(1)).layer(inner);

    let error = service.oneshot(()).await.expect_err("refused");

    assert_eq!(error.to_string(), "refused");
}

#[tokio::test(start_paused = true)]
async fn head_and_body_share_one_deadline() {
    let inner = service_fn(|()| async {
        tokio::time::sleep(secs(3)).await;
        Answer::Ok(Response::new(Script::new([data("hello"), Step::Hang])))
    });
    let service = RequestTimeoutLayer::new(secs(5)).layer(inner);
    let start = Instant::now();

    let response = service.oneshot(()).await.expect("head in time");
    let error = read(response.into_body()).await.expect_err("body late");

    assert!(error.is::<RequestTimedOut>());
    // Timers count whole milliseconds.
    assert!(start.elapsed() - secs(5) <= Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn body_that_never_waits_is_ended_too() {
    let body = Script::new((0..10).map(|_| data("more")));
    let mut body = body_within(secs(1), body).await;
    assert!(body.frame().await.expect("a frame").is_ok());

    advance(secs(1)).await;

    let error = body.frame().await.expect("a last frame").expect_err("late");
    assert!(error.is::<RequestTimedOut>());
}

#[tokio::test(start_paused = true)]
async fn late_end_is_not_clean() {
    let mut body = body_within(secs(1), Script::data(["all"])).await;
    assert!(body.frame().await.expect("a frame").is_ok());

    advance(secs(1)).await;

    assert!(body.frame().await.expect("not the end").is_err());
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn end_that_was_reached_in_time_stays_clean() {
    let mut body = body_within(secs(1), Script::data(["all"]).foretold()).await;
    assert!(body.frame().await.expect("a frame").is_ok());

    advance(secs(1)).await;

    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn zero_is_no_limit() {
    let late = Script::new([Step::Sleep(secs(86_400)), data("late")]);

    let body = body_within(Duration::ZERO, late).await;

    assert_eq!(read(body).await.expect("no limit").0, b"late");
}

#[tokio::test(start_paused = true)]
async fn limit_beyond_the_clock_is_no_limit() {
    let late = Script::new([Step::Sleep(secs(86_400)), data("late")]);

    let body = body_within(Duration::MAX, late).await;

    assert_eq!(read(body).await.expect("no limit").0, b"late");
}

#[tokio::test]
async fn body_without_limit_can_be_unwrapped() {
    assert!(
        body_within(Duration::ZERO, Script::data(["x"]))
            .await
            .try_into_inner()
            .is_ok()
    );
    assert!(
        body_within(secs(1), Script::default().foretold())
            .await
            .try_into_inner()
            .is_ok()
    );
    assert!(
        body_within(secs(1), Script::data(["x"]))
            .await
            .try_into_inner()
            .is_err()
    );
}

#[test]
fn absent_and_zero_limits_are_the_same() {
    assert_eq!(RequestTimeoutLayer::new(None).limit(), None);
    assert_eq!(RequestTimeoutLayer::new(Duration::ZERO).limit(), None);
    assert_eq!(RequestTimeoutLayer::default().limit(), None);
    assert_eq!(RequestTimeoutLayer::new(secs(1)).limit(), Some(secs(1)));
}

/// Without a runtime an armed timer would panic.
#[test]
fn no_timer_is_armed_while_nothing_waits() {
    let inner = service_fn(|()| ready(Answer::Ok(Response::new(Script::data(["now"])))));
    let mut service = RequestTimeoutLayer::new(secs(1)).layer(inner);

    let mut call = task::spawn(service.call(()));
    let response = assert_ready_ok!(call.poll());
    let mut read = task::spawn(read(response.into_body()));

    assert_eq!(assert_ready_ok!(read.poll()).0, b"now");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_drops_the_call() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let inner = service_fn(move |()| {
        let held = Arc::clone(&held);
        async move {
            let _held = held;
            pending::<Answer>().await
        }
    });
    let mut service = RequestTimeoutLayer::new(secs(1)).layer(inner);
    let mut call = task::spawn(service.call(()));
    assert_pending!(call.poll());
    assert_eq!(Arc::strong_count(&alive), 3);

    drop(call);

    assert_eq!(Arc::strong_count(&alive), 2);
}

#[test]
fn public_types_cross_threads() {
    fn assert_clone<T: Clone>() {}

    assert_thread_safe::<RequestTimeoutLayer>();
    assert_thread_safe::<BackendRequestTimeout<()>>();
    assert_thread_safe::<TimeoutBody<Script, RequestTimedOut>>();
    assert_thread_safe::<ResponseFuture<(), RequestTimedOut>>();
    assert_clone::<RequestTimeoutLayer>();
    assert_clone::<RequestTimeout<()>>();
}

proptest! {
    /// A body is whole if, and only if, its last frame comes before the deadline; what comes
    /// until then is passed on unchanged.
    #[test]
    fn body_is_whole_or_ends_in_the_error(
        delays in proptest::collection::vec(0..5_u64, 1..20),
        limit in 0..50_u64,
    ) {
        // Never at the very moment of the deadline, which is neither before nor after.
        let limit = Duration::from_millis(limit * 100 + 50);
        let steps = delays.iter().flat_map(|delay| {
            [Step::Sleep(Duration::from_millis(delay * 100)), data("x")]
        });
        let arrivals = delays.iter().scan(0, |at, delay| { *at += delay * 100; Some(*at) });
        let in_time = arrivals.filter(|at| u128::from(*at) < limit.as_millis()).count();

        let (frames, error) = run(async {
            let mut body = pin!(body_within(limit, Script::new(steps)).await);
            let mut frames = 0;
            loop {
                match body.frame().await {
                    Some(Ok(_)) => frames += 1,
                    Some(Err(error)) => break (frames, Some(error)),
                    None => break (frames, None),
                }
            }
        });

        prop_assert_eq!(frames, in_time);
        prop_assert_eq!(error.is_none(), in_time == delays.len());
        prop_assert!(error.is_none_or(|error| error.is::<RequestTimedOut>()));
    }
}
