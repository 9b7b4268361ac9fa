//! A call of gRPC, and what has to come of it.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_tests::{Client, Reply};
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use crate::cluster::INFRA;

/// The first backend.
pub(crate) const GRPC_V1: &str = "grpc-infra-backend-v1";
/// The second.
pub(crate) const GRPC_V2: &str = "grpc-infra-backend-v2";
/// The third.
pub(crate) const GRPC_V3: &str = "grpc-infra-backend-v3";
/// There is no such method.
pub(crate) const UNIMPLEMENTED: u32 = 12;

/// A call of one of the methods of the suite's service.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: String,
    authority: Option<String>,
    metadata: Vec<(String, String)>,
}

/// A call of `method`.
pub(crate) fn call(method: &str) -> Call {
    Call {
        method: format!("/{SERVICE}/{method}"),
        authority: None,
        metadata: Vec::new(),
    }
}

impl Call {
    pub(crate) fn authority(mut self, authority: &str) -> Self {
        self.authority = Some(authority.to_owned());
        self
    }

    pub(crate) fn metadata(mut self, pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs.iter();
        self.metadata = pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self
    }

    /// Makes the call over a connection of its own: what the pod says of itself and of
    /// the call, or the status.
    pub(crate) async fn make(&self, gateway: SocketAddr) -> Result<Value, u32> {
        let own = gateway.to_string();
        let authority = self.authority.as_deref().unwrap_or(&own);
        let mut request = Request::post(&self.method)
            .header(HOST, authority)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in &self.metadata {
            request = request.header(name, value);
        }
        // A message without fields.
        let message = Full::new(Bytes::from_static(&[0; 5]));
        let request = request.body(message).expect("a request");
        let reply = Client::http2(gateway).await.call(request).await;
        match status(&reply) {
            0 => Ok(serde_json::from_slice(&reply.body[5..]).expect("a message")),
            status => Err(status),
        }
    }

    /// A pod of this Deployment answers, three times in a row.
    pub(crate) async fn reaches(&self, gateway: SocketAddr, backend: &str) {
        for _ in 0..3 {
            let echo = self.make(gateway).await;
            let echo = echo.unwrap_or_else(|status| panic!("{self:?}: status {status}"));
            crate::line::is_of(&echo, INFRA, backend);
            assert_eq!(echo["path"], *self.method, "{self:?}");
        }
    }

    /// The call fails with this status, three times in a row.
    pub(crate) async fn fails(&self, gateway: SocketAddr, status: u32) {
        for _ in 0..3 {
            assert_eq!(self.make(gateway).await, Err(status), "{self:?}");
        }
    }
}

/// Makes the calls at the same time. Those without a backend find no method.
pub(crate) async fn expect<const N: usize>(gateway: SocketAddr, calls: [(Call, Option<&str>); N]) {
    let all = calls.iter().map(async |(call, backend)| match backend {
        Some(backend) => call.reaches(gateway, backend).await,
        None => call.fails(gateway, UNIMPLEMENTED).await,
    });
    join_all(all).await;
}

/// As clients of gRPC read it.
fn status(reply: &Reply) -> u32 {
    let is_grpc = reply
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if !is_grpc {
        return match reply.status {
            StatusCode::BAD_REQUEST => 13,
            StatusCode::UNAUTHORIZED => 16,
            StatusCode::FORBIDDEN => 7,
            StatusCode::NOT_FOUND => UNIMPLEMENTED,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => 14,
            _ => 2,
        };
    }
    let trailers = reply.trailers.as_ref().unwrap_or(&reply.headers);
    let status = trailers.get("grpc-status").expect("a status");
    let status = status.to_str().expect("a text");
    status.parse().expect("a number")
}

const SERVICE: &str = "gateway_api_conformance.echo_basic.grpcecho.GrpcEcho";
