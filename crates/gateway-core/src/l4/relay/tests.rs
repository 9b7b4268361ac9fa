use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};

use super::direction::SPLICE_AFTER;
use super::*;

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
    (one.unwrap(), other.unwrap().0)
}

fn relay(client: impl Into<ByteStream>, backend: impl Into<ByteStream>) -> Relay {
    Relay::new(client.into(), BytesMut::new(), backend.into(), None)
}

fn boxed(stream: DuplexStream) -> ByteStream {
    ByteStream::new(stream)
}

fn noise(length: u64) -> Vec<u8> {
    (0..length)
        .map(|place| ((place * place) >> 3) as u8)
        .collect()
}

/// Sends `length` bytes up and down at a time, through a relay between two bare TCP
/// connections.
async fn exchange(length: u64) {
    let ((mut client, near), (far, mut backend)) = (tcp().await, tcp().await);
    let relay = tokio::spawn(relay(near, far));
    let sent = noise(length);

    let one_side = async |stream: &mut TcpStream| {
        let (mut read, mut write) = stream.split();
        let mut received = Vec::new();
        let (written, read) = tokio::join!(
            async {
                write.write_all(&sent).await?;
                write.shutdown().await
            },
            read.read_to_end(&mut received)
        );
        written.unwrap();
        read.unwrap();
        assert!(received == sent);
    };
    tokio::join!(one_side(&mut client), one_side(&mut backend));

    let summary = relay.await.unwrap();
    assert_eq!(summary, Summary::new(length, length, End::Finished));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn much_is_spliced_and_pipes_come_back() {
    assert_eq!(pipes::stored(), 0);

    exchange(64 * SPLICE_AFTER + 7).await;

    assert!(pipes::stored() > 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn little_is_copied() {
    exchange(SPLICE_AFTER / 2).await;

    assert_eq!(pipes::stored(), 0);
}

#[tokio::test]
async fn whatever_is_not_bare_tcp_is_copied() {
    let ((mut client, near), (far, mut backend)) = (duplex(4096), tcp().await);
    let relay = tokio::spawn(relay(boxed(near), far));
    let sent = noise(4 * SPLICE_AFTER);

    let mut received = Vec::new();
    let (written, read) = tokio::join!(
        async {
            client.write_all(&sent).await?;
            client.shutdown().await
        },
        backend.read_to_end(&mut received)
    );
    written.unwrap();
    read.unwrap();
    assert!(received == sent);
    drop(backend);

    assert_eq!(relay.await.unwrap().end, End::Finished);
}

#[tokio::test]
async fn what_was_read_ahead_goes_first_and_a_head_before_it() {
    let ((mut client, near), (far, mut backend)) = (duplex(64), duplex(64));
    let relay = Relay::new(boxed(near), BytesMut::from("ahead "), boxed(far), None);
    let relay = tokio::spawn(relay.with_head(b"head ".to_vec()));

    client.write_all(b"behind").await.unwrap();
    client.shutdown().await.unwrap();
    let mut heard = String::new();
    backend.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "head ahead behind");
    drop(backend);

    // The head is none of the client's.
    let summary = relay.await.unwrap();
    assert_eq!(summary.received, "ahead behind".len() as u64);
}

/// A backend that refuses to hear the rest may still explain why.
#[tokio::test]
async fn answer_of_a_backend_that_stops_reading_arrives() {
    let ((mut client, near), (far, mut backend)) = (tcp().await, duplex(16));
    let relay = tokio::spawn(relay(near, boxed(far)));

    client.write_all(&[0; 64]).await.unwrap();
    backend.write_all(b"too much").await.unwrap();
    drop(backend);

    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "too much");
    assert_eq!(relay.await.unwrap().sent, 8);
}

#[tokio::test(start_paused = true)]
async fn relay_in_which_nothing_moves_is_idle() {
    use std::time::Duration;

    use crate::listen::{Clock, Deadlines, Watches};
    use crate::telemetry::PortCells;

    let clock = Arc::new(Clock::new());
    let watches = Arc::new(Watches::default());
    let watched = watches.open(&clock, &PortCells::alone());
    watched.watch().set_still_limit(Duration::from_secs(30));
    let ((mut client, near), (far, mut backend)) = (duplex(64), duplex(64));
    let watch = Some(Arc::clone(watched.watch()));
    let relay = Relay::new(boxed(near), BytesMut::new(), boxed(far), watch);
    let relay = tokio::spawn(relay);
    let pass = async |seconds| {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        clock.advance();
        watches.sweep(&Deadlines::default());
        tokio::task::yield_now().await;
    };

    pass(29).await;
    client.write_all(b"x").await.unwrap();
    backend.read_exact(&mut [0]).await.unwrap();
    pass(29).await;
    assert!(!relay.is_finished());
    pass(2).await;

    assert_eq!(relay.await.unwrap(), Summary::new(1, 0, End::Idle));
}
