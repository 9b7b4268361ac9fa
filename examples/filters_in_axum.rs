//! How do I use the filters in an axum app?
//!
//! Shows the filters of the Gateway API as ordinary layers of an axum router: response
//! headers and CORS for every route, a redirect for one, a deadline for another. Nothing
//! of the gateway but `gateway-filters` is used.
//!
//! ```text
//! cargo run -p gateway-examples --example filters_in_axum
//! ```
//!
//! You will see four answers: an ordinary one, that of a preflight, a redirect, and a 504
//! from a handler that is too slow.

use std::convert::Infallible;
use std::time::Duration;

use axum::error_handling::HandleErrorLayer;
use axum::routing::get;
use axum::{Extension, Router};
use gateway_filters::timeout::RequestTimedOut;
use gateway_filters::{
    BoxError, Cors, CorsLayer, HeaderModifier, PathModifier, Redirect, RedirectLayer,
    RequestTimeoutLayer, ResponseHeaderModifierLayer, RouteContext,
};
use http::{Method, Request, StatusCode};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let app = app()?;

    let ordinary = ask(&app, Method::GET, "/cart").await?;
    assert_eq!(ordinary.status(), StatusCode::OK);
    assert_eq!(ordinary.headers()["x-served-by"], "edge");

    let preflight = ask(&app, Method::OPTIONS, "/cart").await?;
    assert_eq!(
        preflight.headers()["access-control-allow-origin"],
        "https://shop.example"
    );
    assert_eq!(preflight.headers()["x-served-by"], "edge");

    let moved = ask(&app, Method::GET, "/old/basket").await?;
    assert_eq!(moved.status(), StatusCode::FOUND);
    assert_eq!(
        moved.headers()["location"],
        "http://api.example/cart/basket"
    );

    let late = ask(&app, Method::GET, "/slow").await?;
    assert_eq!(late.status(), StatusCode::GATEWAY_TIMEOUT);

    Ok(())
}

/// Serve it with `axum::serve(listener, app()?)`.
fn app() -> Result<Router, BoxError> {
    let headers = HeaderModifier::new()
        .set("x-served-by", "edge")?
        .remove("server")?;
    let cors = Cors::new()
        .allow_origin("https://shop.example")?
        .allow_method("PUT")?;
    let redirect = Redirect::new().with_path(PathModifier::replace_prefix_match("/cart")?);

    // A redirect of a prefix has to be told which prefix the router matched. Layers that
    // can fail need a handler for their errors, because an axum route must not fail.
    let moved = ServiceBuilder::new()
        .layer(Extension(RouteContext::new().with_matched_prefix("/old")))
        .layer(HandleErrorLayer::new(status))
        .layer(RedirectLayer::new(redirect));
    let hurried = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(status))
        .layer(RequestTimeoutLayer::new(Duration::from_millis(50)));

    Ok(Router::new()
        .route("/cart", get(|| async { "three things" }))
        .route("/old/{*rest}", get(never).layer::<_, Infallible>(moved))
        .route("/slow", get(never).layer::<_, Infallible>(hurried))
        // The last layer is the outermost: preflights get the header, too.
        .layer(CorsLayer::new(cors))
        .layer(ResponseHeaderModifierLayer::new(headers)))
}

/// Stands behind a redirect, where it is not asked, and behind a deadline.
async fn never() -> &'static str {
    std::future::pending().await
}

/// What a client is told of an error.
async fn status(error: BoxError) -> StatusCode {
    if error.is::<RequestTimedOut>() {
        StatusCode::GATEWAY_TIMEOUT
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

async fn ask(
    app: &Router,
    method: Method,
    path: &str,
) -> Result<axum::response::Response, BoxError> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "api.example")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "PUT")
        .body(axum::body::Body::empty())?;
    let asked = format!("{} {path}", request.method());

    let Ok(response) = app.clone().oneshot(request).await;
    println!("{asked}: {}", response.status());
    for (name, value) in response.headers() {
        println!("    {name}: {}", value.to_str()?);
    }
    Ok(response)
}
