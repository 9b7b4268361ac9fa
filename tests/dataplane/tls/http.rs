//! HTTP inside of TLS: versions, scheme, whole bodies, misdirected requests, upgrades.

use bytes::Bytes;
use gateway_core::model::TlsTermination;
use gateway_tests::{
    Authority, Client, Origin, RawOrigin, Reply, Site, TlsClient, answer, patiently,
};
use http::header::{CONNECTION, HOST};
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{Rig, named, serve};

#[tokio::test]
async fn requests_are_decrypted_and_backends_are_told() {
    let rig = Rig::new().await;

    for http2 in [false, true] {
        let mut client = match http2 {
            false => rig.client().http1(rig.address(), "a.test").await,
            true => rig.client().http2(rig.address(), "a.test").await,
        };
        let reply = client.get("/path").await;

        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.version == Version::HTTP_2, http2);
        assert_eq!(reply.echo()["path"], "/path");
        assert_eq!(rig.origin.last().header("x-forwarded-proto"), Some("https"));
    }
}

#[tokio::test]
async fn client_without_alpn_speaks_what_it_likes() {
    let rig = Rig::new().await;
    let connect = async || rig.client().connect(rig.address(), "a.test").await.unwrap();

    let mut one = Client::http1_over(connect().await).await;
    let mut two = Client::http2_over(connect().await).await;

    assert_eq!(one.get("/").await.version, Version::HTTP_11);
    assert_eq!(two.get("/").await.version, Version::HTTP_2);
}

#[tokio::test]
async fn http2_that_is_switched_off_is_not_spoken() {
    let rig = Rig::with(|settings| settings.with_http2(false)).await;
    let offering = |protocols: &[&str]| rig.client().with_protocols(protocols);

    let both = offering(&["h2", "http/1.1"]);
    let stream = both.connect(rig.address(), "a.test").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let alone = offering(&["h2"]).connect(rig.address(), "a.test").await;
    let error = alone.unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");

    // Not even by who asks nobody.
    let stream = rig.client().connect(rig.address(), "a.test").await.unwrap();
    let mut rude = Client::http2_over(stream).await;
    assert!(rude.send(Client::request("/")).await.is_err());
}

#[tokio::test]
async fn large_bodies_pass_whole_both_ways() {
    let authority = Authority::new("authority");
    let origin = Origin::http1(|request: Request<gateway_tests::Incoming>| async {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        answer(200, body)
    })
    .await;
    let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
    let gateway = serve(crate::rig::one(&origin, settings));
    let sent: Bytes = (0..3_000_000u32)
        .map(|number| (number % 251) as u8)
        .collect();

    let client = TlsClient::trusting(&authority);
    for mut client in [
        client.http1(gateway.address(), "a.test").await,
        client.http2(gateway.address(), "a.test").await,
    ] {
        let request = Request::post("/").header(HOST, "a.test");
        let reply = client
            .call(request.body(Full::new(sent.clone())).unwrap())
            .await;

        assert!(reply.complete);
        assert!(reply.body == sent);
    }
}

#[tokio::test]
async fn host_of_another_listener_is_misdirected() {
    let authority = Authority::new("authority");
    let origin = Origin::echo().await;
    let site = Site::to(origin.address());
    let issued = authority.site(&["a.test", "*.a.test", "b.a.test", "c.test"]);
    let settings = TlsTermination::new(issued.certificate());
    let exact = named(site.https("exact", settings.clone()), "b.a.test");
    let wildcard = named(site.https("wildcard", settings.clone()), "*.a.test");
    let other = named(site.https("other", settings), "c.test");
    let gateway = serve(site.behind([exact, wildcard, other]));

    let client = TlsClient::trusting(&authority);
    for (name, host, status) in [
        ("b.a.test", "b.a.test", 200),
        ("b.a.test", "B.A.TEST:8443", 200),
        // Another listener is for it: more specific, less specific, altogether different.
        ("x.a.test", "b.a.test", 421),
        ("b.a.test", "x.a.test", 421),
        ("b.a.test", "c.test", 421),
        // The same listener is for both names.
        ("x.a.test", "y.a.test", 200),
        // Nobody is for it.
        ("b.a.test", "d.test", 404),
    ] {
        let request = || {
            Request::get("/")
                .header(HOST, host)
                .body(Empty::<Bytes>::new())
        };

        let mut one = client.http1(gateway.address(), name).await;
        let reply = one.call(request().unwrap()).await;
        assert_eq!(reply.status, status, "{name} {host}");
        assert_eq!(reply.headers.contains_key(CONNECTION), status == 421);

        let mut two = client.http2(gateway.address(), name).await;
        assert_eq!(
            two.call(request().unwrap()).await.status,
            status,
            "{name} {host}"
        );
        // The connection is still good for what it was made for.
        if name == "b.a.test" {
            let right = Request::get("/")
                .header(HOST, name)
                .body(Empty::<Bytes>::new());
            assert_eq!(two.call(right.unwrap()).await.status, 200);
        }
    }
}

