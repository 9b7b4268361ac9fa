//! TLS routes: connections that are forwarded, decrypted or as they are.

use std::sync::Arc;

use bytes::Bytes;
use gateway_core::model::{
    Backend, BackendRef, BackendTls, Hostname, Listener, Protocol, StreamRoute, StreamRouteKind,
    TlsMode, TlsTermination, Trust,
};
use gateway_tests::{Authority, Issued, Origin, RawOrigin, Site, TlsClient, Wire, patiently};
use http::Request;
use http::header::HOST;
use http_body_util::Empty;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::rig::{has_shown, is_silent_end, named, rest, serve};

fn route(name: &str, hostnames: &[&str], backend: &str) -> StreamRoute {
    let route =
        StreamRoute::new(StreamRouteKind::Tls, name).with_backend(BackendRef::new(backend.into()));
    hostnames
        .iter()
        .map(|name| Hostname::new(name).unwrap())
        .fold(route, StreamRoute::with_hostname)
}

fn passthrough(name: &str) -> Listener {
    Listener::new(name, 0, Protocol::Tls(TlsMode::Passthrough))
}

fn terminate(name: &str, issued: &Issued) -> Listener {
    let settings = TlsTermination::new(issued.certificate());
    Listener::new(name, 0, Protocol::Tls(TlsMode::Terminate(settings.into())))
}

