//! What is shown of bodies, and that backends get all of them.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tokio::time::Instant;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_ok};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::answer::Answer;
use crate::retry::ReplayBody;
use crate::script::{OnePlace, Script, Step, contents, data, read, run, scripts};

/// Lets everything pass, and keeps what it was shown.
#[derive(Clone)]
struct Curious {
    wanted: Option<ForwardBody>,
    shown: Arc<Mutex<Vec<Option<Excerpt>>>>,
    on_failure: OnFailure,
}

impl Inquire for Curious {
    fn inquire(&self, _: &Parts, body: Option<Excerpt>) -> Inquiry {
        self.shown.lock().expect("alone").push(body);
        Box::pin(std::future::ready(Ok(Verdict::Pass {
            request: HeaderEdits::new(),
            response: HeaderEdits::new(),
        })))
    }

    fn forward_body(&self) -> Option<&ForwardBody> {
        self.wanted.as_ref()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn on_failure(&self) -> &OnFailure {
        &self.on_failure
    }
}

impl Curious {
    fn new(wanted: Option<ForwardBody>) -> Self {
        Self {
            wanted,
            shown: Arc::default(),
            on_failure: OnFailure::Deny(Answer::text(StatusCode::FORBIDDEN, "")),
        }
    }

    fn shown(&self) -> Vec<Option<Excerpt>> {
        self.shown.lock().expect("alone").clone()
    }
}

fn up_to(limit: usize) -> ForwardBody {
    ForwardBody::new(limit.try_into().expect("not zero"))
}

fn start_of(limit: usize) -> ForwardBody {
    up_to(limit).with_longer(Longer::Cut)
}

type Contents = (Vec<u8>, Option<HeaderMap>);

/// Sends a request; with the status, and what the backend read, if it was reached.
async fn send<B>(
    curious: &Curious,
    request: Request<B>,
) -> Result<(StatusCode, Option<Contents>), BoxError>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    let seen = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&seen);
    let backend = service_fn(move |request: Request<ReplayBody<B>>| {
        let noted = Arc::clone(&noted);
        async move {
            let contents = read(request.into_body()).await?;
            *noted.lock().expect("alone") = Some(contents);
            Ok::<_, BoxError>(Response::new(String::new()))
        }
    });
    let service = InquiryLayer::new(curious.clone()).layer(backend);
    let response = service.oneshot(request).await?;
    let seen = seen.lock().expect("alone").take();
    Ok((response.status(), seen))
}

fn script(steps: Vec<Step>, foretold: bool, sized: bool) -> Script {
    let script = Script::new(steps);
    let script = if foretold { script.foretold() } else { script };
    if sized { script.sized() } else { script }
}

