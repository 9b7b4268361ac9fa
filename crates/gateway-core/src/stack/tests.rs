use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway_filters::timeout::RequestTimedOut;
use gateway_filters::{Cors, HeaderModifier, Redirect, RetryPolicy, UrlRewrite};
use gateway_lb::balance::NoReadyEndpoint;
use gateway_lb::pool::{Pool, PoolSettings};
use http::{HeaderValue, Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, layer::layer_fn, service_fn};

use super::*;
use crate::l4::StreamLayers;
use crate::model::{
    Backend, BackendRef, BackendTarget, Configuration, ExtensionRef, Filter, Gateway, Listener,
    Route, Rule, Timeouts,
};
use crate::{Body, BoxError};

/// What the layers of a test saw, in order.
type Seen = Arc<Mutex<Vec<String>>>;

fn name(name: &str) -> ExtensionRef {
    ExtensionRef::new("", "Layer", name)
}

/// A layer that notes the `x-way` field of each request, and forwards it.
fn noting(seen: &Seen, name: &'static str) -> impl Layer<RuleStack, Service = RuleStack> + use<> {
    let seen = Arc::clone(seen);
    layer_fn(move |inner: RuleStack| {
        let seen = Arc::clone(&seen);
        RuleStack::new(service_fn(move |request: Request<Body>| {
            let way = request.headers().get_all("x-way").iter();
            let way: Vec<_> = way.map(|step| step.to_str().unwrap()).collect();
            seen.lock()
                .unwrap()
                .push(format!("{name}: {}", way.join(" ")));
            inner.clone().oneshot(request)
        }))
    })
}

/// A layer that answers with `status`.
fn answering(status: StatusCode) -> impl Layer<RuleStack, Service = RuleStack> {
    layer_fn(move |_| {
        RuleStack::new(service_fn(move |_| async move {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            Ok::<_, BoxError>(response)
        }))
    })
}

fn assembler(extensions: Extensions) -> Assembler {
    let backends = Backends::new(Pool::new(PoolSettings::default()));
    Assembler::new(backends, extensions, StreamLayers::default())
}

/// `rule` as the only one of a route, at a listener of its own.
fn assemble(assembler: &Assembler, rule: &Rule) -> LiveRule {
    let route = Route::new("route").with_rule(rule.clone());
    assembler.assemble(&Listener::http("web", 80), &route, 0)
}

fn add(value: &str) -> Filter {
    let modifier = HeaderModifier::new().add("x-way", value).unwrap();
    Filter::RequestHeaderModifier(Arc::new(modifier))
}

fn request() -> Request<Body> {
    Request::builder()
        .uri("/")
        .header("host", "a.test")
        .body(Body::empty())
        .unwrap()
}

async fn call(rule: &LiveRule) -> Result<Response<Body>, BoxError> {
    rule.stack.clone().oneshot(request()).await
}

#[tokio::test]
async fn filters_run_in_their_order_with_layers_among_them() {
    let seen = Seen::default();
    let mut extensions = Extensions::default();
    extensions.insert(name("one"), noting(&seen, "one"));
    extensions.insert(name("two"), noting(&seen, "two"));
    extensions.insert(name("end"), answering(StatusCode::IM_A_TEAPOT));
    let backend = BackendRef::invalid("never reached")
        .with_filter(add("d"))
        .with_filter(Filter::Extension(name("two")))
        .with_filter(Filter::Extension(name("end")));
    let rule = Rule::new()
        .with_filter(add("a"))
        .with_filter(add("b"))
        .with_filter(Filter::Extension(name("one")))
        .with_filter(add("c"))
        .with_backend(backend);

    let response = call(&assemble(&assembler(extensions), &rule))
        .await
        .unwrap();

    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(*seen.lock().unwrap(), ["one: a b", "two: a b c d"]);
}

#[tokio::test]
async fn retries_are_inside_the_rules_filters_and_around_the_backends() {
    let seen = Seen::default();
    let mut extensions = Extensions::default();
    extensions.insert(name("rule"), noting(&seen, "rule"));
    extensions.insert(name("backend"), noting(&seen, "backend"));
    extensions.insert(name("end"), answering(StatusCode::BAD_GATEWAY));
    let backend = BackendRef::invalid("never reached")
        .with_filter(Filter::Extension(name("backend")))
        .with_filter(Filter::Extension(name("end")));
    let retry = RetryPolicy::new()
        .with_attempts(2)
        .with_backoff(Duration::ZERO)
        .with_codes([StatusCode::BAD_GATEWAY])
        .unwrap();
    let rule = Rule::new()
        .with_filter(add("a"))
        .with_filter(Filter::Extension(name("rule")))
        .with_retry(retry)
        .with_backend(backend);

    let response = call(&assemble(&assembler(extensions), &rule))
        .await
        .unwrap();

    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, ["rule: a", "backend: a", "backend: a", "backend: a"]);
}

#[tokio::test(start_paused = true)]
async fn request_timeout_is_around_everything() {
    let mut extensions = Extensions::default();
    let stuck = layer_fn(|_: RuleStack| {
        RuleStack::new(service_fn(|_| {
            std::future::pending::<Result<_, BoxError>>()
        }))
    });
    extensions.insert(name("stuck"), stuck);
    let rule = Rule::new()
        .with_filter(Filter::Extension(name("stuck")))
        .with_timeouts(Timeouts {
            request: Some(Duration::from_secs(1)),
            backend_request: None,
        });

    let error = call(&assemble(&assembler(extensions), &rule))
        .await
        .unwrap_err();

    assert!(error.is::<RequestTimedOut>(), "{error}");
}

