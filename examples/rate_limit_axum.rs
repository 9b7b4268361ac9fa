//! How do I limit the rate of requests in an axum app?
//!
//! Shows two limits on one router: one for each client over all routes, and a stricter one
//! for each user on a single route, where requests wait for their turn before they are
//! refused. The client is found behind a trusted proxy. Nothing of the gateway but
//! `gateway-filters` is used.
//!
//! ```text
//! cargo run -p gateway-examples --example rate_limit_axum
//! ```
//!
//! You will see a client use up its limit while another goes on, a user who has to wait
//! for an answer, and one who is told when to come again.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::routing::get;
use gateway_filters::client_address::{PeerAddress, TrustedProxies};
use gateway_filters::rate_limit::{Key, QuotaFields, Refill};
use gateway_filters::{Answer, BoxError, CidrSet, ClientAddressLayer, RateLimit, RateLimitLayer};
use http::{HeaderName, Request, StatusCode};
use tokio::time::Instant;
use tower::util::MapRequestLayer;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let app = app()?;

    for left in ["2", "1", "0"] {
        let response = ask(&app, "/cart", "203.0.113.1", "ann").await?;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["ratelimit-remaining"], left);
    }
    let refused = ask(&app, "/cart", "203.0.113.1", "ann").await?;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.headers()["retry-after"].to_str()?.parse()?;
    assert!((1..=60).contains(&seconds));

    // What the client itself writes into the header makes no other client of it.
    let forged = ask(&app, "/cart", "8.8.8.8, 203.0.113.1", "ann").await?;
    assert_eq!(forged.status(), StatusCode::TOO_MANY_REQUESTS);
    let other = ask(&app, "/cart", "203.0.113.2", "bob").await?;
    assert_eq!(other.status(), StatusCode::OK);

    let start = Instant::now();
    for client in ["203.0.113.3", "203.0.113.4"] {
        let response = ask(&app, "/report", client, "eve").await?;
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert!(start.elapsed() >= Duration::from_millis(200), "it waited");

    Ok(())
}

/// Serve it with
/// `axum::serve(listener, app()?.into_make_service_with_connect_info::<SocketAddr>())`.
fn app() -> Result<Router, BoxError> {
    let each_client = RateLimit::new(3, Duration::from_secs(60))?
        .with_refill(Refill::Window)
        .by(Key::ClientAddress)
        .with_answer(Answer::new(429)?.with_text("come again later\n"))
        .with_fields(QuotaFields::Always);
    let each_user = RateLimit::new(1, Duration::from_millis(200))?
        .by(Key::Header(HeaderName::from_static("x-user")))
        .with_queue(10, Duration::from_secs(1));
    let proxies = TrustedProxies::networks(CidrSet::parse(["192.0.2.0/24"])?);

    // Outer layers first: who is connected, who is behind that, how much that one may ask.
    let all_routes = ServiceBuilder::new()
        .layer(MapRequestLayer::new(with_peer))
        .layer(ClientAddressLayer::new(proxies))
        .layer(RateLimitLayer::new(each_client));

    Ok(Router::new()
        .route("/cart", get(|| async { "three things" }))
        .route(
            "/report",
            get(|| async { "all is well" }).layer::<_, Infallible>(RateLimitLayer::new(each_user)),
        )
        .layer(all_routes))
}

/// Tells the filters what axum knows of the connection.
fn with_peer(mut request: Request<Body>) -> Request<Body> {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let peer = PeerAddress::from(*peer);
        request.extensions_mut().insert(peer);
    }
    request
}

/// Asks as the proxy at 192.0.2.9 does for its clients.
async fn ask(app: &Router, path: &str, forwarded: &str, user: &str) -> Result<Response, BoxError> {
    let request = Request::get(path)
        .header("x-forwarded-for", forwarded)
        .header("x-user", user)
        .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 9], 4711))))
        .body(Body::empty())?;

    let Ok(response) = app.clone().oneshot(request).await;
    println!(
        "{user} of {forwarded} asks for {path}: {}",
        response.status()
    );
    for (name, value) in response.headers() {
        println!("    {name}: {}", value.to_str()?);
    }
    Ok(response)
}
