//! How many connections and sessions may begin.

use std::net::Ipv4Addr;

use gateway_core::model::StreamTimeouts;
use gateway_filters::RateLimit;
use gateway_filters::rate_limit::{Key, Refill};

use super::*;

/// All of them come back at the end of a minute.
fn a_minute(count: u32) -> RateLimit {
    let limit = RateLimit::new(count, Duration::from_secs(60)).unwrap();
    limit.with_refill(Refill::Window)
}

fn limit(limit: RateLimit) -> Policy {
    Policy::RateLimit(Arc::new(limit))
}

/// How many of `count` connections at a time are served.
async fn served(gateway: SocketAddr, count: usize) -> usize {
    let each = (0..count).map(|_| tokio::spawn(serves(gateway, LOCALHOST)));
    let mut served = 0;
    for one in each.collect::<Vec<_>>() {
        served += usize::from(one.await.unwrap());
    }
    served
}

#[tokio::test]
async fn so_many_connections_begin_over_all_workers() {
    let origin = echo().await;
    let listener = tcp([limit(a_minute(10))]);
    let gateway = serve(configuration(listener, origin.address()));

    assert_eq!(served(gateway.address(), 60).await, 10);

    assert_eq!(origin.connections(), 10);
    assert_eq!(gateway.gateway().connections_refused(), 50);
}

#[tokio::test]
async fn what_is_used_up_stays_so_over_changes_of_anything_else() {
    let origin = echo().await;
    let with = |limited: u32, timeouts| {
        let route = route(StreamRouteKind::Tcp, [limit(a_minute(limited))]).with_timeouts(timeouts);
        let listener = Listener::new("tcp", 0, Protocol::Tcp).with_stream_route(route);
        configuration(listener, origin.address())
    };
    let default = StreamTimeouts::default();
    let gateway = serve(with(5, default));
    assert_eq!(served(gateway.address(), 5).await, 5);

    let patient = StreamTimeouts {
        connect: Duration::from_secs(7),
        ..default
    };
    gateway.update(with(5, patient));
    assert_eq!(served(gateway.address(), 5).await, 0);

    gateway.update(with(6, patient));
    assert_eq!(served(gateway.address(), 9).await, 6);
}

#[tokio::test]
async fn places_with_one_set_count_together() {
    let origin = echo().await;
    let edge = Arc::new(all([limit(a_minute(6))]));
    let at = |last: u8| {
        let listener = tcp([]).with_policies(Arc::clone(&edge));
        Edge::new(&*format!("edge-{last}"))
            .with_address(Ipv4Addr::new(127, 0, 1, last).into())
            .with_listener(listener)
    };
    let gateway = serve(
        Configuration::new()
            .with_gateway(at(1))
            .with_gateway(at(2))
            .with_backend("origin", Backend::new([origin.address()])),
    );
    let addresses = gateway.gateway().addresses();

    assert_eq!(served(addresses[0], 4).await, 4);
    assert_eq!(served(addresses[1], 4).await, 2);
}

#[tokio::test]
async fn clients_are_counted_apart() {
    let origin = echo().await;
    let listener = tcp([limit(a_minute(2).by(Key::ClientAddress))]);
    let gateway = serve(configuration(listener, origin.address()));

    assert_eq!(served(gateway.address(), 5).await, 2);
    assert!(serves(gateway.address(), OTHER).await);
}

#[tokio::test]
async fn sessions_are_limited_and_those_that_are_open_go_on() {
    let origin = UdpEcho::start().await;
    let listener = udp([limit(a_minute(2).by(Key::ClientAddress))]);
    let gateway = serve(configuration(listener, origin.address));

    let first = sender(LOCALHOST, &gateway).await;
    let second = sender(LOCALHOST, &gateway).await;
    is_answered(&first).await;
    is_answered(&second).await;
    is_dropped(&sender(LOCALHOST, &gateway).await, &gateway).await;

    is_answered(&sender(OTHER, &gateway).await).await;
    for _ in 0..20 {
        is_answered(&first).await;
    }
    assert_eq!(gateway.gateway().metrics().datagrams[0].sessions, 3);
}
