//! What pods serve apart from HTTP in the clear.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use gateway_tests::{Incoming, Issued, OriginBody, Seen};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::pod::Echo;

/// The first line of a TCP server, which speaks before it is spoken to.
pub(crate) const WELCOME: &str = "Who is there?\n";

/// HTTP/1.1 over TLS on port 8443.
pub(crate) async fn https(
    servers: &mut JoinSet<()>,
    address: Ipv4Addr,
    echo: Arc<Echo>,
    acceptor: TlsAcceptor,
) {
    listen(servers, address, 8443, move |tcp| {
        let (acceptor, echo) = (acceptor.clone(), Arc::clone(&echo));
        async move {
            let Ok(tls) = acceptor.accept(tcp).await else {
                return;
            };
            let inside = inside(&tls);
            let service = service_fn(move |request| {
                let (echo, inside) = (Arc::clone(&echo), inside.clone());
                async move { Ok::<_, Infallible>(echo.respond(request, "8443", inside).await) }
            });
            let http = http1::Builder::new();
            // A gateway that leaves is the test's affair.
            let _ = http.serve_connection(TokioIo::new(tls), service).await;
        }
    })
    .await;
}

/// gRPC over TLS on port 8443, for those who ask for HTTP/2.
pub(crate) async fn grpc(
    servers: &mut JoinSet<()>,
    address: Ipv4Addr,
    echo: Arc<Echo>,
    issued: &Issued,
) {
    let acceptor = issued.acceptor(&["h2"]);
    listen(servers, address, 8443, move |tcp| {
        let (acceptor, echo) = (acceptor.clone(), Arc::clone(&echo));
        async move {
            let Ok(tls) = acceptor.accept(tcp).await else {
                return;
            };
            if tls.get_ref().1.alpn_protocol() != Some(b"h2") {
                return;
            }
            let service = service_fn(move |request| {
                let echo = Arc::clone(&echo);
                async move { Ok::<_, Infallible>(call(echo, request).await) }
            });
            let http = http2::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(tls), service).await;
        }
    })
    .await;
}

/// Answers a call with a message that is what other pods answer, and with trailers.
pub(crate) async fn call(echo: Arc<Echo>, request: Request<Incoming>) -> Response<OriginBody> {
    let seen = Seen::new(&request, 0);
    let text = echo.describe(&seen, &Value::Null).to_string();
    let _ = request.into_body().collect().await;
    let mut message = BytesMut::new();
    message.put_u8(0);
    message.put_u32(u32::try_from(text.len()).expect("a short message"));
    message.put_slice(text.as_bytes());

    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::<Bytes>::new(message.freeze())
        .with_trailers(std::future::ready(Some(Ok(trailers))))
        .map_err(|never: Infallible| match never {});
    let mut response = Response::new(body.boxed_unsync());
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", kind);
    response
}

/// Lines over TCP, and over TLS on port 8443.
pub(crate) async fn tcp(
    servers: &mut JoinSet<()>,
    (address, port): (Ipv4Addr, u16),
    echo: Arc<Echo>,
    issued: Option<&Issued>,
) {
    let plain = Arc::clone(&echo);
    listen(servers, address, port, move |tcp| {
        let plain = Arc::clone(&plain);
        async move {
            let _ = talk(tcp, false, &plain.identity(&Value::Null).to_string()).await;
        }
    })
    .await;
    let Some(issued) = issued else {
        return;
    };
    let acceptor: TlsAcceptor = issued.acceptor(&[]);
    listen(servers, address, 8443, move |tcp| {
        let (acceptor, echo) = (acceptor.clone(), Arc::clone(&echo));
        async move {
            if let Ok(tls) = acceptor.accept(tcp).await {
                let identity = echo.identity(&inside(&tls)).to_string();
                let _ = talk(tls, true, &identity).await;
            }
        }
    })
    .await;
}

/// Answers every datagram on port 8080 with who it is.
pub(crate) async fn udp(servers: &mut JoinSet<()>, address: Ipv4Addr, echo: &Echo) {
    let socket = UdpSocket::bind((address, 8080)).await.expect("a free port");
    let identity = echo.identity(&Value::Null).to_string();
    servers.spawn(async move {
        let mut datagram = [0; 1024];
        while let Ok((_, client)) = socket.recv_from(&mut datagram).await {
            let _ = socket.send_to(identity.as_bytes(), client).await;
        }
    });
}

async fn talk<S>(stream: S, is_tls: bool, identity: &str) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufStream::new(stream);
    stream.write_all(WELCOME.as_bytes()).await?;
    stream.flush().await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let answer = match line.trim_end() {
            "PING" => "PONG",
            "IS_TLS" if is_tls => "true",
            "IS_TLS" => "false",
            "TEST" => identity,
            _ => "what?",
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.write_all(b"\n").await?;
        stream.flush().await?;
        line.clear();
    }
    Ok(())
}

async fn listen<F>(
    servers: &mut JoinSet<()>,
    address: Ipv4Addr,
    port: u16,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((address, port)).await;
    let listener = listener.expect("a free port");
    servers.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((tcp, _)) = listener.accept().await {
            let _ = tcp.set_nodelay(true);
            connections.spawn(serve(tcp));
        }
    });
}

/// The name that the client asked for, and the certificate that it showed.
fn inside(tls: &TlsStream<TcpStream>) -> Value {
    let session = tls.get_ref().1;
    let shown = session.peer_certificates().and_then(<[_]>::first);
    json!({
        "serverName": session.server_name(),
        "clientCertificate": shown.map(AsRef::as_ref),
    })
}
