//! Filters of rules and backends, in the order in which they are written.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::num::NonZeroU16;
use std::sync::Arc;

use gateway_core::model::{BackendRef, BackendTarget, ExtensionRef, Filter, RequestMirror, Rule};
use gateway_core::{Body, BoxError, Gateway, RuleStack};
use gateway_filters::redirect::RedirectStatus;
use gateway_filters::{Cors, Fraction, HeaderModifier, PathModifier, Redirect, Scheme, UrlRewrite};
use gateway_tests::{Client, Origin, Site, TestGateway, Wire, prefix};
use http::{HeaderValue, Request, Response, StatusCode};
use tower::{Layer, Service, service_fn};

fn to(name: &str) -> BackendRef {
    BackendRef::new(name.into())
}

fn add_to_request(name: &str, value: &str) -> Filter {
    Filter::RequestHeaderModifier(Arc::new(HeaderModifier::new().add(name, value).unwrap()))
}

fn add_to_response(name: &str, value: &str) -> Filter {
    Filter::ResponseHeaderModifier(Arc::new(HeaderModifier::new().add(name, value).unwrap()))
}

fn redirect(redirect: Redirect) -> Filter {
    Filter::RequestRedirect(Arc::new(redirect))
}

fn rewrite(rewrite: UrlRewrite) -> Filter {
    Filter::UrlRewrite(Arc::new(rewrite))
}

fn mirror(name: &str, fraction: Fraction) -> Filter {
    Filter::RequestMirror(Arc::new(RequestMirror {
        backend: BackendTarget::Backend(name.into()),
        fraction,
    }))
}

/// A gateway whose only rule has `filters` and sends to an echo.
async fn filtered(filters: impl IntoIterator<Item = Filter>) -> (TestGateway, Origin) {
    let origin = Origin::echo().await;
    let rule = filters.into_iter().fold(Rule::new(), Rule::with_filter);
    let site = Site::new()
        .rule(rule.with_backend(to("origin")))
        .backend("origin", [origin.address()]);
    (TestGateway::single(&site), origin)
}

#[tokio::test]
async fn request_headers_are_set_added_and_removed() {
    let modifier = HeaderModifier::new()
        .set("x-set", "gateway")
        .unwrap()
        .add("X-Add", "gateway")
        .unwrap()
        .remove("x-remove")
        .unwrap();
    let (gateway, origin) = filtered([Filter::RequestHeaderModifier(Arc::new(modifier))]).await;
    let mut wire = Wire::connect(gateway.address()).await;

    wire.send(
        "GET / HTTP/1.1\r\nHost: a.test\r\nX-Set: client\r\nX-ADD: client\r\nX-Remove: client\r\n\r\n",
    )
    .await;
    assert_eq!(wire.response().await.unwrap().status, 200);

    let seen = origin.last();
    assert_eq!(seen.header("x-set"), Some("gateway"));
    assert!(!seen.headers.contains_key("x-remove"));
    let added: Vec<_> = seen.headers.get_all("x-add").iter().collect();
    assert_eq!(added, ["client", "gateway"]);
}

#[tokio::test]
async fn response_headers_are_edited_on_the_way_back_from_the_inside_out() {
    let origin = Origin::echo().await;
    let backend = to("origin").with_filter(add_to_response("x-trace", "backend"));
    let rule = Rule::new()
        .with_filter(add_to_response("x-trace", "first"))
        .with_filter(add_to_response("x-trace", "second"))
        .with_backend(backend);
    let site = Site::new().rule(rule).backend("origin", [origin.address()]);
    let gateway = TestGateway::single(&site);

    let reply = Client::http1(gateway.address()).await.get("/").await;

    let trace: Vec<_> = reply.headers.get_all("x-trace").iter().collect();
    assert_eq!(trace, ["backend", "second", "first"]);
}

