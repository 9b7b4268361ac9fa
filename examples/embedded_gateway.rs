//! How do I run a whole gateway inside my program, and change it while it runs?
//!
//! Shows `gateway-core`: a gateway with sockets and threads of its own, built from a
//! configuration that is a value, moved from one backend to another while requests are
//! under way, and shut down.
//!
//! ```text
//! cargo run -p gateway-examples --example embedded_gateway
//! ```
//!
//! You will see the address that was chosen, how many requests each backend answered
//! before and after the change, and that none of them failed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use gateway_core::model::{
    Backend, BackendRef, Configuration, Filter, Gateway as Edge, Hostname, Listener, PathMatch,
    Route, RouteMatch, Rule,
};
use gateway_core::{BoxError, Gateway};
use gateway_filters::HeaderModifier;
use gateway_lb::pool::{Pool, PoolSettings, Protocol};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let blue = backend("blue").await?;
    let green = backend("green").await?;

    let gateway = Gateway::builder()
        .workers(2)
        .drain_timeout(Duration::from_secs(5))
        .build();
    let running = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.run().await }
    });

    // What an update binds is bound when it returns.
    let update = gateway.update(configuration(blue)?);
    if let Some(error) = update.failed.into_iter().next() {
        return Err(error.into());
    }
    let address = update.listening[0];
    println!("listening on {address}");

    // Clients that go on while the configuration changes.
    let client = tokio::spawn(async move {
        let pool = Pool::new(PoolSettings::new());
        let mut answers = BTreeMap::<Bytes, u32>::new();
        while !answers.contains_key(&b"green"[..]) {
            *answers.entry(ask(&pool, address).await?).or_default() += 1;
        }
        Ok::<_, BoxError>(answers)
    });
    first_answer(address, "blue").await?;
    gateway.update(configuration(green)?);

    let answers = client.await??;
    for (backend, count) in &answers {
        println!("{}: {count}", backend.escape_ascii());
    }
    // An update holds for every request that arrives after it.
    first_answer(address, "green").await?;

    gateway.shutdown();
    running.await??;
    println!("drained");
    Ok(())
}

/// One listener, one rule, one backend; equal addresses give equal configurations.
fn configuration(backend: SocketAddr) -> Result<Configuration, BoxError> {
    let headers = HeaderModifier::new().set("x-served-by", "edge")?;
    let rule = Rule::new()
        .with_match(RouteMatch::path(PathMatch::prefix("/cart")?))
        .with_filter(Filter::ResponseHeaderModifier(Arc::new(headers)))
        .with_backend(BackendRef::new("cart".into()));
    let route = Route::new("cart")
        .with_hostname(Hostname::new("shop.example")?)
        .with_rule(rule);
    // Port 0 stands for a free port, and for the same one in every update.
    let edge = Edge::new("edge")
        .with_address([127, 0, 0, 1].into())
        .with_listener(Listener::http("web", 0).with_route(route));

    Ok(Configuration::new()
        .with_gateway(edge)
        .with_backend("cart", Backend::new([backend])))
}

async fn first_answer(address: SocketAddr, expected: &str) -> Result<(), BoxError> {
    let answer = ask(&Pool::new(PoolSettings::new()), address).await?;
    assert_eq!(answer, expected);
    Ok(())
}

/// One request; the body of its answer.
async fn ask(pool: &Pool<Empty<Bytes>>, address: SocketAddr) -> Result<Bytes, BoxError> {
    let request = Request::get("/cart/items")
        .header("host", "shop.example")
        .body(Empty::new())?;
    let response = pool.send(address, Protocol::Http1, request).await?;

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-served-by"], "edge");
    Ok(response.into_body().collect().await?.to_bytes())
}

/// A backend that answers every path with its name.
async fn backend(name: &'static str) -> Result<SocketAddr, BoxError> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new().fallback(get(move || async move { name }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}
