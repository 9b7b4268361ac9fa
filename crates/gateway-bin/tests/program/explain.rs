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