#[tokio::test]
async fn filters_of_a_backend_agree_with_the_backend_that_is_reached() {
    let (a, b) = (Origin::echo().await, Origin::echo().await);
    let rule = Rule::new()
        .with_filter(add_to_request("x-path", "rule"))
        .with_backend(to("a").with_filter(add_to_request("x-path", "a")))
        .with_backend(to("b").with_filter(add_to_request("x-path", "b")));
    let site = Site::new()
        .rule(rule)
        .backend("a", [a.address()])
        .backend("b", [b.address()]);
    let gateway = TestGateway::single(&site);
    let mut client = Client::http1(gateway.address()).await;

    for _ in 0..20 {
        client.get("/").await;
    }

    for (origin, name) in [(&a, "a"), (&b, "b")] {
        assert_eq!(origin.count(), 10);
        for seen in origin.requests() {
            let path: Vec<_> = seen.headers.get_all("x-path").iter().collect();
            assert_eq!(path, ["rule", name]);
        }
    }
}

#[tokio::test]
async fn redirect_keeps_the_port_of_the_listener_unless_told_otherwise() {
    let port = |port| NonZeroU16::new(port).unwrap();
    let cases = [
        (Redirect::new(), 302, "http://a.test:{port}/x/y?q=1"),
        (
            Redirect::new().with_status(RedirectStatus::MovedPermanently),
            301,
            "http://a.test:{port}/x/y?q=1",
        ),
        (
            Redirect::new().with_hostname("b.test").unwrap(),
            302,
            "http://b.test:{port}/x/y?q=1",
        ),
        (
            Redirect::new().with_scheme(Scheme::Https),
            302,
            "https://a.test/x/y?q=1",
        ),
        (
            Redirect::new().with_scheme(Scheme::Http),
            302,
            "http://a.test/x/y?q=1",
        ),
        (
            Redirect::new().with_port(port(80)),
            302,
            "http://a.test/x/y?q=1",
        ),
        (
            Redirect::new()
                .with_port(port(8443))
                .with_scheme(Scheme::Https),
            302,
            "https://a.test:8443/x/y?q=1",
        ),
        (
            Redirect::new()
                .with_path(PathModifier::replace_full_path("/full").unwrap())
                .with_status(RedirectStatus::PermanentRedirect),
            308,
            "http://a.test:{port}/full?q=1",
        ),
        (
            Redirect::new().with_path(PathModifier::replace_prefix_match("/z").unwrap()),
            302,
            "http://a.test:{port}/z/y?q=1",
        ),
    ];

    for (settings, status, location) in cases {
        let rule = Rule::new()
            .with_match(prefix("/x"))
            .with_filter(redirect(settings.clone()));
        let gateway = TestGateway::single(&Site::new().rule(rule));

        let reply = Client::http1(gateway.address()).await.get("/x/y?q=1").await;

        let location = location.replace("{port}", &gateway.address().port().to_string());
        assert_eq!(reply.status.as_u16(), status, "{settings:?}");
        assert_eq!(reply.headers["location"], location, "{settings:?}");
    }
}

