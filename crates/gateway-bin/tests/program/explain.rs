//! `gateway explain`, on the manifests of the quickstart.

use crate::harness::{Manifests, Said, gateway_says};

fn manifests() -> Manifests {
    Manifests::new().with("all.yaml", &gateway_says(&["quickstart", "--print"]).out)
}

fn explain(words: &[&str]) -> Said {
    let manifests = manifests();
    let path = manifests.path();
    let mut args = vec!["explain", path.as_str()];
    args.extend(words);

    gateway_says(&args)
}

#[test]
fn whole_way_is_told() {
    let said = explain(&["GET", "http://shop.test:8080/api/items?q=1"]);

    assert_eq!(said.code, Some(0), "{said:?}");
    for part in [
        "GET http://shop.test:8080/api/items?q=1\n",
        "  Gateway    default/quickstart ",
        "  listener   http, port 8080 of 127.0.0.1 ",
        "  HTTPRoute  default/shop for shop.test ",
        "  rule       2 (api) ",
        "  match      path prefix /api\n",
        "  filters    1. URLRewrite: host becomes api.internal, matched prefix becomes /v1 ",
        "             2. RequestHeaderModifier: set x-edited-by: gateway ",
        "  backend    Service default/hello-v1:80\n",
        "→ 127.0.0.1:9001\n",
        "The backend gets\n  GET /v1/items?q=1\n  host: api.internal\n  x-edited-by: gateway\n",
        "    ✗ header x-tester is missing\n",
    ] {
        assert!(said.out.contains(part), "{part:?} in {}", said.out);
    }
    assert!(!said.out.contains('\x1b'), "is no terminal");
}

#[test]
fn headers_count() {
    let said = explain(&[
        "http://shop.test:8080/",
        "-H",
        "x-tester: yes",
        "-o",
        "json",
    ]);

    let json = said.json();
    assert_eq!(json["rule"]["name"], "testers");
    assert_eq!(json["rule"]["index"], 1);
    assert_eq!(
        json["rule"]["backends"][0]["name"],
        "Service default/hello-v2:80"
    );
}

#[test]
fn redirects_are_answered_with_the_port_of_the_listener() {
    let json = explain(&["http://old.test/about", "-o", "json"]).json();

    let outcome = &json["rule"]["outcomes"][0];
    assert_eq!(outcome["outcome"], "answered");
    assert_eq!(outcome["status"], 301);
    assert_eq!(outcome["headers"][0][1], "http://shop.test:8080/about");
    assert!(
        json["notes"][0]
            .as_str()
            .is_some_and(|note| note.contains("nothing listens on port 80"))
    );
}

#[test]
fn weights_become_shares() {
    let json = explain(&["http://canary.test:8080/", "-o", "json"]).json();

    let backends = &json["rule"]["backends"];
    assert_eq!(
        (&backends[0]["percent"], &backends[1]["percent"]),
        (&80.0.into(), &20.0.into())
    );
    assert_eq!(json["rule"]["outcomes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn nearest_rules_are_told_where_none_matches() {
    let said = explain(&["http://unknown.test:8080/"]);

    assert_eq!(said.code, Some(1));
    assert!(
        said.out.contains("takes it: 404\n\nNearest rules\n"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("do not include unknown.test: they are "),
        "{}",
        said.out
    );
}

#[test]
fn ports_that_nobody_listens_on_are_told() {
    let said = explain(&["http://shop.test:81/"]);

    assert_eq!(said.code, Some(1));
    assert!(
        said.out
            .contains("nothing listens on port 81; there is 8080"),
        "{}",
        said.out
    );
}

#[test]
fn paths_have_a_normal_form() {
    let said = explain(&["http://shop.test:8080/x/..//api/"]);

    assert!(
        said.out
            .contains("the path /x/..//api/ is routed and forwarded in its normal form, /api/")
    );
    assert!(said.out.contains("GET /v1/\n"), "{}", said.out);
}

#[test]
fn ambiguous_requests_are_refused() {
    let said = explain(&["http://shop.test:8080/a%2fb"]);

    assert_eq!(said.code, Some(1));
    assert!(
        said.out.contains("400 Bad Request before it is routed"),
        "{}",
        said.out
    );
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let said = explain(&["http://shop.test:8080/", "--color", "always"]);

    assert!(said.out.contains("\x1b["), "{}", said.out);
}

/// Listeners of every protocol, with routes.
const STREAMS: &str = "
{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: c}, spec: {controllerName: gateway-rs.dev/gateway-controller}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g}, spec: {gatewayClassName: c, allowedListeners: {namespaces: {from: Same}}, listeners: [
  {name: http, port: 80, protocol: HTTP},
  {name: tcp, port: 5432, protocol: TCP},
  {name: udp, port: 53, protocol: UDP},
  {name: pass, port: 443, protocol: TLS, hostname: '*.pass.test', tls: {mode: Passthrough}}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: ListenerSet, metadata: {name: more}, spec: {parentRef: {name: g}, listeners: [{name: extra, port: 81, protocol: HTTP}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: TCPRoute, metadata: {name: db}, spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: s, port: 5432}]}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: UDPRoute, metadata: {name: dns}, spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: s, port: 53}, {name: none, port: 1}]}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: TLSRoute, metadata: {name: mail}, spec: {parentRefs: [{name: g}], hostnames: [mail.pass.test], rules: [{backendRefs: [{name: s, port: 5432}]}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: GRPCRoute, metadata: {name: calls}, spec: {parentRefs: [{name: g}], rules: [{name: one, matches: [{method: {service: a.B, method: C}}],
  filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x, value: y}]}}], backendRefs: [{name: s, port: 5432}]}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: pages}, spec: {parentRefs: [{kind: ListenerSet, name: more}], rules: [{backendRefs: [{name: s, port: 5432}]}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{name: t, port: 5432}, {name: u, port: 53, protocol: UDP}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s-1, labels: {kubernetes.io/service-name: s}}, addressType: IPv4,
  endpoints: [{addresses: [127.0.0.1]}], ports: [{name: t, port: 9001}, {name: u, port: 9002, protocol: UDP}]}
