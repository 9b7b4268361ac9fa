//! How do I spread requests over weighted backends in my own proxy?
//!
//! Shows `gateway-lb` alone, under a small hyper server: a `Distribution` chooses a
//! backend by weight, its `Balancer` an endpoint, and a `Pool` sends the request over a
//! connection that it keeps.
//!
//! ```text
//! cargo run -p gateway-examples --example weighted_proxy
//! ```
//!
//! You will see how many of 200 requests each endpoint got: 90 each for the two of
//! `stable`, whose weight is 9, and 20 for the one of `canary`, whose weight is 1. These
//! are no averages: on one thread the shares are exact.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use gateway_lb::balance::Algorithm;
use gateway_lb::pool::{Pool, PoolSettings, Protocol};
use gateway_lb::{Balancer, Distribution, EndpointSet};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The proxy: which backends there are, and the connections to them.
struct Proxy {
    backends: Distribution<Balancer>,
    pool: Pool<Incoming>,
}

impl Proxy {
    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
        let backend = self.backends.choose().ok_or("no backend has a weight")?;
        let endpoint = backend.pick()?;
        let response = self
            .pool
            .send(endpoint.address(), Protocol::Http1, request)
            .await?;

        Ok(response.map(|body| {
            body.map_frame(move |frame| {
                // The endpoint counts as busy until its response has ended.
                let _busy = &endpoint;
                frame
            })
            .map_err(Into::into)
            .boxed_unsync()
        }))
    }

    /// Everything a client may see; what went wrong is for the log.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        self.forward(request).await.unwrap_or_else(|error| {
            eprintln!("cannot forward: {error}");
            let mut response = Response::new(Empty::new().map_err(|e| match e {}).boxed_unsync());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let stable = [backend("stable-1").await?, backend("stable-2").await?];
    let canary = [backend("canary-1").await?];
    let proxy = serve(Arc::new(Proxy {
        backends: Distribution::from_iter([
            (
                Balancer::new(Algorithm::RoundRobin, EndpointSet::from_iter(stable)),
                9,
            ),
            (
                Balancer::new(Algorithm::LeastRequest, EndpointSet::from_iter(canary)),
                1,
            ),
        ]),
        pool: Pool::new(PoolSettings::new()),
    }))
    .await?;

    let mut answers = BTreeMap::<_, u32>::new();
    let client = Pool::new(PoolSettings::new());
    for _ in 0..REQUESTS {
        let request = Request::get("/").header("host", "shop.example");
        let request = request.body(Empty::<Bytes>::new())?;
        let response = client.send(proxy, Protocol::Http1, request).await?;
        *answers
            .entry(response.into_body().collect().await?.to_bytes())
            .or_default() += 1;
    }

    for (name, count) in &answers {
        let rate = 100.0 * f64::from(*count) / f64::from(REQUESTS);
        println!("{}: {count} requests, {rate} %", name.escape_ascii());
    }
    assert_eq!(answers[&b"stable-1"[..]], 90);
    assert_eq!(answers[&b"stable-2"[..]], 90);
    assert_eq!(answers[&b"canary-1"[..]], 20);
    Ok(())
}

async fn serve(proxy: Arc<Proxy>) -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let proxy = Arc::clone(&proxy);
            let service = service_fn(move |request| {
                let answer = Arc::clone(&proxy).answer(request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
        }
    });
    Ok(address)
}

/// A backend that answers with its name.
async fn backend(name: &'static str) -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let service = service_fn(move |_| async move {
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(name)))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
        }
    });
    Ok(address)
}

const REQUESTS: u32 = 200;