#[tokio::test]
async fn see_other_answers_a_post_and_its_connection_goes_on() {
    let status = Redirect::new().with_status(RedirectStatus::SeeOther);
    let (gateway, origin) = filtered([redirect(status)]).await;
    let mut wire = Wire::connect(gateway.address()).await;

    for _ in 0..2 {
        wire.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody")
            .await;
        assert_eq!(wire.response().await.unwrap().status, 303);
    }

    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn rewrite_changes_host_and_path_and_keeps_the_query() {
    let full = PathModifier::replace_full_path("/full").unwrap();
    let strip = PathModifier::replace_prefix_match("/").unwrap();
    let deeper = PathModifier::replace_prefix_match("/new/").unwrap();
    let cases = [
        (
            UrlRewrite::new().with_hostname("b.test").unwrap(),
            "/x/y",
            "b.test",
            "/x/y?q=1",
        ),
        (
            UrlRewrite::new().with_path(full),
            "/x/y",
            "a.test",
            "/full?q=1",
        ),
        (
            UrlRewrite::new().with_path(strip.clone()),
            "/x/y",
            "a.test",
            "/y?q=1",
        ),
        (UrlRewrite::new().with_path(strip), "/x", "a.test", "/?q=1"),
        (
            UrlRewrite::new().with_path(deeper),
            "/x/y",
            "a.test",
            "/new/y?q=1",
        ),
    ];

    for (settings, path, host, target) in cases {
        let origin = Origin::echo().await;
        for on_backend in [false, true] {
            let filter = rewrite(settings.clone());
            let rule = Rule::new().with_match(prefix("/x"));
            let rule = if on_backend {
                rule.with_backend(to("origin").with_filter(filter))
            } else {
                rule.with_filter(filter).with_backend(to("origin"))
            };
            let site = Site::new().rule(rule).backend("origin", [origin.address()]);
            let gateway = TestGateway::single(&site);

            Client::http1(gateway.address())
                .await
                .get(&format!("{path}?q=1"))
                .await;

            let seen = origin.last();
            assert_eq!(seen.host.as_deref(), Some(host), "{settings:?}");
            assert_eq!(seen.target, target, "{settings:?}");
            // The backend learns what the client asked for.
            assert_eq!(seen.header("x-forwarded-host"), Some("a.test"));
        }
    }
}

#[tokio::test]
async fn mirror_gets_head_and_body_of_every_request() {
    let (origin, copy) = (Origin::echo().await, Origin::echo_with(500).await);
    let rule = Rule::new()
        .with_filter(mirror("copy", Fraction::ALWAYS))
        .with_backend(to("origin"));
    let site = Site::new()
        .rule(rule)
        .backend("origin", [origin.address()])
        .backend("copy", [copy.address()]);
    let gateway = TestGateway::single(&site);

    let request = Request::post("/a?b=c")
        .header("host", "a.test")
        .body(http_body_util::Full::new("the body".into()))
        .unwrap();
    let reply = Client::http1(gateway.address()).await.call(request).await;

    assert_eq!(reply.status, StatusCode::OK);
    copy.until("the copy", |state| !state.requests.is_empty())
        .await;
    for seen in [origin.last(), copy.last()] {
        assert_eq!((&*seen.target, &*seen.body), ("/a?b=c", &b"the body"[..]));
        assert_eq!(seen.host.as_deref(), Some("a.test"));
    }
}

#[tokio::test]
async fn two_mirrors_each_get_a_copy_even_if_the_client_leaves() {
    let origin = Origin::echo().await;
    let (one, two) = (Origin::echo().await, Origin::echo_h2c().await);
    let rule = Rule::new()
        .with_filter(mirror("one", Fraction::ALWAYS))
        .with_filter(mirror("two", Fraction::ALWAYS))
        .with_backend(to("origin"));
    let h2c = gateway_core::model::Backend::new([two.address()])
        .with_protocol(gateway_core::model::BackendProtocol::H2c);
    let site = Site::new()
        .rule(rule)
        .backend("origin", [origin.address()])
        .backend("one", [one.address()])
        .backend_of("two", h2c);
    let gateway = TestGateway::single(&site);

    Client::http1(gateway.address()).await.get("/x").await;

    for mirror in [&one, &two] {
        mirror
            .until("the copy", |state| state.requests.len() == 1)
            .await;
    }
}

#[tokio::test]
async fn mirror_gets_its_share() {
    let (origin, copy) = (Origin::echo().await, Origin::echo().await);
    let rule = Rule::new()
        .with_filter(mirror("copy", Fraction::from_percent(20).unwrap()))
        .with_filter(mirror("none", Fraction::NEVER))
        .with_backend(to("origin"));
    let never = Origin::echo().await;
    let site = Site::new()
        .rule(rule)
        .backend("origin", [origin.address()])
        .backend("copy", [copy.address()])
        .backend("none", [never.address()]);
    let gateway = TestGateway::single(&site);
    let mut client = Client::http1(gateway.address()).await;

    for _ in 0..500 {
        assert_eq!(client.get("/").await.status, StatusCode::OK);
    }

    copy.until("most copies", |state| state.requests.len() >= 50)
        .await;
    // Five standard deviations around 100.
    assert!((55..=145).contains(&copy.count()), "{}", copy.count());
    assert_eq!(never.count(), 0);
}

#[tokio::test]
async fn mirror_that_does_not_exist_hurts_nobody() {
    let (gateway, origin) = filtered([
        Filter::RequestMirror(Arc::new(RequestMirror {
            backend: BackendTarget::Invalid("no such Service".into()),
            fraction: Fraction::ALWAYS,
        })),
        mirror("unknown", Fraction::ALWAYS),
    ])
    .await;

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(origin.count(), 1);
}

fn cors() -> Filter {
    let cors = Cors::new()
        .allow_origin("https://www.foo.test")
        .unwrap()
        .allow_method("PUT")
        .unwrap()
        .allow_header("x-header")
        .unwrap();
    Filter::Cors(Arc::new(cors))
}

#[tokio::test]
async fn preflight_is_answered_and_never_reaches_the_backend() {
    let (gateway, origin) = filtered([cors()]).await;
    let mut wire = Wire::connect(gateway.address()).await;

    wire.send("OPTIONS /x HTTP/1.1\r\nHost: a.test\r\nOrigin: https://www.foo.test\r\nAccess-Control-Request-Method: PUT\r\n\r\n").await;
    let allowed = wire.response_to("OPTIONS").await.unwrap();
    wire.send("OPTIONS /x HTTP/1.1\r\nHost: a.test\r\nOrigin: https://evil.test\r\nAccess-Control-Request-Method: PUT\r\n\r\n").await;
    let refused = wire.response_to("OPTIONS").await.unwrap();

    assert!(matches!(allowed.status, 200 | 204));
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "https://www.foo.test"
    );
    assert_eq!(allowed.headers["access-control-allow-methods"], "PUT");
    assert!(!refused.headers.contains_key("access-control-allow-origin"));
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn simple_request_is_forwarded_whatever_its_origin() {
    let (gateway, origin) = filtered([cors()]).await;
    let mut wire = Wire::connect(gateway.address()).await;

    let mut told = Vec::new();
    for from in ["https://www.foo.test", "https://evil.test"] {
        wire.send(format!(
            "GET / HTTP/1.1\r\nHost: a.test\r\nOrigin: {from}\r\n\r\n"
        ))
        .await;
        let answer = wire.response().await.unwrap();
        assert_eq!(answer.status, 200);
        told.push(answer.headers.contains_key("access-control-allow-origin"));
    }

    assert_eq!(told, [true, false]);
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn filter_that_is_not_resolved_fails_its_requests() {
    let (gateway, origin) = filtered([Filter::Invalid("unknown type".into())]).await;

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(reply.text(), "unresolved_filter");
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn filter_before_an_unresolved_one_may_still_answer() {
    let (gateway, _origin) = filtered([
        redirect(Redirect::new()),
        Filter::Invalid("unknown type".into()),
    ])
    .await;

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::FOUND);
}

#[tokio::test]
async fn unresolved_filter_of_a_backend_fails_its_share_only() {
    let (good, bad) = (Origin::echo().await, Origin::echo().await);
    let rule = Rule::new()
        .with_backend(to("good"))
        .with_backend(to("bad").with_filter(Filter::Invalid("unknown type".into())));
    let site = Site::new()
        .rule(rule)
        .backend("good", [good.address()])
        .backend("bad", [bad.address()]);
    let gateway = TestGateway::single(&site);
    let mut client = Client::http1(gateway.address()).await;

    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(client.get("/").await.status.as_u16());
    }

    assert_eq!(statuses.iter().filter(|status| **status == 500).count(), 5);
    assert_eq!((good.count(), bad.count()), (5, 0));
}

/// A layer of somebody else's: notes that it was passed, both ways, and refuses
/// what asks for it.
#[derive(Clone)]
struct Mark(&'static str);

impl<S> Layer<S> for Mark {
    type Service = MarkService<S>;

    fn layer(&self, inner: S) -> MarkService<S> {
        MarkService {
            inner,
            name: self.0,
        }
    }
}

#[derive(Clone)]
struct MarkService<S> {
    inner: S,
    name: &'static str,
}

impl<S> Service<Request<Body>> for MarkService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send + 'static>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let name = HeaderValue::from_static(self.name);
        if request.headers().contains_key("x-refuse") {
            return Box::pin(async { Err("the layer refuses".into()) });
        }
        request.headers_mut().append("x-trace", name.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            response.headers_mut().append("x-trace", name);
            Ok(response)
        })
    }
}

