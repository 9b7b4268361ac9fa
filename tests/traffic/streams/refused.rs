//! Policies that cannot hold where no requests are read.

use gateway_core::model::{ObjectName, UnfitPolicy};
use gateway_filters::rate_limit::Key;
use gateway_filters::{Bandwidth, Csrf, RateLimit};

use super::*;

fn csrf() -> Policy {
    Policy::Csrf(Arc::new(Csrf::new()))
}

#[tokio::test]
async fn policy_for_requests_is_told_and_nothing_is_forwarded() {
    let origin = echo().await;
    let unfit = tcp([]).with_policies(all([csrf()]));
    let gateway = Gateway::builder().workers(2);
    let (gateway, update) = TestGateway::try_serve(gateway, configuration(unfit, origin.address()));

    let told: Vec<_> = update.refused.iter().map(|one| &one.reason).collect();
    assert_eq!(told, [&UnfitPolicy::Requests { policy: "Csrf" }]);
    let text = "a policy cannot hold at listener tcp of gateway default/edge";
    assert_eq!(update.refused[0].to_string(), text);
    assert!(update.failed.is_empty());
    assert!(resets(gateway.address(), LOCALHOST).await);
    assert_eq!(origin.connections(), 0);

    let update = gateway.update(configuration(tcp([]), origin.address()));
    assert_eq!(update.refused, []);
    assert!(serves(gateway.address(), LOCALHOST).await);
}

#[tokio::test]
async fn datagrams_are_not_slowed_down_but_refused() {
    let origin = UdpEcho::start().await;
    let bandwidth = Policy::ResponseBandwidth(Bandwidth::new(1_000).unwrap());
    let gateway = Gateway::builder().workers(1);
    let unfit = configuration(udp([bandwidth]), origin.address);
    let (gateway, update) = TestGateway::try_serve(gateway, unfit);

    let [refused] = &update.refused[..] else {
        panic!("{:?}", update.refused);
    };
    assert_eq!(refused.route, Some(ObjectName::from("route")));
    let policy = "ResponseBandwidth";
    assert_eq!(refused.reason, UnfitPolicy::Datagrams { policy });
    is_dropped(&sender(LOCALHOST, &gateway).await, &gateway).await;
    assert_eq!(origin.seen(), 0);
}

#[tokio::test]
async fn one_policy_that_cannot_hold_does_not_hurt_other_places() {
    let origin = echo().await;
    let by_header = RateLimit::new(1, Duration::from_secs(1))
        .unwrap()
        .by(Key::Query("user".into()));
    let unfit = tcp([Policy::RateLimit(Arc::new(by_header))]);
    let other = Edge::new("other")
        .with_address(OTHER)
        .with_listener(tcp([allow(&["127.0.0.1"])]));
    let (gateway, update) = TestGateway::try_serve(
        Gateway::builder().workers(1),
        configuration(unfit, origin.address()).with_gateway(other),
    );

    assert_eq!(update.refused.len(), 1);
    assert_eq!(update.refused[0].reason, UnfitPolicy::Key);
    let addresses = gateway.gateway().addresses();
    assert!(resets(addresses[0], LOCALHOST).await);
    assert!(serves(addresses[1], LOCALHOST).await);
}
