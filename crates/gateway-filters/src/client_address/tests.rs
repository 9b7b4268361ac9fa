use std::convert::Infallible;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::*;
use crate::CidrSet;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn lines(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let line = HeaderValue::from_str(line).expect("text");
        headers.append("x-forwarded-for", line);
    }
    headers
}

fn ours() -> TrustedProxies {
    TrustedProxies::networks(CidrSet::parse(["192.0.2.0/24", "2001:db8::/32"]).expect("valid"))
}

fn client(proxies: &TrustedProxies, peer: &str, header: &[&str]) -> String {
    proxies.client(address(peer), &lines(header)).to_string()
}

#[test]
fn nobody_is_believed_by_default() {
    let default = TrustedProxies::default();

    assert_eq!(client(&default, "192.0.2.9", &["203.0.113.1"]), "192.0.2.9");
    assert_eq!(default, TrustedProxies::hops(0));
}

#[test]
fn one_hop_is_the_right_most_entry_however_much_is_forged() {
    let one = TrustedProxies::hops(1);

    for header in [
        "203.0.113.1",
        "6.6.6.6, 203.0.113.1",
        ",,6.6.6.6,x, 203.0.113.1",
    ] {
        assert_eq!(client(&one, "192.0.2.9", &[header]), "203.0.113.1");
    }
}

#[test]
fn hops_are_counted_over_lines() {
    let two = TrustedProxies::hops(2);

    let header = ["6.6.6.6", "203.0.113.1", "192.0.2.8"];

    assert_eq!(client(&two, "192.0.2.9", &header), "203.0.113.1");
}

#[test]
fn fewer_hops_than_promised_leave_the_peer() {
    let two = TrustedProxies::hops(2);

    assert_eq!(client(&two, "192.0.2.9", &["203.0.113.1"]), "192.0.2.9");
    assert_eq!(client(&two, "192.0.2.9", &[]), "192.0.2.9");
}

#[test]
fn malformed_hop_ends_the_walk() {
    let two = TrustedProxies::hops(2);

    for bad in [
        "unknown",
        "",
        "10.0.0",
        "10.0.0.1:x",
        "[::1",
        "::1]:80",
        "_hidden",
    ] {
        let nearest = format!("203.0.113.1, {bad}");
        let second = format!("203.0.113.1, {bad}, 192.0.2.8");

        assert_eq!(client(&two, "192.0.2.9", &[&nearest]), "192.0.2.9");
        assert_eq!(client(&two, "192.0.2.9", &[&second]), "192.0.2.8");
    }
}

#[test]
fn right_most_untrusted_address_is_the_client() {
    let header = ["6.6.6.6, 192.0.2.1, 203.0.113.1, 192.0.2.7", "192.0.2.8"];

    assert_eq!(client(&ours(), "192.0.2.9", &header), "203.0.113.1");
}

#[test]
fn peer_that_is_no_proxy_of_ours_is_not_believed() {
    assert_eq!(client(&ours(), "203.0.113.7", &["6.6.6.6"]), "203.0.113.7");
}

#[test]
fn furthest_of_only_trusted_addresses_is_the_client() {
    let header = ["192.0.2.7, 192.0.2.8"];

    assert_eq!(client(&ours(), "192.0.2.9", &header), "192.0.2.7");
    assert_eq!(client(&ours(), "192.0.2.9", &[]), "192.0.2.9");
}

#[test]
fn malformed_entry_ends_the_walk_over_networks() {
    let header = ["6.6.6.6, unknown, 192.0.2.8"];

    assert_eq!(client(&ours(), "192.0.2.9", &header), "192.0.2.8");
}