fn named(name: &str) -> ExtensionRef {
    ExtensionRef::new("example.test", "Mark", name)
}

async fn extended(rule: impl FnOnce(Rule, BackendRef) -> Rule) -> (TestGateway, Origin) {
    let origin = Origin::echo().await;
    let site = Site::new()
        .rule(rule(Rule::new(), to("origin")))
        .backend("origin", [origin.address()]);
    let builder = Gateway::builder()
        .workers(1)
        .layer(named("one"), Mark("one"))
        .layer(named("two"), Mark("two"));
    (TestGateway::serve(builder, site.configuration()), origin)
}

#[tokio::test]
async fn custom_layers_run_where_they_are_written() {
    let (gateway, origin) = extended(|rule, backend| {
        rule.with_filter(add_to_request("x-trace", "before"))
            .with_filter(Filter::Extension(named("one")))
            .with_filter(add_to_request("x-trace", "between"))
            .with_filter(add_to_response("x-trace", "between"))
            .with_filter(Filter::Extension(named("two")))
            .with_filter(add_to_request("x-trace", "after"))
            .with_backend(
                backend
                    .with_filter(add_to_request("x-trace", "backend"))
                    .with_filter(Filter::Extension(named("one"))),
            )
    })
    .await;

    let reply = Client::http1(gateway.address()).await.get("/").await;

    let forth: Vec<_> = origin
        .last()
        .headers
        .get_all("x-trace")
        .iter()
        .cloned()
        .collect();
    assert_eq!(
        forth,
        ["before", "one", "between", "two", "after", "backend", "one"]
    );
    let back: Vec<_> = reply.headers.get_all("x-trace").iter().collect();
    assert_eq!(back, ["one", "two", "between", "one"]);
}

