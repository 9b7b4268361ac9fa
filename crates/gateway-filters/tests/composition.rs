//! Layers in one stack: what the outer one makes of what the inner one did.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway_filters::access::AccessRule;
use gateway_filters::{
    AccessControl, AccessLayer, Answer, AnswerBody, Bandwidth, BodyLimit, BodyLimitLayer, BoxError,
    CircuitBreaker, CircuitBreakerLayer, ConcurrencyLimit, ConcurrencyLimitLayer, Cors, CorsLayer,
    Csrf, CsrfLayer, Fault, FaultLayer, Fraction, HeaderModifier, PathModifier, RateLimit,
    RateLimitLayer, Redirect, RedirectLayer, RequestHeaderModifierLayer, RequestIdLayer,
    RequestIds, RequestTimeoutLayer, ResponseBandwidthLayer, ResponseHeaderModifierLayer,
    RouteContext, Scheme, UrlRewrite, UrlRewriteLayer,
};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// Answers with the host and target it was asked for.
async fn echo(request: Request<()>) -> Result<Response<String>, BoxError> {
    let host = request.headers()["host"].to_str()?;
    Ok(Response::new(format!("{host} {}", request.uri())))
}

fn get(uri: &str) -> Request<()> {
    let context = RouteContext::new()
        .with_scheme(Scheme::Https)
        .with_listener_port(8443)
        .with_matched_prefix("/old");
    let request = Request::get(uri).header("host", "a.b").extension(context);
    request.body(()).expect("valid")
}

#[tokio::test]
async fn redirect_is_edited_by_the_layer_outside() {
    let modifier = HeaderModifier::new()
        .set("x-served-by", "edge")
        .expect("valid");
    let service = ServiceBuilder::new()
        .layer(ResponseHeaderModifierLayer::new(modifier))
        .layer(RedirectLayer::new(Redirect::new()))
        .service(service_fn(echo));

    let response = service.oneshot(get("/old/x")).await.expect("answered");

    assert_eq!(response.headers()["location"], "https://a.b:8443/old/x");
    assert_eq!(response.headers()["x-served-by"], "edge");
}

#[tokio::test]
async fn redirect_inside_a_rewrite_sees_the_rewritten_request() {
    let rewrite = UrlRewrite::new().with_hostname("c.d").expect("valid");
    let service = ServiceBuilder::new()
        .layer(UrlRewriteLayer::new(rewrite))
        .layer(RedirectLayer::new(Redirect::new()))
        .service(service_fn(echo));

    let response = service.oneshot(get("/old/x")).await.expect("answered");

    assert_eq!(response.headers()["location"], "https://c.d:8443/old/x");
}

#[tokio::test]
async fn preflight_does_not_reach_the_redirect_inside() {
    let cors = Cors::new().allow_origin("https://a.b").expect("valid");
    let service = ServiceBuilder::new()
        .layer(CorsLayer::new(cors))
        .layer(RedirectLayer::new(Redirect::new()))
        .service(service_fn(echo));
    let preflight = Request::options("/old/x")
        .header("origin", "https://a.b")
        .header("access-control-request-method", "PUT")
        .body(())
        .expect("valid");

    let response = service.oneshot(preflight).await.expect("answered");

    assert_eq!(response.status(), 204);
    assert!(!response.headers().contains_key("location"));
}

#[tokio::test]
async fn rewrite_has_the_last_word_on_the_host() {
    let modifier = HeaderModifier::new()
        .set("host", "from.header")
        .expect("valid");
    let rewrite = UrlRewrite::new()
        .with_hostname("from.rewrite")
        .expect("valid")
        .with_path(PathModifier::replace_prefix_match("/").expect("valid"));
    let service = ServiceBuilder::new()
        .layer(RequestHeaderModifierLayer::new(modifier))
        .layer(UrlRewriteLayer::new(rewrite))
        .service(service_fn(echo));

    let response = service.oneshot(get("/old/x?y=z")).await.expect("forwarded");

    assert_eq!(response.body(), "from.rewrite /x?y=z");
}

/// A body that cannot be made of bytes, nor of nothing, as those that hyper reads.
#[derive(Debug)]
struct Incoming(Full<Bytes>);

impl Body for Incoming {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }
}

async fn backend<B>(_: Request<B>) -> Result<Response<Incoming>, BoxError> {
    Ok(Response::new(Incoming(Full::from("from the backend"))))
}

async fn wrapped<B>(request: Request<B>) -> Result<Response<AnswerBody<Incoming>>, BoxError> {
    Ok(backend(request).await?.map(AnswerBody::inner))
}

/// What `service` answers to a bare request.
async fn answer<S, B>(service: S) -> (u16, Bytes)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = BoxError>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let request = Request::get("/").header("host", "a.b").body(Empty::new());
    let response = service.oneshot(request.expect("valid")).await;
    let (head, body) = response.expect("answered").into_parts();
    let body = body.collect().await.map_err(Into::into);
    (head.status.as_u16(), body.expect("whole").to_bytes())
}

/// Puts each layer that answers by itself over a service, and looks at its answer.
macro_rules! assert_all_fit_over {
    ($service:expr) => {{
        let limit = RateLimit::new(1, Duration::from_secs(1)).expect("valid");
        let stack = RateLimitLayer::new(limit).layer($service);
        let passed = answer(stack.clone()).await;
        assert_eq!(passed, (200, "from the backend".into()));
        assert_eq!(answer(stack).await, (429, "".into()));

        let teapot = Answer::new(418).expect("valid").with_text("short");
        let fault = Fault::new().with_abort(Fraction::ALWAYS, teapot);
        let stack = FaultLayer::new(fault).layer($service);
        assert_eq!(answer(stack).await, (418, "short".into()));

        let nobody = AccessControl::new().rule(AccessRule::deny());
        let stack = AccessLayer::new(nobody).layer($service);
        assert_eq!(answer(stack).await, (403, "".into()));

        let stack = RedirectLayer::new(Redirect::new()).layer($service);
        assert_eq!(answer(stack).await, (302, "".into()));

        let stack = CorsLayer::new(Cors::new()).layer($service);
        assert_eq!(answer(stack).await, (200, "from the backend".into()));
    }};
}

#[tokio::test]
async fn layers_that_answer_fit_over_those_that_answer_for_any_backend() {
    let layer = CsrfLayer::new(Csrf::new());
    assert_all_fit_over!(layer.layer(service_fn(backend)));
    let layer = CircuitBreakerLayer::new(CircuitBreaker::new());
    assert_all_fit_over!(layer.layer(service_fn(backend)));
    let layer = ConcurrencyLimitLayer::new(ConcurrencyLimit::new(NonZeroU32::MAX));
    assert_all_fit_over!(layer.layer(service_fn(backend)));
    let layer = BodyLimitLayer::new(BodyLimit::new().with_request(1));
    assert_all_fit_over!(layer.layer(service_fn(backend)));
}

#[tokio::test]
async fn layers_that_answer_fit_over_those_that_watch_a_wrapped_backend() {
    let layer = RequestTimeoutLayer::new(Duration::from_secs(1));
    assert_all_fit_over!(layer.layer(service_fn(wrapped)));
    let layer = ResponseBandwidthLayer::new(Bandwidth::new(1_000).expect("some"));
    assert_all_fit_over!(layer.layer(service_fn(wrapped)));
    let layer = RequestIdLayer::new(RequestIds::new());
    assert_all_fit_over!(layer.layer(service_fn(wrapped)));
}