#[test]
fn addresses_are_read_in_all_their_forms() {
    for (entry, expected) in [
        ("203.0.113.1:4711", "203.0.113.1"),
        ("2001:4860::1", "2001:4860::1"),
        ("[2001:4860::1]", "2001:4860::1"),
        ("[2001:4860::1]:4711", "2001:4860::1"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("[::ffff:203.0.113.1]:4711", "203.0.113.1"),
        ("\t 203.0.113.1 ", "203.0.113.1"),
    ] {
        assert_eq!(client(&ours(), "192.0.2.9", &[entry]), expected);
    }
}

#[test]
fn mapped_peer_is_known_as_ipv4() {
    let header = ["203.0.113.1"];

    assert_eq!(client(&ours(), "::ffff:192.0.2.9", &header), "203.0.113.1");
    assert_eq!(
        client(&TrustedProxies::none(), "::ffff:192.0.2.9", &[]),
        "192.0.2.9"
    );
}

#[test]
fn other_header_is_read_instead() {
    let one = TrustedProxies::hops(1).with_header(HeaderName::from_static("x-real-ip"));
    let mut headers = lines(&["6.6.6.6"]);
    headers.insert("x-real-ip", HeaderValue::from_static("203.0.113.1"));

    assert_eq!(
        one.client(address("192.0.2.9"), &headers),
        address("203.0.113.1")
    );
}

async fn seen_behind_the_layer(request: Request<()>) -> Option<IpAddr> {
    let service = ServiceBuilder::new()
        .layer(ClientAddressLayer::new(TrustedProxies::hops(1)))
        .service(service_fn(|request: Request<()>| async move {
            let client = request.extensions().get::<ClientAddress>().copied();
            Ok::<_, Infallible>(Response::new(client))
        }));

    let response = service.oneshot(request).await.expect("infallible");
    response.into_body().map(|ClientAddress(address)| address)
}

#[tokio::test]
async fn service_inside_is_told_the_client() {
    let request = Request::get("/")
        .header("x-forwarded-for", "203.0.113.1")
        .extension(PeerAddress(address("192.0.2.9")))
        .body(())
        .expect("valid");

    let client = seen_behind_the_layer(request).await;

    assert_eq!(client, Some(address("203.0.113.1")));
}

#[tokio::test]
async fn nothing_is_told_when_the_peer_is_not_known() {
    let request = Request::get("/").header("x-forwarded-for", "203.0.113.1");

    let client = seen_behind_the_layer(request.body(()).expect("valid")).await;

    assert_eq!(client, None);
}

fn entries() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..=255_u8).prop_map(|last| format!("192.0.2.{last}")),
        any::<[u8; 4]>().prop_map(|octets| IpAddr::from(octets).to_string()),
        any::<[u16; 8]>().prop_map(|groups| format!("[{}]:80", IpAddr::from(groups))),
        "[ -~]{0,12}",
    ]
}

proptest! {
    /// What stands left of the first untrusted entry changes nothing, whatever it is.
    #[test]
    fn forged_entries_change_nothing(
        forged in vec(entries(), 0..5),
        hidden in any::<[u8; 4]>(),
        proxies in 0..4_usize,
    ) {
        let client = IpAddr::from(hidden);
        prop_assume!(hidden[..3] != [192, 0, 2]);
        let mut honest = vec![client.to_string()];
        honest.extend((0..proxies).map(|proxy| format!("192.0.2.{proxy}")));
        let all = [forged, honest].concat().join(",");

        prop_assert_eq!(ours().client(address("192.0.2.9"), &lines(&[&all])), client);
        let hops = TrustedProxies::hops(proxies + 1);
        prop_assert_eq!(hops.client(address("192.0.2.9"), &lines(&[&all])), client);
    }

    /// It does not matter how entries are spread over lines.
    #[test]
    fn lines_are_one_list(all in vec("[0-9a-f.:]{0,8}|192\\.0\\.2\\.[0-9]", 1..6), hops in 0..6_usize) {
        let apart: Vec<_> = all.iter().map(String::as_str).collect();
        let together = all.join(", ");

        for proxies in [ours(), TrustedProxies::hops(hops)] {
            prop_assert_eq!(
                client(&proxies, "192.0.2.9", &apart),
                client(&proxies, "192.0.2.9", &[&together])
            );
        }
    }
}