";

fn explain_streams(words: &[&str]) -> Said {
    let manifests = Manifests::new().with("all.yaml", STREAMS);
    let path = manifests.path();
    let mut args = vec!["explain", path.as_str()];
    args.extend(words);

    gateway_says(&args)
}

#[test]
fn connections_and_datagrams_have_ways() {
    let tcp = explain_streams(&["tcp://db.test:5432"]);
    assert_eq!(tcp.code, Some(0), "{tcp:?}");
    for part in [
        "tcp://db.test:5432\n",
        "TCPRoute  default/db",
        "→ 127.0.0.1:9001",
    ] {
        assert!(tcp.out.contains(part), "{part:?} in {}", tcp.out);
    }

    let udp = explain_streams(&["udp://127.0.0.1:53", "-o", "json"]).json();
    assert_eq!(udp["stream"]["kind"], "UDPRoute");
    assert_eq!(
        udp["stream"]["backends"][0]["endpoints"][0],
        "127.0.0.1:9002"
    );
    let failure = udp["stream"]["backends"][1]["failure"].as_str();
    assert!(failure.is_some_and(|text| text.contains("closed")), "{udp}");

    let nowhere = explain_streams(&["tcp://db.test:53"]);
    assert_eq!(nowhere.code, Some(1), "{nowhere:?}");
}

#[test]
fn settings_in_annotations_are_told() {
    let annotate = |text: &str, object: &str, annotations: &str| {
        let annotated = object.replacen(
            "metadata: {",
            &format!("metadata: {{annotations: {{{annotations}}}, "),
            1,
        );
        assert!(text.contains(object), "{object}");
        text.replacen(object, &annotated, 1)
    };
    let text = annotate(
        STREAMS,
        "kind: Gateway, metadata: {name: g}",
        "gateway-rs.dev/max-connections: '9', tcp.gateway-rs.dev/proxy-protocol-from: 10.0.0.0/8, \
         gateway-rs.dev/no-such: x",
    );
    let text = annotate(
        &text,
        "kind: TCPRoute, metadata: {name: db}",
        "gateway-rs.dev/idle-timeout: 5m",
    );
    let service = "kind: Service, metadata: {name: s}";
    let text = annotate(&text, service, "gateway-rs.dev/proxy-protocol: v2");
    let manifests = Manifests::new().with("all.yaml", &text);

    let said = gateway_says(&["explain", &manifests.path(), "tcp://db.test:5432"]);
    for part in [
        "PROXY protocol; others are refused\n",
        "at most 9 connections\n",
        "connect 5s, idle 300s\n",
        "Service default/s:5432, PROXY protocol v2\n",
    ] {
        assert!(said.out.contains(part), "{part:?} in {}", said.out);
    }
    let said = gateway_says(&["check", &manifests.path()]);
    let warning = "metadata.annotations.gateway-rs.dev/no-such: is not a setting";
    assert!(said.out.contains(warning), "{}", said.out);
}

#[test]
fn names_of_handshakes_choose_listener_and_route() {
    let mail = explain_streams(&["tls://mail.pass.test", "-o", "json"]).json();
    assert_eq!(mail["stream"]["route"], "default/mail");
    assert_eq!(mail["stream"]["tls"], "passed through");

    let given = explain_streams(&[
        "https://127.0.0.1/",
        "--sni",
        "mail.pass.test",
        "-o",
        "json",
    ]);
    assert_eq!(given.json()["stream"]["hostname"], "mail.pass.test");

    for name in ["web.pass.test", "other.test"] {
        let said = explain_streams(&["tls://127.0.0.1:443", "--sni", name]);
        assert_eq!(said.code, Some(1), "{said:?}");
    }
}

#[test]
fn calls_are_explained_by_their_method() {
    let call = explain_streams(&["GRPC", "http://x.test/a.B/C", "-o", "json"]).json();

    assert_eq!(call["rule"]["kind"], "GRPCRoute");
    assert_eq!(call["rule"]["name"], "one");
    assert_eq!(call["rule"]["match"], "path exact /a.B/C");
    assert_eq!(call["rule"]["backends"][0]["protocol"], "HTTP/2");
    let filter = call["rule"]["filters"][0]["text"].as_str();
    assert!(
        filter.is_some_and(|text| text.contains("set x: y")),
        "{call}"
    );
}

#[test]
fn listeners_of_listener_sets_are_found_where_they_are_written() {
    let page = explain_streams(&["http://x.test:81/", "-o", "json"]).json();

    assert_eq!(page["listener"]["name"], "default/more/extra");
    assert_eq!(page["rule"]["route"], "default/pages");
    assert!(page["listener"]["place"].is_string(), "{page}");
}

#[test]
fn check_shows_every_kind() {
    let manifests = Manifests::new().with("all.yaml", STREAMS);
    let said = gateway_says(&["check", &manifests.path()]);

    assert_eq!(said.code, Some(1), "{said:?}");
    for part in [
        "ListenerSet default/more ",
        "  listener extra, 1 route",
        "TCPRoute default/db at Gateway default/g",
        "TLSRoute default/mail at Gateway default/g",
        "GRPCRoute default/calls at Gateway default/g",
        "HTTPRoute default/pages at ListenerSet default/more",
        "UDPRoute default/dns: spec.rules[0].backendRefs[1]: there is no Service default/none",
    ] {
        assert!(said.out.contains(part), "{part:?} in {}", said.out);
    }
}
