//! Access: AT-ACL-1 to AT-ACL-3.

use std::sync::Arc;

use gateway_core::model::{Listener, Policy};
use gateway_filters::access::{AccessRule, AddressSource};
use gateway_filters::client_address::TrustedProxies;
use gateway_filters::{AccessControl, Answer, CidrSet};
use gateway_tests::{Client, Origin, Site, TestGateway, prefix};
use http::StatusCode;

use crate::requests::{get, host, rule};

fn access(access: AccessControl) -> Policy {
    Policy::Access(Arc::new(access))
}

fn set(networks: &[&str]) -> CidrSet {
    CidrSet::parse(networks.iter().copied()).unwrap()
}

fn forbidden() -> Answer {
    Answer::new(403).unwrap().with_text("Forbidden")
}

/// The demo's lists.
fn lists() -> AccessControl {
    AccessControl::new()
        .deny_addresses(set(&["192.168.0.0/24"]))
        .allow_addresses(set(&["112.94.5.242"]))
        .with_answer(forbidden())
}

/// A gateway that trusts one hop, of which there is one: the test.
fn behind_a_proxy(site: &Site) -> TestGateway {
    let listener: Listener = site
        .listener("web")
        .with_trusted_proxies(TrustedProxies::hops(1));
    TestGateway::serve(
        gateway_core::Gateway::builder().workers(2),
        site.behind([listener]),
    )
}

async fn from(client: &mut Client, host: &str, target: &str, forwarded_for: &str) -> StatusCode {
    let request = get(host, target, &[("x-forwarded-for", forwarded_for)]);
    client.call(request).await.status
}

/// AT-ACL-1.
#[tokio::test]
async fn clients_of_a_host_are_listed() {
    let origin = Origin::echo().await;
    let site = Site::new()
        .route(host("foo.test", [access(lists())]))
        .backend("origin", [origin.address()]);
    let gateway = behind_a_proxy(&site);
    let mut client = Client::http1(gateway.address()).await;

    let refused = get("foo.test", "/", &[("x-forwarded-for", "10.42.0.1")]);
    let refused = client.call(refused).await;

    assert_eq!(refused.status, 403);
    assert_eq!(refused.headers["content-length"], "9");
    assert_eq!(refused.text(), "Forbidden");
    assert_eq!(
        from(&mut client, "foo.test", "/", "112.94.5.242").await,
        200
    );
    assert_eq!(from(&mut client, "foo.test", "/", "192.168.0.7").await, 403);
}

/// AT-ACL-2.
#[tokio::test]
async fn clients_of_one_rule_are_listed() {
    let origin = Origin::echo().await;
    let listed = rule()
        .with_match(prefix("/headers"))
        .with_policy(access(lists()));
    let site = Site::new()
        .rule(listed)
        .rule(rule())
        .backend("origin", [origin.address()]);
    let gateway = behind_a_proxy(&site);
    let mut client = Client::http1(gateway.address()).await;

    assert_eq!(
        from(&mut client, "a.test", "/headers", "112.94.5.242").await,
        200
    );
    assert_eq!(
        from(&mut client, "a.test", "/headers", "10.42.0.1").await,
        403
    );
    assert_eq!(from(&mut client, "a.test", "/get", "10.42.0.1").await, 200);
}

/// AT-ACL-3.
#[tokio::test]
async fn what_a_client_forges_left_of_the_last_proxy_does_not_count() {
    let origin = Origin::echo().await;
    let allowed = AccessControl::new().allow_addresses(set(&["112.94.5.242", "2001:db8::/32"]));
    let site = Site::new()
        .rule(rule().with_policy(access(allowed)))
        .backend("origin", [origin.address()]);
    let gateway = behind_a_proxy(&site);
    let mut client = Client::http1(gateway.address()).await;

    for (forwarded_for, status) in [
        ("112.94.5.242, 10.42.0.1", 403),
        ("10.42.0.1, 112.94.5.242", 200),
        ("::ffff:112.94.5.242", 200),
        ("2001:db8::1", 200),
        ("2001:db9::1", 403),
    ] {
        let answer = from(&mut client, "a.test", "/", forwarded_for).await;
        assert_eq!(answer, status, "{forwarded_for}");
    }
    // Backends are told the way that is believed, and no more.
    from(&mut client, "a.test", "/", "6.6.6.6, 112.94.5.242").await;
    let told = origin.last();
    assert_eq!(
        told.header("x-forwarded-for"),
        Some("112.94.5.242, 127.0.0.1")
    );
}

#[tokio::test]
async fn nobody_is_believed_unless_they_are_trusted() {
    let origin = Origin::echo().await;
    let by_client = AccessControl::new().allow_addresses(set(&["112.94.5.242"]));
    let by_peer = AccessControl::new()
        .allow_addresses(set(&["127.0.0.0/8"]))
        .by(AddressSource::Peer);
    let site = Site::new()
        .route(host("client.test", [access(by_client)]))
        .route(host("peer.test", [access(by_peer)]))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    assert_eq!(
        from(&mut client, "client.test", "/", "112.94.5.242").await,
        403
    );
    assert_eq!(
        from(&mut client, "peer.test", "/", "112.94.5.242").await,
        200
    );
    assert_eq!(origin.last().header("x-forwarded-for"), Some("127.0.0.1"));
}

#[tokio::test]
async fn rules_see_the_path_before_it_is_rewritten() {
    use gateway_core::model::Filter;
    use gateway_filters::{PathModifier, UrlRewrite};

    let origin = Origin::echo().await;
    let denied = AccessRule::deny().on_path_prefix("/admin").unwrap();
    let control = AccessControl::new()
        .rule(denied)
        .otherwise(gateway_filters::access::Effect::Allow);
    let to_admin = UrlRewrite::new().with_path(PathModifier::replace_full_path("/admin").unwrap());
    let site = Site::new()
        .rule(
            rule()
                .with_policy(access(control))
                .with_filter(Filter::UrlRewrite(Arc::new(to_admin))),
        )
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    assert_eq!(client.get("/shop").await.echo()["path"], "/admin");
    assert_eq!(client.get("/admin/users").await.status, 403);
}
