//! A client that speaks proper HTTP.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::{BoxError, patiently};

type ClientBody = UnsyncBoxBody<Bytes, BoxError>;

/// A connection of a client. Dropping it closes the connection.
#[derive(Debug)]
pub struct Client {
    sender: Sender,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<ClientBody>),
    Http2(http2::SendRequest<ClientBody>),
}

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The version it came in.
    pub version: Version,
    /// The fields.
    pub headers: HeaderMap,
    /// What came of the body.
    pub body: Bytes,
    /// The fields behind it.
    pub trailers: Option<HeaderMap>,
    /// Whether the body came to its proper end.
    pub complete: bool,
}

impl Client {
    /// Connects to `address` and speaks HTTP/1.1.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    pub async fn http1(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.expect("a listener");
        let _ = tcp.set_nodelay(true);
        Self::http1_over(tcp).await
    }

    /// Speaks HTTP/1.1 over `stream`.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub async fn http1_over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.expect("HTTP/1");
        tokio::spawn(connection.with_upgrades());
        Self {
            sender: Sender::Http1(sender),
        }
    }

    /// Connects to `address` and speaks HTTP/2 with prior knowledge.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    pub async fn http2(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.expect("a listener");
        let _ = tcp.set_nodelay(true);
        Self::http2_over(tcp).await
    }

    /// Speaks HTTP/2 over `stream`.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub async fn http2_over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = handshake.expect("HTTP/2");
        tokio::spawn(connection);
        Self {
            sender: Sender::Http2(sender),
        }
    }

    /// For more streams on the same HTTP/2 connection.
    ///
    /// # Panics
    ///
    /// On HTTP/1.1, which has none.
    #[must_use]
    pub fn another(&self) -> Self {
        match &self.sender {
            Sender::Http1(_) => panic!("HTTP/1.1 has no streams"),
            Sender::Http2(sender) => Self {
                sender: Sender::Http2(sender.clone()),
            },
        }
    }

    /// Whether the gateway has ended the connection, or takes no more requests.
    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// Waits until the gateway has ended the connection, or takes no more requests.
    ///
    /// # Panics
    ///
    /// If it never does.
    pub async fn closed(&mut self) {
        patiently("the end of a connection", async {
            match &mut self.sender {
                Sender::Http1(sender) => {
                    while sender.ready().await.is_ok() && !sender.is_closed() {
                        tokio::task::yield_now().await;
                    }
                }
                Sender::Http2(sender) => {
                    while sender.ready().await.is_ok() && !sender.is_closed() {
                        tokio::task::yield_now().await;
                    }
                }
            }
        })
        .await;
    }

    /// Sends `request` and waits for the response's head.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub async fn send<B>(&mut self, request: Request<B>) -> hyper::Result<Response<Incoming>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let sent = async {
            match &mut self.sender {
                Sender::Http1(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Sender::Http2(sender) => {
                    sender.ready().await?;
                    sender.send_request(for_http2(request)).await
                }
            }
        };
        patiently("a response", sent).await
    }

    /// Sends `request` and reads the whole response.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn call<B>(&mut self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Reply::read(self.send(request).await.expect("a response")).await
    }

    /// Sends `request` and says whether a whole response came back.
    pub async fn is_answered<B>(&mut self, request: Request<B>) -> bool
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        match self.send(request).await {
            Ok(response) => Reply::read(response).await.complete,
            // A reset can overtake the head before it.
            Err(_) => false,
        }
    }

    /// Gets `target` of the host `a.test`.
    pub async fn get(&mut self, target: &str) -> Reply {
        self.call(Self::request(target)).await
    }

    /// A GET of `target` of the host `a.test`.
    ///
    /// # Panics
    ///
    /// If `target` is none.
    pub fn request(target: &str) -> Request<Empty<Bytes>> {
        Request::get(target)
            .header(HOST, "a.test")
            .body(Empty::new())
            .expect("a request")
    }
}

impl Reply {
    /// Reads `response` to its end.
    pub async fn read(response: Response<Incoming>) -> Self {
        let (head, mut body) = response.into_parts();
        let mut reply = Self {
            status: head.status,
            version: head.version,
            headers: head.headers,
            body: Bytes::new(),
            trailers: None,
            complete: true,
        };
        let mut read = Vec::new();
        while let Some(frame) = patiently("the rest of a body", body.frame()).await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => read.extend_from_slice(&data),
                Ok(Err(frame)) => reply.trailers = frame.into_trailers().ok(),
                Err(_) => {
                    reply.complete = false;
                    break;
                }
            }
        }
        reply.body = read.into();
        reply
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }

    /// The body as the JSON of an [`Origin`](crate::Origin).
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn echo(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("an origin's echo")
    }
}

/// The host belongs into the target.
fn for_http2(mut request: Request<ClientBody>) -> Request<ClientBody> {
    if request.uri().authority().is_none() {
        let host = request.headers_mut().remove(HOST).expect("a host");
        let host = host.to_str().expect("a host");
        let target = format!("http://{host}{}", request.uri());
        *request.uri_mut() = Uri::try_from(target).expect("a target");
    }
    request
}
