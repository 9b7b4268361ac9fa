//! WebSocket over HTTP/2 (RFC 8441), for callers who know that of HTTP/1.1 only.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;
use crate::pool::error::{InvalidResponse, UpstreamError};
use crate::pool::{UpgradedTransport, UpgradedUpstream};

/// A switch to WebSocket that was asked for, and what is left of its handshake.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    accept: Option<HeaderValue>,
}

/// Makes the request for an upgrade to WebSocket an extended CONNECT (section 5). Other
/// requests lose what HTTP/2 has no fields for.
pub(super) fn extend<B>(request: &mut Request<B>) {
    let asks = is_websocket(request.headers());
    let headers = request.headers_mut();
    headers.remove(UPGRADE);
    headers.remove(CONNECTION);
    if asks {
        let key = headers.remove(SEC_WEBSOCKET_KEY);
        headers.remove(CONTENT_LENGTH);
        let accept = key.and_then(|key| accept(&key));
        *request.method_mut() = Method::CONNECT;
        request.extensions_mut().insert(Asked { accept });
    }
}

/// What a request that is about to be sent asked for.
pub(super) fn asked<B>(request: &mut Request<B>) -> Option<Asked> {
    let asked = request.extensions().get::<Asked>().cloned()?;
    // Here, because the codec takes it out when it tries.
    let protocol = Protocol::from_static("websocket");
    request.extensions_mut().insert(protocol);
    Some(asked)
}

impl Asked {
    /// The switch of protocols that a success is in HTTP/1.1.
    pub(super) fn switch(
        self,
        mut response: Response<Incoming>,
        stream: Stream,
    ) -> Result<Response<()>, UpstreamError> {
        // It is there already, with the head.
        let upgraded = hyper::upgrade::on(&mut response).now_or_never();
        let Some(Ok(upgraded)) = upgraded else {
            let reason = InvalidResponse::UnaskedUpgrade;
            return Err(UpstreamError::invalid_response(reason));
        };
        let tunnel = Tunnel {
            io: TokioIo::new(upgraded),
            _stream: stream,
        };
        let transport = UpgradedTransport {
            stream: tunnel.into(),
            read_ahead: Bytes::new(),
        };

        let mut response = response.map(|_empty| ());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Some(accept) = self.accept {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        let upgraded = UpgradedUpstream::new(transport);
        response.extensions_mut().insert(upgraded);
        Ok(response)
    }
}

/// A stream of a shared connection that became a connection of its own.
pub(in crate::pool) struct Tunnel {
    io: TokioIo<Upgraded>,
    /// Its place on the shared connection.
    _stream: Stream,
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tunnel").finish_non_exhaustive()
    }
}

fn is_websocket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(UPGRADE);
    let is = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");

    upgrade.is_some_and(is) && headers.contains_key(CONNECTION)
}

/// What a server of HTTP/1.1 says to have understood (RFC 6455, section 4.2.2).
fn accept(key: &HeaderValue) -> Option<HeaderValue> {
    let digest = Sha1::new()
        .chain_update(key.as_bytes())
        .chain_update(GUID)
        .finalize();

    HeaderValue::from_str(&STANDARD.encode(digest)).ok()
}

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    fn request(upgrade: &str) -> Request<()> {
        let request = Request::get("/chat")
            .header("connection", "upgrade")
            .header("upgrade", upgrade)
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", "chat");
        let mut request = request.body(()).unwrap();
        extend(&mut request);
        request
    }

    #[test]
    fn handshake_becomes_an_extended_connect() {
        let mut request = request("WebSocket");

        assert_eq!(request.method(), Method::CONNECT);
        let names: Vec<_> = request.headers().keys().cloned().collect();
        assert_eq!(names, ["sec-websocket-protocol"]);
        // The example of RFC 6455, section 1.3.
        let accept = asked(&mut request).unwrap().accept.unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn other_protocols_are_not_switched_to() {
        let mut request = request("irc");

        assert_eq!(request.method(), Method::GET);
        assert!(!request.headers().contains_key("upgrade"));
        assert!(asked(&mut request).is_none());
    }
}
