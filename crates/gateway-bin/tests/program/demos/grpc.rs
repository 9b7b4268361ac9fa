//! GRPCRoutes, and a server of `hello.HelloService`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Builder;

use super::certificates::{Authority, Files};
use super::clients::Curl;
use super::yaml::{gateway, listener, route, secret, service};
use crate::harness::{Manifests, Running, free_port};

/// A call and what came of it.
#[derive(Debug)]
struct Called {
    /// curl's exit code, and the HTTP status.
    http: (Option<i32>, u16),
    /// Header lines, and those of trailers.
    head: String,
    message: Vec<u8>,
}

impl Called {
    fn has(&self, line: &str) -> bool {
        self.head.lines().any(|other| other.trim() == line)
    }
}

/// Sends a greeting to a URL.
fn greet(curl: Curl, url: &str, more: &[&str], greeting: &str) -> Called {
    let files = Files::new();
    let request = format!("@{}", files.file("request", message(greeting)));

    call(curl, url, &[more, &["--data-binary", &request]].concat())
}

fn call(curl: Curl, url: &str, more: &[&str]) -> Called {
    let files = Files::new();
    let (head, answer) = (files.file("head", ""), files.file("answer", ""));
    let always = [
        "-H",
        "content-type: application/grpc",
        "-H",
        "te: trailers",
        "-D",
        &head,
        "-o",
        &answer,
        url,
    ];
    let got = curl.get(&[more, &always[..]].concat());
    let read = |path: &str| std::fs::read(path).expect("was written");
    Called {
        http: (got.code, got.status),
        head: String::from_utf8(read(&head)).expect("is text"),
        message: read(&answer),
    }
}

const SAY_HELLO: &str = "/hello.HelloService/SayHello";
const CLEAR: [&str; 1] = ["--http2-prior-knowledge"];

fn run_in_the_clear(port: u16) -> (Manifests, Running) {
    run(listener("web", "HTTP", port, ""), "", port)
}

fn run(listener: String, more: &str, port: u16) -> (Manifests, Running) {
    let rule = "rules: [{matches: [{method: {service: hello.HelloService, method: SayHello}}], \
                backendRefs: [{name: grpcbin, port: 80}]}]";
    let text = gateway(&[listener], "")
        + &route("GRPCRoute", "grpc", rule)
        + &service("grpcbin", "TCP", &[hello_server()])
        + more;
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!("listening on 127.0.0.1:{port} for "));
    (manifests, running)
}

#[test]
fn method_of_a_route_is_called() {
    let Some(curl) = Curl::find() else { return };
    let port = free_port();
    let (_manifests, _running) = run_in_the_clear(port);

    let url = format!("http://127.0.0.1:{port}{SAY_HELLO}");
    let called = greet(curl, &url, &CLEAR, "Flomesh");

    assert_eq!(called.http, (Some(0), 200), "{called:?}");
    assert_eq!(called.message, message("hello Flomesh"), "{called:?}");
    assert!(called.has("grpc-status: 0"), "{called:?}");
}

#[test]
fn method_is_called_over_tls() {
    let Some(curl) = Curl::find() else { return };
    let authority = Authority::new("ca");
    let port = free_port();
    let tls = ", tls: {certificateRefs: [{name: site}]}";
    let secret = secret("site", &authority.site("grpc.test"));
    let (_manifests, _running) = run(listener("web", "HTTPS", port, tls), &secret, port);
    let files = Files::new();
    let trust = files.file("ca.crt", authority.pem());
    let there = format!("grpc.test:443:127.0.0.1:{port}");

    let more = ["--http2", "--cacert", &trust, "--connect-to", &there];
    let url = format!("https://grpc.test{SAY_HELLO}");
    let called = greet(curl, &url, &more, "Flomesh");

    assert_eq!(called.http, (Some(0), 200), "{called:?}");
    assert_eq!(called.message, message("hello Flomesh"), "{called:?}");
    assert!(called.has("grpc-status: 0"), "{called:?}");
}

/// Reflection, which tools ask for first, is a method like any other.
#[test]
fn method_of_no_route_is_unimplemented() {
    let Some(curl) = Curl::find() else { return };
    let port = free_port();
    let (_manifests, _running) = run_in_the_clear(port);

    let others = [
        "/hello.HelloService/LotsOfReplies",
        "/other.Service/SayHello",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ];
    // Without a message: whoever is still sending one is answered at once and told to
    // stop (RFC 9113, 8.1), which curl 7.88 at times takes for a failure.
    let empty = [CLEAR[0], "-X", "POST"];
    for path in others {
        let url = format!("http://127.0.0.1:{port}{path}");
        let called = call(curl, &url, &empty);
        assert_eq!(called.http, (Some(0), 200), "{path}: {called:?}");
        assert!(called.has("grpc-status: 12"), "{path}: {called:?}");
        assert!(
            called.has("content-type: application/grpc"),
            "{path}: {called:?}"
        );
        assert!(called.message.is_empty(), "{path}: {called:?}");
    }
}

/// A message with one text, as it is sent: both `HelloRequest` and `HelloResponse`.
fn message(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("tests are brief");
    let mut message = vec![0, 0, 0, 0, length + 2, 0x0a, length];
    message.extend_from_slice(text.as_bytes());
    message
}

fn hello_server() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    let port = listener.local_addr().expect("is bound").port();

    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let runtime = Builder::new_current_thread().enable_all().build();
                runtime.expect("can be made").block_on(async {
                    stream.set_nonblocking(true).expect("is a socket");
                    let stream = tokio::net::TcpStream::from_std(stream).expect("is a socket");
                    let connection = http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service_fn(hello));
                    // Ends when the gateway does.
                    let _ = connection.await;
                });
            });
        }
    });
    port
}

async fn hello(
    request: Request<Incoming>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let (parts, body) = request.into_parts();
    assert_eq!(parts.uri.path(), SAY_HELLO);
    assert_eq!(parts.headers["te"], "trailers");
    let body = body.collect().await.expect("is sent").to_bytes();
    let greeting = String::from_utf8(body[7..].to_vec()).expect("is text");

    let reply = Full::new(Bytes::from(message(&format!("hello {greeting}"))));
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let reply = reply.with_trailers(async { Some(Ok(trailers)) });
    // Which does not tell its length: curl would not wait for what is behind it.
    let mut response = Response::new(reply.map_frame(|frame| frame));
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}