#[tokio::test]
async fn error_of_a_custom_layer_is_500_and_says_nothing() {
    let (gateway, origin) = extended(|rule, backend| {
        rule.with_filter(Filter::Extension(named("one")))
            .with_backend(backend)
    })
    .await;
    let mut wire = Wire::connect(gateway.address()).await;

    wire.send("GET / HTTP/1.1\r\nHost: a.test\r\nX-Refuse: 1\r\n\r\n")
        .await;
    let answer = wire.response().await.unwrap();

    assert_eq!((answer.status, answer.text()), (500, "unexpected"));
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn name_without_a_layer_fails_its_requests() {
    for on_backend in [false, true] {
        let filter = Filter::Extension(named("three"));
        let (gateway, origin) = extended(|rule, backend| {
            if on_backend {
                rule.with_backend(backend.with_filter(filter))
            } else {
                rule.with_filter(Filter::Extension(named("one")))
                    .with_filter(filter)
                    .with_backend(backend)
            }
        })
        .await;

        let reply = Client::http1(gateway.address()).await.get("/").await;

        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reply.text(), "unresolved_filter");
        assert_eq!(origin.count(), 0);
    }
}

#[tokio::test]
async fn custom_layer_may_answer_itself() {
    let origin = Origin::echo().await;
    let rule = Rule::new()
        .with_filter(add_to_response("x-outer", "1"))
        .with_filter(Filter::Extension(named("teapot")))
        .with_backend(to("origin"));
    let site = Site::new().rule(rule).backend("origin", [origin.address()]);
    let teapot = tower::layer::layer_fn(|_inner: RuleStack| {
        service_fn(|_: Request<Body>| async {
            let mut response = Response::new(Body::from("short and stout"));
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
            Ok::<_, BoxError>(response)
        })
    });
    let builder = Gateway::builder().workers(1).layer(named("teapot"), teapot);
    let gateway = TestGateway::serve(builder, site.configuration());

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(reply.text(), "short and stout");
    assert_eq!(reply.headers["x-outer"], "1");
    assert_eq!(origin.count(), 0);
}
