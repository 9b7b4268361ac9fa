//! Which copies are sent, and what becomes of them.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tower::util::BoxCloneService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use super::super::*;
use crate::script::{Script, Step, assert_thread_safe, data, read};
use crate::{BoxError, Fraction};

type Shadow = BoxCloneService<Request<MirrorBody>, Response<Full<Bytes>>, BoxError>;
type Received = mpsc::UnboundedReceiver<(Request<()>, Result<Vec<u8>, BoxError>)>;

/// A mirror that tells what it gets.
fn shadow() -> (Shadow, Received) {
    let (seen, received) = mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<MirrorBody>| {
        let seen = seen.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = read(body).await.map(|(bytes, _)| bytes);
            seen.send((Request::from_parts(head, ()), body))
                .expect("the test listens");
            Ok(Response::new(Full::default()))
        }
    });
    (BoxCloneService::new(service), received)
}

/// A mirror that never answers.
fn stuck() -> Shadow {
    BoxCloneService::new(service_fn(|_| pending()))
}

/// A main backend that answers with the body.
async fn echo<B>(request: Request<B>) -> Result<Response<Vec<u8>>, BoxError>
where
    B: Body<Data = Bytes, Error = BoxError>,
{
    Ok(Response::new(read(request.into_body()).await?.0))
}

async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

fn settings() -> MirrorSettings {
    MirrorSettings::new()
}

fn upload() -> Request<Script> {
    Request::new(Script::data(["hel", "lo"]))
}

