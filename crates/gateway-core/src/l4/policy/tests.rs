use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use gateway_filters::rate_limit::{Key, RateLimiter};
use gateway_filters::{AccessControl, Bandwidth, CidrSet, RateLimit};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::l4::relay::Relay;
use crate::l4::udp::{Datagrams, Session};
use crate::l4::{ByteStream, Connection, End, Summary};
use crate::model::UnfitPolicy;

fn set(networks: &[&str]) -> CidrSet {
    CidrSet::parse(networks).unwrap()
}

fn guarded(access: AccessControl) -> Entry {
    Entry::new().with_access(Arc::new(access)).unwrap()
}

fn per_minute(connections: u32) -> RateLimit {
    RateLimit::new(connections, Duration::from_secs(60)).unwrap()
}

fn limited(limit: RateLimit) -> Entry {
    Entry::new().with_limit(limit.into()).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn bandwidth(bytes: u64) -> Bandwidth {
    Bandwidth::new(bytes).unwrap()
}

#[test]
fn layers_and_services_are_values() {
    fn value<T: Clone + Send + Sync + 'static>() {}
    value::<Entry>();
    value::<EntryLayer>();
    value::<BandwidthLayer>();
    value::<EntryService<crate::l4::ConnectionStack>>();
    value::<BandwidthService<crate::l4::ConnectionStack>>();
}

#[test]
fn entry_lets_everybody_in_by_default() {
    assert!(Entry::new().is_open());
    assert_eq!(Entry::new().admit(ip("192.0.2.1")), Ok(()));
}

#[test]
fn denied_addresses_come_before_allowed_ones() {
    let access = AccessControl::new()
        .allow_addresses(set(&["192.0.2.0/24", "2001:db8::/32"]))
        .deny_addresses(set(&["192.0.2.7"]));
    let entry = guarded(access);

    for (client, enters) in [
        ("192.0.2.1", true),
        ("192.0.2.7", false),
        ("::ffff:192.0.2.1", true),
        ("::ffff:192.0.2.7", false),
        ("198.51.100.1", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
    ] {
        assert_eq!(entry.admit(ip(client)).is_ok(), enters, "{client}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_are_counted_apart_and_come_again_in_time() {
    let entry = limited(per_minute(2).by(Key::ClientAddress));
    let enters = |client| entry.admit(ip(client)).is_ok();

    assert!(enters("192.0.2.1") && enters("::ffff:192.0.2.1"));
    assert_eq!(entry.admit(ip("192.0.2.1")), Err(NoEntry::RateLimit));
    assert!(enters("192.0.2.2"));

    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(enters("192.0.2.1") && !enters("192.0.2.1"));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_refused_by_address_is_not_counted() {
    let denied = AccessControl::new().deny_addresses(set(&["192.0.2.7"]));
    let entry = limited(per_minute(1))
        .with_access(Arc::new(denied))
        .unwrap();

    for _ in 0..5 {
        let refused = entry.admit(ip("192.0.2.7"));
        assert!(matches!(refused, Err(NoEntry::Access(_))));
    }

    assert_eq!(entry.admit(ip("192.0.2.1")), Ok(()));
    assert_eq!(entry.admit(ip("192.0.2.1")), Err(NoEntry::RateLimit));
}

#[tokio::test]
async fn entry_counts_and_looks_at_nothing_but_addresses() {
    let queued = per_minute(1).with_queue(1, Duration::from_secs(1));
    let by_cookie = per_minute(1).by(Key::Cookie("id".into()));
    let rule = gateway_filters::access::AccessRule::allow();
    let ruled = Arc::new(AccessControl::new().rule(rule));

    let with_limit = |limit| {
        Entry::new()
            .with_limit(RateLimiter::new(limit))
            .unwrap_err()
    };
    assert_eq!(with_limit(queued), UnfitPolicy::Queue);
    assert_eq!(with_limit(by_cookie), UnfitPolicy::Key);
    let with_access = Entry::new().with_access(ruled);
    assert_eq!(with_access.unwrap_err(), UnfitPolicy::AccessRules);
}

/// Addresses close to each other, so that they meet networks.
fn addresses() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u8>().prop_map(|low| Ipv4Addr::new(192, 0, 2, low).into()),
        any::<u8>().prop_map(|low| Ipv4Addr::new(192, 0, 2, low).to_ipv6_mapped().into()),
        any::<u8>().prop_map(|low| Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(low)).into()),
    ]
}

fn networks() -> impl Strategy<Value = Vec<String>> {
    let v4 = (any::<u8>(), 24..=32_u8).prop_map(|(low, length)| format!("192.0.2.{low}/{length}"));
    let v6 =
        (any::<u8>(), 120..=128_u8).prop_map(|(low, length)| format!("2001:db8::{low:x}/{length}"));
    vec(prop_oneof![v4, v6], 0..4)
}

proptest! {
    /// Whoever is denied anywhere does not enter, nor who is not allowed where somebody is.
    #[test]
    fn every_list_has_to_let_a_client_in(
        lists in vec((networks(), option::of(networks())), 0..4),
        client in addresses(),
    ) {
        let parse = |networks: &Vec<String>| CidrSet::parse(networks).unwrap();
        let mut entry = Entry::new();
        let mut expected = true;
        for (denied, allowed) in &lists {
            let mut access = AccessControl::new().deny_addresses(parse(denied));
            expected &= !parse(denied).contains(client);
            if let Some(allowed) = allowed {
                access = access.allow_addresses(parse(allowed));
                expected &= parse(allowed).contains(client);
            }
            entry = entry.with_access(Arc::new(access)).unwrap();
        }

        prop_assert_eq!(entry.admit(client).is_ok(), expected);
        prop_assert_eq!(entry.admit(client.to_canonical()).is_ok(), expected);
    }
}

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
    (one.unwrap(), other.unwrap().0)
}

fn connection(stream: impl Into<ByteStream>) -> Connection {
    let address: SocketAddr = ([192, 0, 2, 7], 1234).into();
    Connection::new(stream, address, address)
}

async fn is_reset(mut stream: TcpStream) -> bool {
    let read = stream.read(&mut [0]).await;
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn refused_connections_are_reset_and_sessions_end() {
    let denied = AccessControl::new().deny_addresses(set(&["192.0.2.7"]));
    let layer = EntryLayer::new(guarded(denied));
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let (client, near) = tcp().await;

    let service = layer.layer(service_fn(move |_: Connection| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, Infallible>(Summary::new(0, 0, End::Finished)))
    }));
    let error = service.oneshot(connection(near)).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(NoEntry::Access(_))));
    assert!(is_reset(client).await);
    assert_eq!(calls.load(Ordering::Relaxed), 0);

    let (sender, incoming) = mpsc::channel(1);
    let address = ([192, 0, 2, 7], 1234).into();
    let session = Session::new(address, address, incoming, |_: Datagrams<'_>| {});
    let service = layer.layer(service_fn(|_: Session| async {
        Ok::<_, Infallible>(Summary::new(0, 0, End::Finished))
    }));
    assert!(service.oneshot(session).await.is_err());
    assert!(sender.is_closed());
}

