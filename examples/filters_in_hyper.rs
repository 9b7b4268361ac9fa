//! How do I use the filters in a plain hyper server?
//!
//! Shows a stack of layers between hyper's server and hyper's client: names for requests, a limit
//! of their rate, a time for each, and a bandwidth for each connection. Nothing of the gateway but
//! `gateway-filters` is used.
//!
//! ```text
//! cargo run -p gateway-examples --example filters_in_hyper
//! ```
//!
//! You will see answers of a backend, with headers that the layers added, and then a client that
//! asked too often.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use gateway_filters::bandwidth::BandwidthStream;
use gateway_filters::rate_limit::QuotaFields;
use gateway_filters::{
    AnswerBody, Bandwidth, BoxError, RateLimit, RateLimitLayer, RequestIdLayer, RequestIds,
    RequestTimeoutLayer,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::{client, server};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceBuilder, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let backend = serve_backend().await?;
    let proxy = serve_proxy(backend).await?;

    let connection = TcpStream::connect(proxy).await?;
    let (mut client, driver) = client::conn::http1::handshake(TokioIo::new(connection)).await?;
    tokio::spawn(driver);
    for expected in [200, 200, 429] {
        client.ready().await?;
        let request = Request::get("/").header("host", "shop.example");
        let response = client
            .send_request(request.body(Empty::<Bytes>::new())?)
            .await?;

        println!("{}", response.status());
        for (name, value) in response.headers() {
            println!("    {name}: {}", value.to_str()?);
        }
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["ratelimit-limit"], "2");
        assert!(response.headers().contains_key("x-request-id"));
        let body = response.into_body().collect().await?.to_bytes();
        assert_eq!(body, if expected == 200 { "three things" } else { "" });
    }
    Ok(())
}

/// Forwards to `backend` what its layers let pass.
async fn serve_proxy(backend: SocketAddr) -> Result<SocketAddr, BoxError> {
    let limit = RateLimit::new(2, Duration::from_secs(60))?.with_fields(QuotaFields::Always);
    let stack = ServiceBuilder::new()
        .layer(RequestIdLayer::new(RequestIds::new()))
        .layer(RateLimitLayer::new(limit))
        .layer(RequestTimeoutLayer::new(Duration::from_secs(5)))
        // A layer that answers makes bodies of bytes, which hyper's own cannot be made of.
        .map_response(|response: Response<Incoming>| response.map(AnswerBody::inner))
        .service(service_fn(move |request| forward(backend, request)));
    let megabyte = Bandwidth::new(1_000_000)?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = BandwidthStream::new(stream)
                .with_read(megabyte)
                .with_write(megabyte);
            let service = TowerToHyperService::new(stack.clone());
            let http = server::conn::http1::Builder::new();
            // Spawned as it is: within an `async` block, rustc no longer sees that a boxed error
            // lives long enough.
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

/// Over a connection of its own, to keep this short.
async fn forward(
    backend: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, BoxError> {
    let connection = TcpStream::connect(backend).await?;
    let (mut client, driver) = client::conn::http1::handshake(TokioIo::new(connection)).await?;
    tokio::spawn(driver);

    Ok(client.send_request(request).await?)
}

async fn serve_backend() -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answer = |_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("three things")))
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(answer);
            let http = server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}
