//! The codec alone, without sockets.

mod bodies;
mod exchange;
mod heads;
mod requests;
mod transport;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Full};

use crate::pool::error::BoxError;

type TestBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

fn empty() -> TestBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn full(bytes: impl Into<Bytes>) -> TestBody {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn request(method: &str, body: TestBody) -> Request<TestBody> {
    Request::builder()
        .method(method)
        .uri("/cart?item=7")
        .header("host", "shop.example")
        .body(body)
        .expect("a valid request")
}
