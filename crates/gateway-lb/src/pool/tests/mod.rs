//! The pool against scripted origins on loopback sockets.

mod exchange;
mod framing;
mod http2;
mod http2_limits;
mod http2_warm;
mod keeping;
mod limits;
mod origin;
mod runtimes;
mod streaming;
mod upgrade;

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};

use super::error::BoxError;
use super::{Pool, PoolSettings, Protocol, SendFuture, UpstreamBody};

type TestBody = UnsyncBoxBody<Bytes, BoxError>;
type TestPool = Pool<TestBody>;
type Received = Response<UpstreamBody<TestBody>>;

fn pool() -> TestPool {
    Pool::new(PoolSettings::new())
}

fn empty() -> TestBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn full(bytes: impl Into<Bytes>) -> TestBody {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn get(path: &str) -> Request<TestBody> {
    request("GET", path, empty())
}

fn request(method: &str, path: &str, body: TestBody) -> Request<TestBody> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "shop.example")
        .body(body)
        .expect("a valid request")
}

fn send(pool: &TestPool, address: SocketAddr, request: Request<TestBody>) -> SendFuture<TestBody> {
    pool.send(address, Protocol::Http1, request)
}

async fn text(response: Received) -> String {
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a complete body")
        .to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Lets the runtime look at its sockets.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
