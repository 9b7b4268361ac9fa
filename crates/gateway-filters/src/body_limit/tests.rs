//! What is refused at once, what on the way, and what passes.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt;
use proptest::prelude::*;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::*;
use crate::answer::Answer;
use crate::answer_body::AnswerBody;
use crate::script::{Script, assert_thread_safe, contents, read, run, scripts};

type Body = CountedBody<Script>;

/// Reads the request, and answers with a body.
async fn send(
    limit: BodyLimit,
    request: Request<Script>,
    response: Response<Script>,
) -> Result<(Response<AnswerBody<Body>>, bool), BoxError> {
    let called = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let noted = std::sync::Arc::clone(&called);
    let response = std::sync::Mutex::new(Some(response));
    let inner = service_fn(move |request: Request<Body>| {
        noted.store(true, std::sync::atomic::Ordering::SeqCst);
        let response = response.lock().expect("alone").take();
        async move {
            request.into_body().collect().await?;
            Ok::<_, BoxError>(response.expect("one call"))
        }
    });
    let response = BodyLimitLayer::new(limit)
        .layer(inner)
        .oneshot(request)
        .await?;
    Ok((response, called.load(std::sync::atomic::Ordering::SeqCst)))
}

fn empty() -> Response<Script> {
    Response::new(Script::default().foretold())
}

#[tokio::test]
async fn declared_length_beyond_the_limit_is_refused_unread() {
    let limit = BodyLimit::new().with_request(3);
    let declared = Request::builder().header("content-length", "4");
    let known = Request::new(Script::data(["four"]).sized());

    for request in [declared.body(Script::data(["four"])).expect("valid"), known] {
        let (response, called) = send(limit.clone(), request, empty())
            .await
            .expect("answered");

        assert_eq!((response.status().as_u16(), called), (413, false));
    }
}

#[tokio::test]
async fn undeclared_length_is_counted_and_answered_with_413() {
    let limit = BodyLimit::new().with_request(5);
    let request = Request::new(Script::data(["four", "four"]));

    let (response, called) = send(limit, request, empty()).await.expect("answered");

    assert_eq!((response.status().as_u16(), called), (413, true));
}

#[tokio::test]
async fn other_failures_stay_what_they_are() {
    let limit = BodyLimit::new().with_request(5);
    let request = Request::new(Script::new([crate::script::Step::Error]));

    let error = send(limit, request, empty())
        .await
        .expect_err("client left");

    assert_eq!(error.to_string(), "client left");
}

#[tokio::test]
async fn response_that_says_it_is_too_long_becomes_502() {
    let limit = BodyLimit::new().with_response(3);
    let mut long = Response::new(Script::data(["four"]));
    long.headers_mut().insert("content-length", 4.into());

    let (response, _) = send(limit, Request::new(Script::default()), long)
        .await
        .expect("answered");

    assert_eq!(response.status(), 502);
}

#[tokio::test]
async fn response_that_turns_out_too_long_breaks_off() {
    let limit = BodyLimit::new().with_response(5);
    let long = Response::new(Script::data(["four", "four"]));

    let (response, _) = send(limit, Request::new(Script::default()), long)
        .await
        .expect("answered");
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();

    let first = body.frame().await.expect("a frame").expect("within");
    assert_eq!(first.into_data().expect("data"), "four");
    let error = body.frame().await.expect("a frame").expect_err("beyond");
    assert_eq!(error.downcast_ref(), Some(&ResponseTooLarge { limit: 5 }));
    assert!(body.frame().await.is_none());
    assert!(body.is_end_stream());
}

/// The length is that of what GET would have brought.
#[tokio::test]
async fn answer_to_head_may_say_what_it_does_not_send() {
    let limit = BodyLimit::new().with_response(3);
    let mut head = empty();
    head.headers_mut().insert("content-length", 4_000.into());

    let (response, _) = send(limit, Request::new(Script::default()), head)
        .await
        .expect("answered");

    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn answers_can_be_chosen() {
    let limit = BodyLimit::new()
        .with_request(0)
        .with_request_answer(Answer::new(400).expect("valid").with_text("no bodies"));

    let (response, _) = send(limit, Request::new(Script::data(["x"])), empty())
        .await
        .expect("answered");

    assert_eq!(response.status(), 400);
    let body = response
        .into_body()
        .collect()
        .await
        .expect("no error")
        .to_bytes();
    assert_eq!(body, "no bodies");
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<BodyLimitLayer>();
    assert_thread_safe::<BodyLimitService<()>>();
    assert_thread_safe::<ResponseFuture<std::future::Ready<()>, Bytes>>();
}

proptest! {
    /// A body passes whole, trailers and all, or fails; and it fails if, and only if, it has more
    /// bytes than the limit. Without a limit it is the body itself.
    #[test]
    fn limit_decides(steps in scripts(), limit in 0..3_000_u64) {
        let expected = contents(&steps);
        let counted = CountedBody::counted(Script::new(steps.clone()), limit, Side::Request, None);
        let free = CountedBody::uncounted(Script::new(steps));

        match run(read(counted)) {
            Ok(there) => {
                prop_assert!(expected.0.len() as u64 <= limit);
                prop_assert_eq!(there, expected.clone());
            }
            Err(error) => {
                prop_assert!(expected.0.len() as u64 > limit);
                prop_assert_eq!(error.downcast_ref(), Some(&RequestTooLarge { limit }));
            }
        }
        let inner = free.try_into_inner().expect("not counted");
        prop_assert_eq!(run(read(inner)).expect("no error"), expected);
    }
}
