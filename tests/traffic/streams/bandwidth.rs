//! How fast bytes pass: AT-RL-BPS, for connections that are not HTTP.

use gateway_core::model::{TlsMode, TlsTermination};
use gateway_filters::Bandwidth;
use gateway_tests::{Authority, TlsClient};
use tokio::time::Instant;

use super::*;

/// 8 KiB at 16 KiB a second, of which the first quarter may go at once.
fn slow() -> Bandwidth {
    Bandwidth::new(16_384).unwrap().with_burst(2_048).unwrap()
}

/// Such that nobody would wait for 8 KiB.
fn crawling() -> Bandwidth {
    Bandwidth::new(16).unwrap()
}

const LEAST: Duration = Duration::from_millis(360);

/// A backend that waits for all that is said, and answers with as much as `answer`.
async fn answering(heard: usize, answer: usize) -> Scripted {
    RawOrigin::bind().await.script(move |wire| async move {
        let mut tcp = wire.into_tcp();
        // A client that is gone waits for nothing.
        if tcp.read_exact(&mut vec![0; heard]).await.is_ok() {
            let _ = tcp.write_all(&vec![b'x'; answer]).await;
        }
    })
}

/// How long it takes to say `said`, and to hear all of the answer.
async fn takes<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    said: usize,
    answer: usize,
) -> Duration {
    let start = Instant::now();
    let mut heard = Vec::new();
    patiently("the answer", async {
        stream.write_all(&vec![b'x'; said]).await.unwrap();
        stream.flush().await.unwrap();
        stream.read_to_end(&mut heard).await.unwrap();
    })
    .await;
    assert!(heard == vec![b'x'; answer]);
    start.elapsed()
}

async fn over_tcp(policy: Policy, said: usize, answer: usize) -> Duration {
    let origin = answering(said, answer).await;
    let gateway = serve(configuration(tcp([policy]), origin.address()));
    let stream = TcpStream::connect(gateway.address()).await.unwrap();
    takes(stream, said, answer).await
}

#[tokio::test]
async fn what_a_client_sends_takes_its_time() {
    assert!(over_tcp(Policy::RequestBandwidth(slow()), 8_192, 1).await >= LEAST);
    over_tcp(Policy::ResponseBandwidth(crawling()), 8_192, 1).await;
}

#[tokio::test]
async fn what_a_client_is_sent_takes_its_time() {
    assert!(over_tcp(Policy::ResponseBandwidth(slow()), 1, 8_192).await >= LEAST);
    over_tcp(Policy::RequestBandwidth(crawling()), 1, 8_192).await;
}

/// Long after connections without a limit are moved within the kernel.
#[tokio::test]
async fn much_does_not_slip_through() {
    let quick = Bandwidth::new(2_000_000)
        .unwrap()
        .with_burst(200_000)
        .unwrap();

    // A million bytes, of which 200 kB go at once.
    let up = over_tcp(Policy::RequestBandwidth(quick), 1_000_000, 1).await;
    let down = over_tcp(Policy::ResponseBandwidth(quick), 1, 1_000_000).await;

    for elapsed in [up, down] {
        assert!(elapsed >= Duration::from_millis(395), "{elapsed:?}");
    }
}

#[tokio::test]
async fn slowest_of_listener_and_route_counts() {
    let quick = Bandwidth::new(10_000_000).unwrap();
    let origin = answering(8_192, 1).await;
    for (of_listener, of_route) in [(slow(), quick), (quick, slow())] {
        let listener = tcp([Policy::RequestBandwidth(of_route)])
            .with_policies(all([Policy::RequestBandwidth(of_listener)]));
        let gateway = serve(configuration(listener, origin.address()));
        let stream = TcpStream::connect(gateway.address()).await.unwrap();

        assert!(takes(stream, 8_192, 1).await >= LEAST);
    }
}

#[tokio::test]
async fn every_connection_has_its_own() {
    let origin = answering(2_048, 1).await;
    // Each of them is a burst; nobody would wait for two of them together.
    let policy = Policy::RequestBandwidth(crawling().with_burst(2_048).unwrap());
    let gateway = serve(configuration(tcp([policy]), origin.address()));

    for _ in 0..8 {
        let stream = TcpStream::connect(gateway.address()).await.unwrap();
        takes(stream, 2_048, 1).await;
    }
}

#[tokio::test]
async fn connections_over_tls_take_their_time() {
    let authority = Authority::new("authority");
    let issued = authority.site(&["a.test"]);
    let settings = TlsTermination::new(issued.certificate());
    let decrypted = answering(8_192, 1).await;
    let acceptor = issued.acceptor(&[]);
    let encrypted = RawOrigin::bind().await.script(move |wire| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(wire.into_tcp()).await.unwrap();
            stream.read_exact(&mut [0; 8_192]).await.unwrap();
            stream.write_all(b"x").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });

    for (mode, origin) in [
        (TlsMode::Terminate(settings.into()), &decrypted),
        (TlsMode::Passthrough, &encrypted),
    ] {
        let policy = Policy::RequestBandwidth(slow());
        let listener = Listener::new("tls", 0, Protocol::Tls(mode))
            .with_stream_route(route(StreamRouteKind::Tls, [policy]));
        let gateway = serve(configuration(listener, origin.address()));
        let client = TlsClient::trusting(&authority);
        let stream = client.connect(gateway.address(), "a.test").await.unwrap();

        assert!(takes(stream, 8_192, 1).await >= LEAST);
    }
}

/// What breaks off does not look finished, with a limit either.
#[tokio::test]
async fn limited_connection_that_breaks_off_is_reset() {
    let origin = RawOrigin::bind().await;
    let policies = [
        Policy::RequestBandwidth(slow()),
        Policy::ResponseBandwidth(slow()),
    ];
    let gateway = serve(configuration(tcp(policies), origin.address()));
    let mut client = TcpStream::connect(gateway.address()).await.unwrap();
    let mut backend = origin.accept().await;
    client.write_all(b"half").await.unwrap();
    backend.read(4).await.unwrap();

    backend.reset();

    let ended = patiently("the end", client.read(&mut [0])).await;
    let error = ended.expect_err("broken off");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}