proptest! {
    /// Whatever the frames: the backend sees the same bytes and trailers, the other service the
    /// first bytes, and whether there are more.
    #[test]
    fn backend_sees_all_and_the_other_service_the_first(
        steps in scripts(), limit in 1..2_000_usize, foretold: bool, sized: bool,
    ) {
        let curious = Curious::new(Some(start_of(limit)));
        let body = script(steps.clone(), foretold, sized);

        let sent = run(send(&curious, Request::new(body)));

        let (bytes, trailers) = contents(&steps);
        let shown = Excerpt {
            bytes: Bytes::copy_from_slice(&bytes[..bytes.len().min(limit)]),
            is_partial: bytes.len() > limit,
        };
        let (status, seen) = sent.expect("answered");
        prop_assert_eq!(status, 200);
        prop_assert_eq!(seen, Some((bytes, trailers)));
        match curious.shown().as_slice() {
            [Some(told)] => prop_assert_eq!(told, &shown),
            // It said that there was none.
            [None] => prop_assert!(foretold && shown.bytes.is_empty()),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// A body passes or is refused by its length alone, and about one that is refused nobody is
    /// asked.
    #[test]
    fn longer_bodies_are_refused(
        steps in scripts(), limit in 1..2_000_usize, foretold: bool, sized: bool,
    ) {
        let curious = Curious::new(Some(up_to(limit)));
        let body = script(steps.clone(), foretold, sized);

        let (status, seen) = run(send(&curious, Request::new(body))).expect("answered");

        let all = contents(&steps);
        if all.0.len() > limit {
            prop_assert_eq!((status.as_u16(), seen), (413, None));
            prop_assert!(curious.shown().is_empty());
        } else {
            prop_assert_eq!((status.as_u16(), seen), (200, Some(all)));
            prop_assert_eq!(curious.shown().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn body_that_says_it_is_longer_is_not_read() {
    let told = Answer::new(422).expect("a status");
    let wanted = up_to(10).with_longer(Longer::Refuse(told));
    let curious = Curious::new(Some(wanted));
    let request = Request::post("/").header("content-length", "11");

    let request = request.body(Script::new([Step::Hang])).expect("valid");

    assert_eq!(send(&curious, request).await.expect("answered").0, 422);
    assert!(curious.shown().is_empty());
}

/// A request without a body, one whose body nobody wants, and a tunnel.
#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_read_is_left_as_it_is() {
    let tunnel = |request: http::request::Builder| {
        let request = request.header("connection", "upgrade");
        request.header("upgrade", "websocket")
    };
    for (wanted, request, body) in [
        (
            Some(up_to(10)),
            Request::get("/"),
            Script::data([]).foretold(),
        ),
        (None, Request::post("/"), Script::new([Step::Hang])),
        (
            Some(up_to(10)),
            tunnel(Request::get("/")),
            Script::new([Step::Hang]),
        ),
    ] {
        let curious = Curious::new(wanted);
        let backend = service_fn(|request: Request<ReplayBody<Script>>| async move {
            assert!(request.into_body().try_into_inner().is_ok());
            Ok::<_, BoxError>(Response::new(String::new()))
        });
        let service = InquiryLayer::new(curious.clone()).layer(backend);

        let response = service.oneshot(request.body(body).expect("valid")).await;

        assert_eq!(response.expect("answered").status(), 200);
        assert_eq!(curious.shown(), [None]);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_about_a_body_that_breaks_off() {
    let curious = Curious::new(Some(start_of(10)));
    let body = Script::new([data("begun"), Step::Error]);

    let error = send(&curious, Request::new(body))
        .await
        .expect_err("unreadable");

    assert!(error.is::<RequestUnreadable>(), "{error}");
    assert!(curious.shown().is_empty());
}

#[tokio::test(start_paused = true)]
async fn time_for_the_question_begins_after_the_body() {
    let curious = Curious::new(Some(up_to(10)));
    let body = Script::new([data("slow"), Step::Sleep(Duration::from_secs(60))]);
    let start = Instant::now();

    let (status, _) = send(&curious, Request::new(body)).await.expect("answered");

    assert_eq!(status, 200);
    assert_eq!(start.elapsed(), Duration::from_secs(60));
}

/// What comes after the start is passed on as it comes.
#[tokio::test(start_paused = true)]
async fn rest_of_a_body_is_not_waited_for() {
    let curious = Curious::new(Some(start_of(2)));
    let body = Script::new([data("abc"), data("de"), Step::Hang]);
    let backend = service_fn(|request: Request<ReplayBody<Script>>| async move {
        let mut body = request.into_body();
        for expected in ["abc", "de"] {
            let frame = body.frame().await.expect("not at its end")?;
            assert_eq!(frame.into_data().expect("data"), expected);
        }
        Ok::<_, BoxError>(Response::new(String::new()))
    });
    let service = InquiryLayer::new(curious.clone()).layer(backend);

    assert!(service.oneshot(Request::new(body)).await.is_ok());

    let shown = Bytes::from("ab");
    assert_eq!(
        curious.shown(),
        [Some(Excerpt {
            bytes: shown,
            is_partial: true
        })]
    );
}

/// Nobody who is asked about takes a place from those who may pass.
#[tokio::test(start_paused = true)]
async fn request_that_waits_keeps_no_place_of_the_service() {
    let curious = Curious::new(Some(up_to(10)));
    let backend = OnePlace::new().map_request(|_: Request<ReplayBody<Script>>| Request::new(()));
    let mut service = InquiryLayer::new(curious).layer(backend);
    let call = |service: &mut _, body| {
        let service: &mut InquiryService<_, _> = service;
        spawn(service.call(Request::new(body)))
    };

    assert_ready_ok!(spawn(service.ready()).poll());
    let mut waiting = call(&mut service, Script::new([Step::Hang]));
    assert_pending!(waiting.poll());

    assert_ready_ok!(spawn(service.ready()).poll());
    let mut passing = call(&mut service, Script::data(["all"]));
    assert_ready_ok!(passing.poll());
}

/// A body that somebody else knows of.
struct Known {
    inner: Script,
    _known: Arc<()>,
}

impl Body for Known {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }
}

/// The client leaves while its body is read, or while the backend has it.
#[tokio::test(start_paused = true)]
async fn what_was_read_is_dropped_with_the_future() {
    for (limit, shown) in [(10, 0), (3, 1)] {
        let curious = Curious::new(Some(start_of(limit)));
        let known = Arc::new(());
        let body = Known {
            inner: Script::new([data("begun"), Step::Hang]),
            _known: Arc::clone(&known),
        };
        let sending = send(&curious, Request::new(body));

        let sent = tokio::time::timeout(Duration::from_millis(1), sending).await;

        assert!(sent.is_err());
        assert_eq!(curious.shown().len(), shown);
        assert_eq!(Arc::strong_count(&known), 1);
    }
}