#[tokio::test]
async fn connection_without_a_name_is_for_the_listener_without_one() {
    let authority = Authority::new("authority");
    let origin = Origin::echo().await;
    let site = Site::to(origin.address());
    let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
    let any = site.https("any", settings.clone());
    let named = named(site.https("named", settings), "b.test");
    let gateway = serve(site.behind([any, named]));

    let silent = TlsClient::trusting(&authority).with(|config| config.enable_sni = false);
    let mut client = silent.http1(gateway.address(), "a.test").await;

    assert_eq!(client.get("/").await.status, 200);
    let request = Request::get("/")
        .header(HOST, "b.test")
        .body(Empty::<Bytes>::new());
    assert_eq!(client.call(request.unwrap()).await.status, 421);
}

#[tokio::test]
async fn upgrade_becomes_a_tunnel() {
    let authority = Authority::new("authority");
    let origin = RawOrigin::bind().await;
    let site = Site::to(origin.address());
    let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
    let gateway = serve(site.behind([site.https("web", settings)]));

    let mut client = TlsClient::trusting(&authority)
        .connect(gateway.address(), "a.test")
        .await
        .unwrap();
    let ask =
        "GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    client.write_all(ask.as_bytes()).await.unwrap();
    let mut backend = origin.accept().await;
    let head = backend.head().await.unwrap().to_ascii_lowercase();
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello";
    backend.send(switch).await;

    let mut head = Vec::new();
    while !head.ends_with(b"hello") {
        head.push(patiently("a byte", client.read_u8()).await.unwrap());
    }
    client.write_all(b"ping").await.unwrap();
    assert_eq!(backend.read(4).await.unwrap(), b"ping");
    backend.send("pong").await;
    let mut pong = [0; 4];
    patiently("an answer", client.read_exact(&mut pong))
        .await
        .unwrap();
    assert_eq!(&pong, b"pong");

    // Each side ends by itself.
    client.shutdown().await.unwrap();
    assert!(backend.is_ended().await);
    backend.finish().await;
    assert_eq!(
        patiently("the end", client.read(&mut pong)).await.unwrap(),
        0
    );
}

#[tokio::test]
async fn drain_says_goodbye_and_lets_what_has_begun_finish() {
    let authority = Authority::new("authority");
    let origin = RawOrigin::bind().await;
    let site = Site::to(origin.address());
    let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
    let gateway = serve(site.behind([site.https("web", settings)]));
    let client = TlsClient::trusting(&authority);
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    let mut one = client.http1(gateway.address(), "a.test").await;
    let first = tokio::spawn(async move { (one.get("/").await, one) });
    let mut backend_of_one = origin.accept().await;
    backend_of_one.head().await.unwrap();
    let mut two = client.http2(gateway.address(), "a.test").await;
    let mut stream = two.another();
    let second =
        tokio::spawn(
            async move { Reply::read(stream.send(Client::request("/")).await.unwrap()).await },
        );
    let mut backend_of_two = origin.accept().await;
    backend_of_two.head().await.unwrap();
    let mut idle = client.connect(gateway.address(), "a.test").await.unwrap();

    gateway.shutdown();

    // Who has asked nothing is sent away.
    assert_eq!(crate::rig::rest(&mut idle).await.unwrap_or_default(), b"");
    backend_of_one.send(ok).await;
    backend_of_two.send(ok).await;
    let (reply, mut one) = first.await.unwrap();
    assert_eq!(reply.text(), "ok");
    assert_eq!(reply.headers[CONNECTION], "close");
    one.closed().await;
    assert_eq!(second.await.unwrap().text(), "ok");
    two.closed().await;
    assert!(gateway.drained().await.is_ok());
}
