use gateway_filters::CidrSet;
use gateway_filters::client_address::TrustedProxies;
use http::header::{CONNECTION, COOKIE, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Method, Request, Version};
use proptest::prelude::*;

use super::*;

fn get(target: &str) -> http::request::Builder {
    Request::builder().uri(target).header(HOST, "a.test")
}

fn admitted(builder: http::request::Builder) -> (Admitted, Request<()>) {
    let mut request = builder.body(()).unwrap();
    let admitted = admit(&mut request).unwrap();
    (admitted, request)
}

fn refused(builder: http::request::Builder) -> Refused {
    admit(&mut builder.body(()).unwrap()).unwrap_err()
}

#[test]
fn host_is_compared_without_case_port_and_last_dot() {
    for host in ["A.Test", "a.test:8080", "a.test.", "a.test.:80"] {
        let (admitted, request) = admitted(Request::builder().uri("/").header(HOST, host));

        assert_eq!(admitted.authority.host(), "a.test");
        assert_eq!(request.headers()[HOST], host);
    }
}

#[test]
fn odd_hosts_are_refused() {
    for host in [
        "", "a b", "u@a", "a,b", "a/b", "a:80x", "a:99999", "[::1", "[zz]", ":80", ".", "..", ".a",
        "a..b",
    ] {
        assert_eq!(
            refused(Request::builder().uri("/").header(HOST, host)),
            Refused::Authority,
            "{host:?}"
        );
    }
    assert_eq!(refused(Request::builder().uri("/")), Refused::Authority);
    assert_eq!(refused(get("/").header(HOST, "a.test")), Refused::Authority);
}

#[test]
fn ipv6_host_keeps_its_brackets() {
    let (admitted, _) = admitted(Request::builder().uri("/").header(HOST, "[::1]:80"));

    assert_eq!(admitted.authority.host(), "[::1]");
}

#[test]
fn absolute_form_replaces_host() {
    let (admitted, request) = admitted(get("http://b.test/x?y=1"));

    assert_eq!(admitted.authority.host(), "b.test");
    assert_eq!(request.headers()[HOST], "b.test");
    assert_eq!(request.uri(), "/x?y=1");
}

#[test]
fn http2_with_two_names_is_refused() {
    assert_eq!(
        refused(get("http://b.test/").version(Version::HTTP_2)),
        Refused::Authority
    );
    let (admitted, request) = admitted(
        Request::builder()
            .uri("http://b.test/")
            .version(Version::HTTP_2),
    );

    assert_eq!(admitted.authority.host(), "b.test");
    assert_eq!(request.headers()[HOST], "b.test");
}

#[test]
fn cookies_spread_over_fields_are_joined() {
    let (_, request) = admitted(
        get("/")
            .version(Version::HTTP_2)
            .header(COOKIE, "a=1")
            .header(COOKIE, "b=2"),
    );

    assert_eq!(
        request.headers().get_all(COOKIE).iter().collect::<Vec<_>>(),
        ["a=1; b=2"]
    );
}

#[test]
fn only_options_may_ask_for_the_server_itself() {
    assert_eq!(refused(get("*")), Refused::Target);
    assert_eq!(admitted(get("*").method(Method::OPTIONS)).1.uri(), "*");
}

#[test]
fn trace_and_connect_are_not_forwarded() {
    assert_eq!(refused(get("/").method(Method::TRACE)), Refused::Method);
    assert_eq!(
        refused(get("a.test:80").method(Method::CONNECT)),
        Refused::Method
    );
}

#[test]
fn transfer_codings_other_than_one_chunked_are_refused() {
    assert_eq!(
        refused(get("/").header(TRANSFER_ENCODING, "gzip, chunked")),
        Refused::TransferCoding
    );
    assert_eq!(
        refused(
            get("/")
                .header(TRANSFER_ENCODING, "chunked")
                .header(TRANSFER_ENCODING, "chunked")
        ),
        Refused::TransferCoding
    );
    assert!(
        !admitted(get("/").header(TRANSFER_ENCODING, "Chunked"))
            .1
            .headers()
            .contains_key(TRANSFER_ENCODING)
    );
}