/// A backend that ends TLS itself and speaks first.
async fn greeting(issued: &Issued, greeting: &'static str) -> gateway_tests::Scripted {
    let chain = CertificateDer::from_pem_slice(issued.chain.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    RawOrigin::bind().await.script(move |wire| {
        let acceptor = acceptor.clone();
        async move {
            // A client that goes elsewhere breaks this off.
            let Ok(mut stream) = acceptor.accept(wire.into_tcp()).await else {
                return;
            };
            stream.write_all(greeting.as_bytes()).await.unwrap();
            let mut said = Vec::new();
            stream.read_to_end(&mut said).await.unwrap();
            stream.write_all(&said).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    })
}

async fn hears(mut stream: tokio_rustls::client::TlsStream<TcpStream>) -> String {
    stream.write_all(b" and bye").await.unwrap();
    stream.shutdown().await.unwrap();
    String::from_utf8(rest(&mut stream).await.unwrap()).unwrap()
}

#[tokio::test]
async fn connections_pass_through_to_the_route_of_their_name() {
    let authority = Authority::new("authority");
    let issued = authority.site(&["a.test", "b.a.test", "x.a.test", "other.test"]);
    let exact = greeting(&issued, "exact").await;
    let wide = greeting(&issued, "wide").await;
    let any = greeting(&issued, "any").await;
    let listener = passthrough("tls")
        .with_stream_route(route("any", &[], "any"))
        .with_stream_route(route("wide", &["*.a.test"], "wide"))
        .with_stream_route(route("exact", &["b.a.test"], "exact"));
    let gateway = serve(
        Site::new()
            .behind([listener])
            .with_backend("exact", Backend::new([exact.address()]))
            .with_backend("wide", Backend::new([wide.address()]))
            .with_backend("any", Backend::new([any.address()])),
    );

    let client = TlsClient::trusting(&authority);
    for (name, heard) in [
        ("b.a.test", "exact and bye"),
        ("x.a.test", "wide and bye"),
        ("a.test", "any and bye"),
        ("other.test", "any and bye"),
    ] {
        let stream = client.connect(gateway.address(), name).await.unwrap();
        assert!(has_shown(&stream, &issued));
        assert_eq!(hears(stream).await, heard, "{name}");
    }
    let silent = client.with(|config| config.enable_sni = false);
    let stream = silent.connect(gateway.address(), "a.test").await.unwrap();
    assert_eq!(hears(stream).await, "any and bye");
}

#[tokio::test]
async fn hello_passes_byte_for_byte() {
    let authority = Authority::new("authority");
    let origin = RawOrigin::bind().await;
    let listener = passthrough("tls").with_stream_route(route("r", &["a.test"], "b"));
    let gateway = serve(
        Site::new()
            .behind([listener])
            .with_backend("b", Backend::new([origin.address()])),
    );
    let mut hello = Vec::new();
    let client =
        TlsClient::trusting(&authority).with(|config| config.max_fragment_size = Some(100));
    client.session("a.test").write_tls(&mut hello).unwrap();
    hello.extend_from_slice(b"and whatever follows");

    let mut wire = Wire::connect(gateway.address()).await;
    let (first, second) = hello.split_at(700);
    wire.send(first).await;
    wire.send(second).await;

    let mut backend = origin.accept().await;
    assert_eq!(backend.read(hello.len()).await.unwrap(), hello);
    backend.send("answer").await;
    assert_eq!(wire.read(6).await.unwrap(), b"answer");
}

#[tokio::test]
async fn names_without_a_route_or_a_backend_end_in_the_handshake() {
    let authority = Authority::new("authority");
    let issued = authority.site(&["c.test"]);
    let pass = named(passthrough("pass"), "*.a.test").with_stream_route(route(
        "good",
        &["b.a.test"],
        "missing",
    ));
    let ended = named(terminate("end", &issued), "c.test");
    let gateway = serve(Site::new().behind([pass, ended]));

    let client = TlsClient::trusting(&authority);
    // A backend that is not there, no route, no listener, a listener without routes.
    for name in ["b.a.test", "c.a.test", "d.test", "c.test"] {
        let outcome = client.connect(gateway.address(), name).await;
        assert!(is_silent_end(&outcome), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn decrypted_connections_are_forwarded_and_the_backend_may_begin() {
    let authority = Authority::new("authority");
    let issued = authority.site(&["a.test"]);
    for kind in [StreamRouteKind::Tls, StreamRouteKind::Tcp] {
        let origin = RawOrigin::bind().await;
        let route = StreamRoute::new(kind, "r").with_backend(BackendRef::new("b".into()));
        let gateway = serve(
            Site::new()
                .behind([terminate("tls", &issued).with_stream_route(route)])
                .with_backend("b", Backend::new([origin.address()])),
        );

        let client = TlsClient::trusting(&authority);
        let mut stream = client.connect(gateway.address(), "a.test").await.unwrap();
        let mut backend = origin.accept().await;
        backend.send("welcome").await;
        let mut welcome = [0; 7];
        patiently("a welcome", stream.read_exact(&mut welcome))
            .await
            .unwrap();
        assert_eq!(&welcome, b"welcome");

        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(backend.read_to_end().await, b"hello");
        backend.finish().await;
        assert_eq!(rest(&mut stream).await.unwrap(), b"");
    }
}

#[tokio::test]
async fn what_breaks_off_inside_of_tls_does_not_look_finished() {
    let authority = Authority::new("authority");
    let issued = authority.site(&["a.test"]);
    let origin = RawOrigin::bind().await;
    let gateway = serve(
        Site::new()
            .behind([terminate("tls", &issued).with_stream_route(route("r", &[], "b"))])
            .with_backend("b", Backend::new([origin.address()])),
    );
    let client = TlsClient::trusting(&authority);
    let mut stream = client.connect(gateway.address(), "a.test").await.unwrap();
    let mut backend = origin.accept().await;
    backend.send("half").await;
    let mut half = [0; 4];
    patiently("half", stream.read_exact(&mut half))
        .await
        .unwrap();

    backend.reset();

    assert!(rest(&mut stream).await.is_err());
}

#[tokio::test]
async fn one_port_passes_through_decrypts_and_speaks_http() {
    let authority = Authority::new("authority");
    let theirs = authority.site(&["pass.test"]);
    let ours = authority.site(&["end.test", "web.test"]);
    let pass = greeting(&theirs, "pass").await;
    let end = RawOrigin::bind().await.answering("ended", true);
    let web = Origin::echo().await;
    let site = Site::to(web.address());
    let listeners = [
        named(passthrough("pass"), "pass.test").with_stream_route(route("p", &[], "pass")),
        named(terminate("end", &ours), "end.test").with_stream_route(route("e", &[], "end")),
        named(
            site.https("web", TlsTermination::new(ours.certificate())),
            "web.test",
        ),
    ];
    let gateway = serve(
        site.behind(listeners)
            .with_backend("pass", Backend::new([pass.address()]))
            .with_backend("end", Backend::new([end.address()])),
    );
    let client = TlsClient::trusting(&authority);
    let connect = async |name| client.connect(gateway.address(), name).await.unwrap();

    let stream = connect("pass.test").await;
    assert!(has_shown(&stream, &theirs));
    assert_eq!(hears(stream).await, "pass and bye");
    let mut stream = connect("end.test").await;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut ended = [0; 5];
    patiently("an answer", stream.read_exact(&mut ended))
        .await
        .unwrap();
    assert_eq!(&ended, b"ended");
    let mut http = client.http2(gateway.address(), "web.test").await;
    for (host, status) in [("web.test", 200), ("pass.test", 421), ("end.test", 421)] {
        let request = Request::get("/")
            .header(HOST, host)
            .body(Empty::<Bytes>::new());
        assert_eq!(http.call(request.unwrap()).await.status, status, "{host}");
    }
}

/// A backend with a policy for its TLS, behind a listener that decrypts and behind one
/// that does not.
#[tokio::test]
async fn backends_are_encrypted_for_once_whoever_does_it() {
    let authority = Authority::new("authority");
    let issued = authority.site(&["a.test"]);
    let secured = greeting(&issued, "hello").await;
    let tls = BackendTls {
        server_name: "a.test".into(),
        trust: Trust::Roots(vec![authority.root()]),
        subject_alt_names: Vec::new(),
        client_certificate: None,
    };
    let client = TlsClient::trusting(&authority);

    for listener in [terminate("tls", &issued), passthrough("tls")] {
        let listener = listener.with_stream_route(route("r", &["a.test"], "b"));
        let backend = Backend::new([secured.address()]).with_tls(tls.clone());
        let gateway = serve(Site::new().behind([listener]).with_backend("b", backend));

        let stream = client.connect(gateway.address(), "a.test").await.unwrap();
        assert_eq!(hears(stream).await, "hello and bye");
    }
}
