//! Layers in one stack: what the outer one makes of what the inner one did.

use gateway_filters::{
    BoxError, Cors, CorsLayer, HeaderModifier, PathModifier, Redirect, RedirectLayer,
    RequestHeaderModifierLayer, ResponseHeaderModifierLayer, RouteContext, Scheme, UrlRewrite,
    UrlRewriteLayer,
};
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};

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