#[test]
fn connection_fields_and_what_they_name_are_removed() {
    let (admitted, request) = admitted(
        get("/")
            .header(CONNECTION, "close, X-Secret")
            .header(CONNECTION, "keep-alive")
            .header("keep-alive", "timeout=5")
            .header("proxy-connection", "close")
            .header("x-secret", "1")
            .header(TE, "gzip, trailers")
            .header("x-kept", "1"),
    );

    assert_eq!(admitted.upgrade, None);
    let names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["host", "x-kept", "te"]);
    assert_eq!(request.headers()[TE], "trailers");
}

#[test]
fn connection_must_not_name_what_we_rely_on() {
    for name in ["Host", "content-length", "X-Forwarded-For", "authorization"] {
        assert_eq!(
            refused(get("/").header(CONNECTION, name)),
            Refused::Connection,
            "{name}"
        );
    }
}

#[test]
fn upgrades_are_passed_on_but_not_to_h2c() {
    let (websocket, request) = admitted(
        get("/")
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket"),
    );
    let upgrade = websocket.upgrade.unwrap();
    assert!(upgrade.is_answered_by(request.headers()));

    let (h2c, request) = admitted(
        get("/")
            .header(CONNECTION, "upgrade, http2-settings")
            .header(UPGRADE, "h2c")
            .header("http2-settings", "x"),
    );
    assert_eq!(h2c.upgrade, None);
    assert_eq!(request.headers().len(), 1);
}

#[test]
fn upgrade_with_a_body_is_refused() {
    let upgrade = get("/")
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket");

    assert_eq!(
        refused(upgrade.header("content-length", "3")),
        Refused::Upgrade
    );
}

#[test]
fn what_clients_say_of_their_address_is_replaced() {
    let mut request = get("/")
        .header("x-forwarded-for", "6.6.6.6")
        .header("forwarded", "for=6.6.6.6")
        .body(())
        .unwrap();

    mark(&mut request, "::ffff:10.0.0.9", &TrustedProxies::none());

    assert_eq!(request.headers()["x-forwarded-for"], "10.0.0.9");
    assert_eq!(request.headers()["x-forwarded-proto"], "http");
    assert_eq!(request.headers()["x-forwarded-host"], "a.test");
    assert!(!request.headers().contains_key("forwarded"));
}

#[test]
fn way_by_proxies_that_are_believed_is_told_from_the_client_on() {
    let mut request = get("/")
        .header("x-forwarded-for", "6.6.6.6, 203.0.113.1")
        .header("x-forwarded-for", "192.0.2.8")
        .header("x-forwarded-proto", "https")
        .body(())
        .unwrap();
    let ours = CidrSet::parse(["192.0.2.0/24"]).unwrap();

    mark(&mut request, "192.0.2.9", &TrustedProxies::networks(ours));

    assert_eq!(
        request.headers()["x-forwarded-for"],
        "203.0.113.1, 192.0.2.8, 192.0.2.9"
    );
    assert_eq!(request.headers()["x-forwarded-proto"], "https");
}

/// Marks a request that `peer` has sent.
fn mark(request: &mut Request<()>, peer: &str, proxies: &TrustedProxies) {
    let forwarded = Forwarded::new(peer.parse().unwrap(), gateway_filters::Scheme::Http);
    let sender = Sender::of(forwarded.peer(), Some(proxies), request.headers());
    forwarded.apply(request.headers_mut(), sender);
}

proptest! {
    /// Whatever a request carried, no connection field is left, and fields that no
    /// `Connection` names are untouched.
    #[test]
    fn no_connection_field_is_left(names in proptest::collection::vec("(x-[ab]|keep-alive|te|proxy-connection|upgrade)", 0..6),
                                   nominated in proptest::collection::vec("x-[ab]", 0..3)) {
        let mut builder = get("/");
        for name in &names {
            builder = builder.header(name, "v");
        }
        if !nominated.is_empty() {
            builder = builder.header(CONNECTION, nominated.join(","));
        }
        let (_, request) = admitted(builder);
        let headers: &HeaderMap = request.headers();

        for name in ["keep-alive", "te", "proxy-connection", "upgrade", "connection"] {
            prop_assert!(!headers.contains_key(name));
        }
        for name in ["x-a", "x-b"] {
            let count = names.iter().filter(|given| *given == name).count();
            let left = if nominated.iter().any(|named| named == name) { 0 } else { count };
            prop_assert_eq!(headers.get_all(name).iter().count(), left);
        }
    }
}
