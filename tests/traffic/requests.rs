//! What the tests here have in common.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use gateway_core::RoutingService;
use gateway_core::model::{Backend, BackendRef, Hostname, Policy, Route, Rule};
use gateway_tests::{Client, Origin, Reply, Site, answer};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body::Body;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use tokio::sync::Semaphore;
use tower::ServiceExt;

/// A rule that sends to the backend called `origin`.
pub(crate) fn rule() -> Rule {
    Rule::new().with_backend(BackendRef::new("origin".into()))
}

/// Everything goes to `backend`.
pub(crate) fn to(backend: Backend) -> Site {
    Site::new().rule(rule()).backend_of("origin", backend)
}

/// A backend whose every answer is `status` with `text`.
pub(crate) async fn answering(status: u16, text: &'static str) -> Origin {
    Origin::http1(move |_| async move { answer(status, text) }).await
}

/// As [`answering`], where each answer takes a permit, and waits for it.
pub(crate) async fn gated(gate: &Arc<Semaphore>, status: u16, text: &'static str) -> Origin {
    let gate = Arc::clone(gate);
    Origin::http1(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            answer(status, text)
        }
    })
    .await
}

/// A route for one host that does `policies` about what it sends to `origin`.
pub(crate) fn host(host: &str, policies: impl IntoIterator<Item = Policy>) -> Route {
    let route = Route::new(host).with_hostname(Hostname::new(host).unwrap());
    let route = policies.into_iter().fold(route, Route::with_policy);
    route.with_rule(rule())
}

/// A request for `target` of `host` with fields.
pub(crate) fn get(host: &str, target: &str, fields: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    let request = Request::get(target).header("host", host);
    let request = fields.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(Empty::new()).unwrap()
}

/// `body` in frames of so many bytes, whose number nobody knows before, and a trailer.
pub(crate) fn streamed(
    body: &Bytes,
    size: usize,
) -> impl Body<Data = Bytes, Error = Infallible> + Send + use<> {
    let frames: Vec<_> = body.chunks(size).map(Bytes::copy_from_slice).collect();
    let sum = HeaderName::from_static("x-sum");
    let trailers = HeaderMap::from_iter([(sum, HeaderValue::from_static("1"))]);
    let frames = frames.into_iter().map(Frame::data);
    let frames = frames.chain([Frame::trailers(trailers)]);
    StreamBody::new(stream::iter(frames.map(Ok)))
}

/// How often each status came of `count` requests, made by several clients at once.
pub(crate) async fn statuses(
    address: SocketAddr,
    clients: usize,
    count: usize,
    request: impl Fn() -> Request<Empty<Bytes>> + Send + Sync + 'static,
) -> std::collections::BTreeMap<u16, usize> {
    let request = Arc::new(request);
    let each = (0..clients).map(|client| {
        let request = Arc::clone(&request);
        let share = count / clients + usize::from(client < count % clients);
        tokio::spawn(async move {
            let mut client = Client::http1(address).await;
            let mut replies = Vec::new();
            for _ in 0..share {
                replies.push(client.call(request()).await.status.as_u16());
            }
            replies
        })
    });
    let mut counts = std::collections::BTreeMap::new();
    for replies in each.collect::<Vec<_>>() {
        for status in replies.await.unwrap() {
            *counts.entry(status).or_default() += 1;
        }
    }
    counts
}

/// What `client` is answered.
pub(crate) async fn ask(client: &mut Client, host: &str, target: &str) -> Reply {
    client.call(get(host, target, &[])).await
}

/// Status and body that a routing service answers, for tests whose clock the threads of a gateway
/// would not share.
pub(crate) async fn answered(
    routing: &RoutingService,
    request: Request<Empty<Bytes>>,
) -> (u16, String) {
    let Ok(response) = routing.clone().oneshot(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}