#[tokio::test(start_paused = true)]
async fn both_backends_get_the_request() {
    let (shadow, mut received) = shadow();
    let layer = MirrorLayer::new(shadow, settings());

    let response = layer
        .layer(service_fn(echo))
        .oneshot(upload())
        .await
        .expect("answered");

    assert_eq!(response.into_body(), b"hello");
    let (_, body) = received.recv().await.expect("mirrored");
    assert_eq!(body.expect("whole"), b"hello");
    assert_eq!((layer.mirrors().sent(), layer.mirrors().dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn copy_has_the_same_head_without_extensions() {
    let (shadow, mut received) = shadow();
    let mut request = upload();
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("/cart?item=1");
    *request.version_mut() = Version::HTTP_2;
    request
        .headers_mut()
        .insert(HOST, "shop.example".parse().expect("a value"));
    request.extensions_mut().insert("of the client");
    let headers: HeaderMap = request.headers().clone();

    let service = MirrorLayer::new(shadow, settings()).layer(service_fn(echo));
    service.oneshot(request).await.expect("answered");

    let (copy, _) = received.recv().await.expect("mirrored");
    assert_eq!(
        (copy.method(), copy.uri()),
        (&Method::POST, &Uri::from_static("/cart?item=1"))
    );
    assert_eq!(
        (copy.version(), copy.headers()),
        (Version::HTTP_2, &headers)
    );
    assert!(copy.extensions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn stuck_mirror_delays_nobody() {
    let service = MirrorLayer::new(stuck(), settings()).layer(service_fn(echo));
    let start = Instant::now();

    let response = service.oneshot(upload()).await.expect("answered");

    assert_eq!(response.into_body(), b"hello");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn stacked_layers_are_several_mirrors() {
    let (one, mut first) = shadow();
    let (two, mut second) = shadow();
    let service = ServiceBuilder::new()
        .layer(MirrorLayer::new(one, settings()))
        .layer(MirrorLayer::new(two, settings()))
        .service(service_fn(echo));

    let response = service.oneshot(upload()).await.expect("answered");

    assert_eq!(response.into_body(), b"hello");
    assert_eq!(
        first.recv().await.expect("mirrored").1.expect("whole"),
        b"hello"
    );
    assert_eq!(
        second.recv().await.expect("mirrored").1.expect("whole"),
        b"hello"
    );
}

#[tokio::test(start_paused = true)]
async fn request_that_is_not_chosen_is_left_alone() {
    let (shadow, mut received) = shadow();
    let layer = MirrorLayer::new(shadow, settings().with_fraction(Fraction::NEVER));
    let inner = service_fn(|request: Request<TeeBody<Script>>| {
        ready(Ok::<_, BoxError>(Response::new(
            request.into_body().try_into_inner().is_ok(),
        )))
    });

    let response = layer
        .layer(inner)
        .oneshot(upload())
        .await
        .expect("answered");
    settle().await;

    assert!(response.into_body());
    assert!(received.try_recv().is_err());
    assert_eq!((layer.mirrors().sent(), layer.mirrors().dropped()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn tunnel_is_not_mirrored() {
    let layer = MirrorLayer::new(stuck(), settings());
    let mut connect = upload();
    *connect.method_mut() = Method::CONNECT;
    let mut upgrade = upload();
    upgrade
        .headers_mut()
        .insert(CONNECTION, "upgrade".parse().expect("a value"));

    for tunnel in [connect, upgrade] {
        layer
            .layer(service_fn(echo))
            .oneshot(tunnel)
            .await
            .expect("answered");
    }

    assert_eq!(layer.mirrors().sent(), 0);
}

#[tokio::test(start_paused = true)]
async fn copies_beyond_the_maximum_are_dropped() {
    let layer = MirrorLayer::new(stuck(), settings().with_max_in_flight(2));

    for _ in 0..5 {
        let response = layer
            .layer(service_fn(echo))
            .oneshot(upload())
            .await
            .expect("answered");
        assert_eq!(response.into_body(), b"hello");
    }

    assert_eq!((layer.mirrors().sent(), layer.mirrors().dropped()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn copy_that_takes_too_long_gives_its_place_away() {
    let second = Duration::from_secs(1);
    let layer = MirrorLayer::new(
        stuck(),
        settings().with_max_in_flight(1).with_timeout(second),
    );
    layer
        .layer(service_fn(echo))
        .oneshot(upload())
        .await
        .expect("answered");

    sleep(second + Duration::from_millis(10)).await;
    layer
        .layer(service_fn(echo))
        .oneshot(upload())
        .await
        .expect("answered");

    assert_eq!((layer.mirrors().sent(), layer.mirrors().dropped()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn zero_is_no_limit_for_a_copy() {
    let layer = MirrorLayer::new(
        stuck(),
        settings()
            .with_max_in_flight(1)
            .with_timeout(Duration::ZERO),
    );
    layer
        .layer(service_fn(echo))
        .oneshot(upload())
        .await
        .expect("answered");

    sleep(Duration::from_secs(86_400)).await;
    layer
        .layer(service_fn(echo))
        .oneshot(upload())
        .await
        .expect("answered");

    assert_eq!((layer.mirrors().sent(), layer.mirrors().dropped()), (1, 1));
}

/// The main backend has the whole request, and the client does not wait for the answer.
#[tokio::test(start_paused = true)]
async fn copy_goes_on_when_the_client_leaves() {
    let (seen, mut received) = mpsc::unbounded_channel();
    let slow = service_fn(move |request: Request<MirrorBody>| {
        let seen = seen.clone();
        async move {
            sleep(Duration::from_secs(5)).await;
            let body = read(request.into_body()).await?.0;
            seen.send(body)?;
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::default()))
        }
    });
    let silent = service_fn(|request: Request<TeeBody<Script>>| async {
        echo(request).await?;
        pending::<Result<Response<()>, BoxError>>().await
    });
    let call = MirrorLayer::new(slow, settings())
        .layer(silent)
        .oneshot(upload());

    let outcome = tokio::time::timeout(Duration::from_secs(1), call).await;

    assert!(outcome.is_err());
    assert_eq!(received.recv().await.expect("mirrored"), b"hello");
}

#[tokio::test(start_paused = true)]
async fn copy_of_half_a_body_fails_when_the_client_leaves() {
    let (shadow, mut received) = shadow();
    let body = Script::new([data("half"), Step::Hang]);
    let call = MirrorLayer::new(shadow, settings())
        .layer(service_fn(echo))
        .oneshot(Request::new(body));

    let outcome = tokio::time::timeout(Duration::from_secs(1), call).await;

    assert!(outcome.is_err());
    let error = received
        .recv()
        .await
        .expect("mirrored")
        .1
        .expect_err("half a body");
    assert!(error.is::<MirroredBodyAborted>());
}

#[tokio::test(start_paused = true)]
async fn failing_mirror_is_ignored() {
    let failing = service_fn(|_: Request<MirrorBody>| {
        ready(Err::<Response<Full<Bytes>>, BoxError>("refused".into()))
    });
    let layer = MirrorLayer::new(failing, settings().with_max_in_flight(1));

    for _ in 0..2 {
        let response = layer
            .layer(service_fn(echo))
            .oneshot(upload())
            .await
            .expect("answered");
        assert_eq!(response.into_body(), b"hello");
        settle().await;
    }

    assert_eq!((layer.mirrors().sent(), layer.mirrors().dropped()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn mirror_that_never_gets_ready_is_ignored() {
    #[derive(Clone)]
    struct Closed;

    impl Service<Request<MirrorBody>> for Closed {
        type Response = Response<Full<Bytes>>;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Self::Response, BoxError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Err("closed".into()))
        }

        fn call(&mut self, _: Request<MirrorBody>) -> Self::Future {
            unreachable!("it is not ready")
        }
    }

    let service = MirrorLayer::new(Closed, settings()).layer(service_fn(echo));
    let response = service.oneshot(upload()).await.expect("answered");
    settle().await;

    assert_eq!(response.into_body(), b"hello");
}

/// A body without end that counts how much of it was read.
struct Endless(Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.fetch_add(65_536, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 65_536])))))
    }
}

#[tokio::test(start_paused = true)]
async fn answer_of_a_mirror_is_read_within_bounds() {
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let generous = service_fn(move |_: Request<MirrorBody>| {
        ready(Ok::<_, BoxError>(Response::new(Endless(Arc::clone(
            &counted,
        )))))
    });
    let service = MirrorLayer::new(generous, settings()).layer(service_fn(echo));

    service.oneshot(upload()).await.expect("answered");
    settle().await;

    let read = read.load(Ordering::Relaxed);
    assert!((1 << 20..=(1 << 20) + 65_536).contains(&read), "{read}");
}

#[tokio::test(start_paused = true)]
async fn dropped_slot_frees_its_place() {
    let mirrors = Mirrors::new(settings().with_max_in_flight(1));

    drop(mirrors.admit(&upload()).expect("a place"));

    assert!(mirrors.admit(&upload()).is_some());
    assert_eq!((mirrors.sent(), mirrors.dropped()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn mirrors_that_are_data_need_no_layer() {
    let (shadow, mut received) = shadow();
    let mirrors = [
        Mirrors::new(settings()),
        Mirrors::new(settings().with_max_in_flight(0)),
    ];
    let request = upload();

    let slots: Vec<_> = mirrors
        .iter()
        .filter_map(|mirrors| mirrors.admit(&request))
        .collect();
    let (request, copies) = split(request, slots.iter().map(Slot::body_limit));
    for (slot, copy) in slots.into_iter().zip(copies) {
        slot.send(shadow.clone(), copy);
    }
    request.into_body().collect().await.expect("no error");

    assert_eq!(
        received.recv().await.expect("mirrored").1.expect("whole"),
        b"hello"
    );
    assert_eq!((mirrors[1].sent(), mirrors[1].dropped()), (0, 1));
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<MirrorLayer<()>>();
    assert_thread_safe::<Mirror<(), ()>>();
    assert_thread_safe::<TeeBody<Script>>();
    assert_thread_safe::<MirrorBody>();
    assert_thread_safe::<Mirrors>();
    assert_thread_safe::<Slot>();
}