#[tokio::test]
async fn layer_without_a_name_stands_for_an_error() {
    let seen = Seen::default();
    let mut extensions = Extensions::default();
    extensions.insert(name("outer"), noting(&seen, "outer"));
    let rule = Rule::new()
        .with_filter(Filter::Extension(name("outer")))
        .with_filter(Filter::Extension(name("unknown")))
        .with_backend(BackendRef::invalid("never reached"));

    let error = call(&assemble(&assembler(extensions), &rule))
        .await
        .unwrap_err();

    assert!(error.is::<UnresolvedFilter>(), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn layers_wrap_what_they_are_given_once_for_each_use() {
    let wrapped = Arc::new(Mutex::new(0));
    let counting = {
        let wrapped = Arc::clone(&wrapped);
        layer_fn(move |inner: RuleStack| {
            *wrapped.lock().unwrap() += 1;
            inner
        })
    };
    let mut extensions = Extensions::default();
    extensions.insert(name("counted"), counting);
    let filter = || Filter::Extension(name("counted"));
    let backend = || BackendRef::invalid("none").with_filter(filter());
    let rule = Rule::new()
        .with_filter(filter())
        .with_backend(backend())
        .with_backend(backend());

    assemble(&assembler(extensions), &rule);

    assert_eq!(*wrapped.lock().unwrap(), 3);
}

#[tokio::test]
async fn rule_without_backends_is_an_invalid_one() {
    let error = call(&assemble(&assembler(Extensions::default()), &Rule::new()))
        .await
        .unwrap_err();

    assert!(error.is::<InvalidBackend>(), "{error}");
}

#[test]
fn only_filters_that_ask_for_it_want_the_context() {
    let redirect = Filter::RequestRedirect(Arc::new(Redirect::new()));
    let rewrite = Filter::UrlRewrite(Arc::new(UrlRewrite::new()));
    let assembler = assembler(Extensions::default());
    let wants = |rule: Rule| {
        let needs = assemble(&assembler, &rule).needs;
        needs.is_some_and(|needs| needs.context)
    };

    assert!(!wants(Rule::new().with_filter(add("a"))));
    assert!(!wants(
        Rule::new().with_filter(Filter::Cors(Arc::new(Cors::new())))
    ));
    assert!(wants(Rule::new().with_filter(redirect)));
    assert!(wants(
        Rule::new().with_filter(Filter::Extension(name("any")))
    ));
    let backend = BackendRef::new("a".into()).with_filter(rewrite);
    assert!(wants(Rule::new().with_backend(backend)));
}

fn with_backend(backend: Backend) -> Configuration {
    Configuration::new().with_backend("a", backend)
}

fn at(port: u16) -> Backend {
    Backend::new([SocketAddr::from(([127, 0, 0, 1], port))])
}

async fn error_of(service: &UpstreamService) -> BoxError {
    service.clone().call(request()).await.unwrap_err()
}

#[tokio::test]
async fn backend_keeps_its_identity_over_changes() {
    let backends = Backends::new(Pool::new(PoolSettings::default()));
    let service = backends.service(&BackendTarget::Backend("a".into()));
    assert!(error_of(&service).await.is::<InvalidBackend>());

    // The service is the same one all the time.
    backends.update(&with_backend(Backend::new([])));
    assert!(error_of(&service).await.is::<NoReadyEndpoint>());
    backends.update(&referring_to_nothing());
    backends.retire(&referring_to_nothing());
    assert!(error_of(&service).await.is::<InvalidBackend>());
    backends.update(&with_backend(Backend::new([])));
    assert!(error_of(&service).await.is::<NoReadyEndpoint>());
}

/// A rule refers to backend `a`, which does not exist.
fn referring_to_nothing() -> Configuration {
    let rule = Rule::new().with_backend(BackendRef::new("a".into()));
    let listener = Listener::http("web", 80).with_route(Route::new("route").with_rule(rule));

    Configuration::new().with_gateway(Gateway::new("edge").with_listener(listener))
}

#[test]
fn name_is_looked_up_from_the_moment_it_is_configured() {
    let backends = Backends::new(Pool::new(PoolSettings::default()));
    let named = with_backend(Backend::dns("backend.test", 80));

    assert_eq!(backends.update(&with_backend(at(1))).len(), 0);
    assert_eq!(backends.update(&named).len(), 1);
    assert_eq!(backends.update(&named).len(), 0);
    assert_eq!(backends.update(&with_backend(at(1))).len(), 0);
    assert_eq!(backends.update(&named).len(), 1);
}

#[tokio::test]
async fn erased_stack_is_shared_by_its_clones() {
    let counts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let stack = {
        let counts = Arc::clone(&counts);
        RuleStack::new(service_fn(move |request: Request<Body>| {
            let who = request.headers()["x-who"].to_str().unwrap().to_owned();
            *counts.lock().unwrap().entry(who).or_default() += 1;
            async { Ok::<_, BoxError>(Response::new(Body::empty())) }
        }))
    };

    for who in ["one", "two", "one"] {
        let mut request = request();
        request
            .headers_mut()
            .insert("x-who", HeaderValue::from_static(who));
        stack.clone().oneshot(request).await.unwrap();
    }

    assert_eq!(counts.lock().unwrap()["one"], 2);
    assert_eq!(counts.lock().unwrap()["two"], 1);
}
