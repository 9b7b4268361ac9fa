//! What a handshake may look like, and how long it may take.

use std::time::Duration;

use gateway_core::model::{TlsTermination, TlsVersions};
use gateway_core::{Deadlines, Gateway};
use gateway_tests::{Authority, Client, Origin, TestGateway, TlsClient, Wire};
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;

use crate::rig::{Rig, one, rest};

/// The beginning of a handshake, as a client sends it.
fn hello(client: &TlsClient) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.session("a.test").write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn versions_are_those_that_are_allowed() {
    for (versions, old, new) in [
        (TlsVersions::All, true, true),
        (TlsVersions::Tls12, true, false),
        (TlsVersions::Tls13, false, true),
    ] {
        let rig = Rig::with(|settings| settings.with_versions(versions)).await;
        for (version, is_allowed) in [(&TLS12, old), (&TLS13, new)] {
            let client = TlsClient::of_versions(&rig.authority, &[version]);
            let outcome = client.connect(rig.address(), "a.test").await;
            assert_eq!(outcome.is_ok(), is_allowed, "{versions:?} {version:?}");
        }
    }
}

#[tokio::test]
async fn cipher_suites_are_those_that_are_allowed() {
    let only = "TLS_CHACHA20_POLY1305_SHA256";
    let rig = Rig::with(|settings| settings.with_cipher_suites([only, "TLS_FROM_MARS"])).await;

    let stream = rig.client().connect(rig.address(), "a.test").await.unwrap();
    let suite = stream.get_ref().1.negotiated_cipher_suite().unwrap();
    assert_eq!(
        format!("{:?}", suite.suite()),
        "TLS13_CHACHA20_POLY1305_SHA256"
    );
    let old = TlsClient::of_versions(&rig.authority, &[&TLS12]);
    assert!(old.connect(rig.address(), "a.test").await.is_err());

    // Nobody can speak nothing.
    let certificate = rig.authority.site(&["a.test"]).certificate();
    rig.change(TlsTermination::new(certificate).with_cipher_suites(["TLS_FROM_MARS"]));
    assert!(rig.client().connect(rig.address(), "a.test").await.is_err());
}

#[tokio::test]
async fn hello_in_many_records_is_read() {
    let rig = Rig::new().await;

    // 32 bytes is the least that rustls cuts into.
    let client = rig
        .client()
        .with(|config| config.max_fragment_size = Some(32));
    let mut client = client.http1(rig.address(), "a.test").await;

    assert_eq!(client.get("/").await.status, 200);
}

#[tokio::test]
async fn hello_byte_by_byte_is_read() {
    let rig = Rig::new().await;
    let mut wire = Wire::connect(rig.address()).await;

    for byte in hello(&rig.client()) {
        wire.send([byte]).await;
    }

    // A record of a handshake: the ServerHello.
    assert_eq!(wire.read(1).await.unwrap(), [22]);
}

#[tokio::test]
async fn key_shares_against_quantum_computers_are_agreed_on() {
    let rig = Rig::new().await;

    let stream = rig.client().connect(rig.address(), "a.test").await.unwrap();

    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap();
    assert_eq!(format!("{:?}", group.name()), "X25519MLKEM768");
}

#[tokio::test]
async fn what_is_no_hello_gets_an_alert_and_an_end() {
    let rig = Rig::new().await;
    for nonsense in [
        &b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"[..],
        &[22, 3, 1, 0, 4, 2, 0, 0, 0],
        &[0; 64],
    ] {
        let mut wire = Wire::connect(rig.address()).await;
        wire.send(nonsense).await;
        // Alerts are records of type 21.
        assert_eq!(wire.read_to_end().await.first(), Some(&21));
    }
}

#[tokio::test]
async fn slow_handshakes_are_given_up() {
    let authority = Authority::new("authority");
    let origin = Origin::echo().await;
    let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
    let deadlines = Deadlines {
        head: Duration::from_millis(400),
        ..Deadlines::default()
    };
    let builder = Gateway::builder().workers(1).deadlines(deadlines);
    let gateway = TestGateway::serve(builder, one(&origin, settings));
    let client = TlsClient::trusting(&authority);
    let hello = hello(&client);

    // Nothing, half of a hello, and a hello with nothing behind it.
    for sent in [&[][..], &hello[..hello.len() / 2], &hello[..]] {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(sent).await;
        let answered = wire.read_to_end().await;
        assert_eq!(answered.is_empty(), sent.len() < hello.len());
    }
    // Half of a request.
    let mut stream = client.connect(gateway.address(), "a.test").await.unwrap();
    stream.write_all(b"GET / HT").await.unwrap();
    assert!(rest(&mut stream).await.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn sessions_are_resumed_whichever_worker_takes_them() {
    let rig = Rig::new().await;
    for version in [&TLS12, &TLS13] {
        let client = TlsClient::of_versions(&rig.authority, &[version]);
        let kind = async || {
            let stream = client.connect(rig.address(), "a.test").await.unwrap();
            let kind = stream.get_ref().1.handshake_kind().unwrap();
            // With TLS 1.3 tickets come after the handshake.
            assert_eq!(Client::http1_over(stream).await.get("/").await.status, 200);
            kind
        };

        assert_eq!(kind().await, HandshakeKind::Full);
        // The kernel chooses among two workers, each time anew.
        for _ in 0..12 {
            assert_eq!(kind().await, HandshakeKind::Resumed);
        }
    }
}

#[tokio::test]
async fn nothing_is_accepted_before_the_handshake_is_done() {
    let rig = Rig::new().await;
    let client = rig.client().with(|config| config.enable_early_data = true);
    let stream = client.connect(rig.address(), "a.test").await.unwrap();
    assert_eq!(Client::http1_over(stream).await.get("/").await.status, 200);

    // A ticket that allowed early data would offer it now.
    assert!(client.session("a.test").early_data().is_none());
}

#[tokio::test]
async fn idle_connection_ends_with_a_goodbye() {
    let authority = Authority::new("authority");
    let origin = Origin::echo().await;
    let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
    let deadlines = Deadlines {
        idle: Duration::from_millis(400),
        ..Deadlines::default()
    };
    let builder = Gateway::builder().workers(1).deadlines(deadlines);
    let gateway = TestGateway::serve(builder, one(&origin, settings));
    let client = TlsClient::trusting(&authority);
    let mut stream = client.connect(gateway.address(), "a.test").await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();

    // Without a close_notify this would be an error.
    let answer = rest(&mut stream).await.unwrap();

    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}
