use http::{Method, Request, Response, Uri};
use proptest::prelude::*;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

use super::*;
use crate::context::RouteContext;
use crate::path::PathModifier;

fn get(uri: &str) -> Request<()> {
    let request = Request::get(uri).header("host", "a.b:80").body(());
    request.expect("valid")
}

fn to_prefix(path: &str) -> UrlRewrite {
    UrlRewrite::new().with_path(PathModifier::replace_prefix_match(path).expect("valid"))
}

fn to_path(path: &str) -> UrlRewrite {
    UrlRewrite::new().with_path(PathModifier::replace_full_path(path).expect("valid"))
}

fn to_host(hostname: &str) -> UrlRewrite {
    UrlRewrite::new().with_hostname(hostname).expect("valid")
}

fn rewritten(rewrite: &UrlRewrite, mut request: Request<()>, prefix: &str) -> Request<()> {
    let context = RouteContext::new().with_matched_prefix(prefix);
    rewrite.apply(&mut request, &context).expect("short enough");
    request
}

#[test]
fn prefix_is_stripped_as_conformance_asks() {
    for (path, expected) in [
        ("/strip-prefix", "/"),
        ("/strip-prefix/", "/"),
        ("/strip-prefix/three", "/three"),
        ("/strip-prefix/three?x=1", "/three?x=1"),
        ("/strip-prefix?x=1", "/?x=1"),
    ] {
        let request = rewritten(&to_prefix("/"), get(path), "/strip-prefix");

        assert_eq!(request.uri(), expected);
    }
}

#[test]
fn query_outlives_a_full_path() {
    let request = rewritten(&to_path("/headers"), get("/get?a=1&b=/get"), "/get");

    assert_eq!(request.uri(), "/headers?a=1&b=/get");
}

#[test]
fn host_header_is_replaced() {
    let request = rewritten(&to_host("one.example.org"), get("/x?y"), "/");

    assert_eq!(request.headers()["host"], "one.example.org");
    assert_eq!(request.uri(), "/x?y");
}

#[test]
fn authority_of_the_uri_is_replaced_too() {
    let request = rewritten(&to_host("c.d"), get("https://a.b:8443/x?y"), "/");

    assert_eq!(request.headers()["host"], "c.d");
    assert_eq!(request.uri(), "https://c.d/x?y");
}

#[test]
fn host_header_is_made_where_there_was_none() {
    let request = Request::get("http://a.b/").body(()).expect("valid");

    let request = rewritten(&to_host("c.d"), request, "/");

    assert_eq!(request.headers()["host"], "c.d");
}

#[test]
fn uri_without_path_but_with_query_gets_a_path() {
    let request = rewritten(&to_prefix("/v2"), get("http://a.b?x=1"), "/");

    assert_eq!(request.uri(), "http://a.b/v2/?x=1");
}

#[test]
fn connect_gets_no_path() {
    let mut request = get("a.b:443");
    *request.method_mut() = Method::CONNECT;

    let request = rewritten(&to_path("/x"), request, "/");

    assert_eq!(request.uri(), "a.b:443");
}

#[test]
fn asterisk_has_no_prefix() {
    assert_eq!(rewritten(&to_prefix("/x"), get("*"), "/").uri(), "*");
}

#[test]
fn too_long_a_url_is_refused_and_left_alone() {
    let mut request = get(&format!("/{}", "a".repeat(65_000)));
    let before = request.uri().clone();
    let rewrite = UrlRewrite {
        path: to_prefix(&format!("/{}", "b".repeat(1_000))).path,
        ..to_host("c.d")
    };

    let refused = rewrite.apply(&mut request, &RouteContext::new());

    assert_eq!(refused, Err(UrlTooLong));
    assert_eq!(*request.uri(), before);
    assert_eq!(request.headers()["host"], "a.b:80");
}

#[tokio::test]
async fn service_refuses_what_cannot_be_rewritten() {
    let service = ServiceBuilder::new()
        .layer(UrlRewriteLayer::new(to_prefix(&format!(
            "/{}",
            "b".repeat(1_000)
        ))))
        .service(service_fn(|_: Request<()>| async {
            Ok::<_, BoxError>(Response::new(()))
        }));

    let error = service
        .oneshot(get(&format!("/{}", "a".repeat(65_000))))
        .await
        .expect_err("too long");

    assert!(error.is::<UrlTooLong>(), "{error}");
}

#[tokio::test]
async fn service_replaces_the_prefix_that_the_router_told() {
    let service = ServiceBuilder::new()
        .layer(UrlRewriteLayer::new(to_prefix("/stream")))
        .service(service_fn(|request: Request<()>| async move {
            Ok::<_, BoxError>(Response::new(request.uri().clone()))
        }));
    let mut request = get("/status/204");
    let context = RouteContext::new().with_matched_prefix("/status");
    request.extensions_mut().insert(context);

    let response = service.oneshot(request).await.expect("forwarded");

    assert_eq!(response.body(), "/stream/204");
}

fn uris() -> impl Strategy<Value = Uri> {
    "(http://a\\.b(:8080)?)?(/[a-c]{0,2}){1,4}(\\?[a-z=/?ä]{0,6})?"
        .prop_map(|uri| uri.parse().expect("valid"))
}

proptest! {
    /// Query and scheme are kept, and the path is the one that the modifier makes.
    #[test]
    fn only_the_path_is_rewritten(
        uri in uris(),
        prefix in "(/[a-c]{1,2}){0,2}/?",
        replacement in "(/[x-z]{1,2}){0,2}/?",
    ) {
        let modifier = PathModifier::replace_prefix_match(&replacement).expect("valid");

        let request = rewritten(&to_prefix(&replacement), get(&uri.to_string()), &prefix);

        prop_assert_eq!(request.uri().path(), modifier.apply(uri.path(), Some(&prefix)));
        prop_assert_eq!(request.uri().query(), uri.query());
        prop_assert_eq!(request.uri().scheme(), uri.scheme());
        prop_assert_eq!(request.uri().authority(), uri.authority());
        prop_assert_eq!(&request.headers()["host"], "a.b:80");
    }

    /// A rewrite without settings changes nothing.
    #[test]
    fn empty_rewrite_changes_nothing(uri in uris(), prefix in "(/[a-c]{1,2}){0,2}") {
        let before = get(&uri.to_string());

        let after = rewritten(&UrlRewrite::new(), before.clone(), &prefix);

        prop_assert_eq!(after.uri(), before.uri());
        prop_assert_eq!(after.headers(), before.headers());
    }
}