/// A limited connection, tied to a backend; and the other ends of both.
fn relayed(connection: impl FnOnce(Connection) -> Connection) -> (DuplexStream, DuplexStream) {
    let ((client, near), (far, backend)) = (duplex(64 * 1024), duplex(64 * 1024));
    let limited = connection(self::connection(ByteStream::new(near)));
    let (stream, ahead) = limited.into_parts();
    tokio::spawn(Relay::new(stream, ahead, ByteStream::new(far), None));
    (client, backend)
}

/// Sends so many bytes and waits until they have all arrived.
async fn carry(mut from: DuplexStream, to: &mut DuplexStream, bytes: usize) -> Duration {
    let start = Instant::now();
    from.write_all(&vec![7; bytes]).await.unwrap();
    let mut arrived = vec![0; bytes];
    to.read_exact(&mut arrived).await.unwrap();
    assert!(arrived.iter().all(|byte| *byte == 7));
    start.elapsed()
}

fn assert_seconds(elapsed: Duration, seconds: u64) {
    let least = Duration::from_secs(seconds);
    let most = least + Duration::from_millis(100);
    assert!((least..most).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn each_direction_has_its_own_pace() {
    let both = |connection: Connection| {
        connection.with_bandwidth(Some(bandwidth(2_048)), Some(bandwidth(4_096)))
    };

    let (client, mut backend) = relayed(both);
    assert_seconds(carry(client, &mut backend, 8_192).await, 3);
    let (mut client, backend) = relayed(both);
    assert_seconds(carry(backend, &mut client, 8_192).await, 1);
}

#[tokio::test(start_paused = true)]
async fn direction_without_a_limit_waits_for_nothing() {
    let one = |connection: Connection| connection.with_bandwidth(Some(bandwidth(1)), None);

    let (mut client, backend) = relayed(one);

    assert_seconds(carry(backend, &mut client, 60_000).await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_ahead_counts() {
    let (client, mut backend) = relayed(|connection| {
        let connection = connection.with_ahead(BytesMut::from(&[7; 1_000][..]));
        connection.with_bandwidth(Some(bandwidth(1_000)), None)
    });

    // The first thousand came ahead, and two more have to wait.
    let start = Instant::now();
    assert_seconds(carry(client, &mut backend, 2_000).await, 1);
    backend.read_exact(&mut [0; 1_000]).await.unwrap();
    assert_seconds(start.elapsed(), 2);
}

#[tokio::test(start_paused = true)]
async fn layers_limit_what_goes_through_them() {
    let layer = BandwidthLayer::new()
        .with_received(bandwidth(1_000))
        .with_sent(bandwidth(500));
    let (mut client, near) = duplex(64 * 1024);
    let start = Instant::now();
    let service = layer.layer(service_fn(async |connection: Connection| {
        let (mut stream, _) = connection.into_parts();
        stream.read_exact(&mut [0; 3_000]).await?;
        stream.write_all(&[0; 1_000]).await?;
        Ok::<_, std::io::Error>(Summary::new(3_000, 1_000, End::Finished))
    }));

    client.write_all(&[0; 3_000]).await.unwrap();
    service
        .oneshot(connection(ByteStream::new(near)))
        .await
        .unwrap();

    // A bucket is full when the first byte may pass: two seconds to read, then one to write.
    assert_seconds(start.elapsed(), 3);
}

#[test]
fn limits_of_several_places_need_as_few_layers_as_there_can_be() {
    let of = |received: &[u64], sent: &[u64]| {
        let all = |bytes: &[u64]| bytes.iter().copied().map(bandwidth).collect::<Vec<_>>();
        BandwidthLayer::of_all(&all(received), &all(sent)).len()
    };

    assert_eq!((of(&[], &[]), of(&[1], &[2]), of(&[1, 2], &[3])), (0, 1, 2));
}

#[tokio::test]
async fn limited_connection_is_never_handed_to_the_kernel_and_can_be_reset() {
    let (client, near) = tcp().await;
    assert!(ByteStream::from(near).as_tcp().is_some());
    drop(client);

    let (client, near) = tcp().await;
    let limited = connection(near)
        .with_bandwidth(Some(bandwidth(1)), None)
        .with_bandwidth(None, Some(bandwidth(1)));
    let (stream, _) = limited.into_parts();
    assert!(stream.as_tcp().is_none());
    let stream = stream.into_tcp().unwrap_err();

    stream.reset();

    assert!(is_reset(client).await);
}

#[tokio::test]
async fn without_bandwidth_a_connection_stays_bare() {
    let (_client, near) = tcp().await;

    let (stream, _) = connection(near).with_bandwidth(None, None).into_parts();

    assert!(stream.as_tcp().is_some());
}
