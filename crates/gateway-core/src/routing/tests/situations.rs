//! The situations of the conformance suite, by its names.

use http::Method;

use super::*;
use crate::routing::Found;

fn goes_to(table: &RouteTable<String>, request: &Request) -> String {
    let found = table.find(&request.head());

    found.map_or_else(|| "none".to_owned(), |found| found.rule.clone())
}

fn get(table: &RouteTable<String>, target: &str) -> String {
    goes_to(table, &Request::get("example.com", target))
}

/// `listener>route/rule`.
fn arrives_at(table: &ListenerTable<String>, host: &str, target: &str) -> String {
    match table.find(&Request::get(host, target).head()) {
        Found::Rule { listener, matched } => format!("{}>{}", listener.name(), matched.rule),
        Found::NoRoute(listener) => format!("{}>none", listener.name()),
        Found::NoListener => "none".to_owned(),
    }
}

#[test]
fn httproute_exact_path_matching() {
    let table = table([route("r", &[], [vec![exact("/one")], vec![exact("/two/")]])]);

    assert_eq!(get(&table, "/one"), "r/0");
    assert_eq!(get(&table, "/two/"), "r/1");
    for other in ["/", "/one/", "/one/example", "/two", "/One", "/Two/"] {
        assert_eq!(get(&table, other), "none", "{other}");
    }
}

#[test]
fn httproute_matching() {
    let table = table([route(
        "r",
        &[],
        [
            vec![prefix("/"), header(RouteMatch::any(), "version", "one")],
            vec![prefix("/v2/"), header(RouteMatch::any(), "version", "two")],
        ],
    )]);
    let versioned = |path, version| {
        goes_to(
            &table,
            &Request::get("example.com", path).header("Version", version),
        )
    };

    assert_eq!(get(&table, "/"), "r/0");
    assert_eq!(get(&table, "/example"), "r/0");
    assert_eq!(versioned("/", "one"), "r/0");
    for path in ["/v2", "/v2/", "/v2/example"] {
        assert_eq!(get(&table, path), "r/1", "{path}");
    }
    assert_eq!(versioned("/", "two"), "r/1");
    assert_eq!(get(&table, "/v2example"), "r/0");
    assert_eq!(get(&table, "/foo/v2/example"), "r/0");
}

#[test]
fn httproute_matching_across_routes() {
    let hosts = &["example.com", "example.net"][..];
    let version = header(RouteMatch::any(), "version", "one");
    let table = table([
        route("part1", hosts, [vec![prefix("/"), version.clone()]]),
        route(
            "part2",
            &["example.com"],
            [vec![
                prefix("/v2"),
                header(RouteMatch::any(), "version", "two"),
            ]],
        ),
    ]);

    assert_eq!(get(&table, "/v2example"), "part1/0");
    assert_eq!(get(&table, "/v2/example"), "part2/0");
    let elsewhere = Request::get("example.net", "/v2");
    assert_eq!(goes_to(&table, &elsewhere), "part1/0");
    assert_eq!(
        goes_to(&table, &elsewhere.header("version", "two")),
        "part1/0"
    );
    let versioned = Request::get("example.com", "/").header("version", "two");
    assert_eq!(goes_to(&table, &versioned), "part2/0");
}

#[test]
fn httproute_path_match_order() {
    let table = table([route(
        "r",
        &[],
        [
            vec![prefix("/match/")],
            vec![exact("/match/exact")],
            vec![prefix("/match/prefix")],
            vec![exact("/match/exact/one")],
            vec![prefix("/match/prefix/one/")],
        ],
    )]);

    assert_eq!(get(&table, "/match/exact/one"), "r/3");
    assert_eq!(get(&table, "/match/exact"), "r/1");
    assert_eq!(get(&table, "/match"), "r/0");
    assert_eq!(get(&table, "/match/prefix/one/any"), "r/4");
    assert_eq!(get(&table, "/match/prefix/any"), "r/2");
    assert_eq!(get(&table, "/match/any"), "r/0");
    assert_eq!(get(&table, "/matches"), "none");
}

#[test]
fn httproute_header_matching() {
    let version = |value| header(RouteMatch::any(), "version", value);
    let table = table([route(
        "r",
        &[],
        [
            vec![version("one")],
            vec![version("two")],
            vec![header(version("two"), "color", "orange")],
            vec![header(RouteMatch::any(), "color", "blue")],
        ],
    )]);
    let with = |pairs: &[(&str, &str)]| {
        let request = Request::get("example.com", "/");
        let request = pairs
            .iter()
            .fold(request, |it, (name, value)| it.header(name, value));
        goes_to(&table, &request)
    };

    assert_eq!(with(&[("VERSION", "one")]), "r/0");
    assert_eq!(with(&[("version", "two")]), "r/1");
    assert_eq!(with(&[("version", "two"), ("color", "orange")]), "r/2");
    assert_eq!(with(&[("color", "blue")]), "r/3");
    // Equal in number: the first rule.
    assert_eq!(with(&[("version", "two"), ("color", "blue")]), "r/1");
    assert_eq!(with(&[("color", "orange")]), "none");
    assert_eq!(with(&[("version", "one"), ("version", "two")]), "none");
}

#[test]
fn httproute_rule_order() {
    let one = header(header(prefix("/"), "x-a", "1"), "x-b", "2");
    let other = header(header(prefix("/"), "x-b", "2"), "x-a", "1");
    let table = table([route("r", &[], [vec![one], vec![other]])]);
    let request = Request::get("example.com", "/")
        .header("x-a", "1")
        .header("x-b", "2");

    assert_eq!(goes_to(&table, &request), "r/0");
}

#[test]
fn httproute_method_matching() {
    let table = table([route(
        "r",
        &[],
        [
            vec![RouteMatch::any().with_method(Method::POST)],
            vec![header(RouteMatch::any(), "x-a", "1")],
            vec![prefix("/path").with_method(Method::GET)],
            vec![prefix("/path")],
        ],
    )]);
    let send = |method, path| {
        let request = Request::get("example.com", path).header("x-a", "1");
        goes_to(&table, &request.method(method))
    };

    assert_eq!(send(Method::POST, "/"), "r/0");
    assert_eq!(send(Method::PUT, "/"), "r/1");
    assert_eq!(send(Method::GET, "/path/x"), "r/2");
    assert_eq!(send(Method::POST, "/path/x"), "r/3");
}

#[test]
fn httproute_query_param_matching() {
    let animal = |value| query(RouteMatch::any(), "animal", value);
    let table = table([route(
        "r",
        &[],
        [
            vec![animal("whale")],
            vec![animal("dolphin")],
            vec![query(animal("dolphin"), "color", "blue")],
            vec![header(animal("hydra"), "version", "one")],
        ],
    )]);

    assert_eq!(get(&table, "/?animal=whale"), "r/0");
    assert_eq!(get(&table, "/?animal=dolphin"), "r/1");
    assert_eq!(get(&table, "/?color=blue&animal=dolphin"), "r/2");
    assert_eq!(get(&table, "/?animal=hydra"), "none");
    assert_eq!(get(&table, "/?ANIMAL=whale"), "none");
    assert_eq!(get(&table, "/?animal=Whale"), "none");
    assert_eq!(get(&table, "/"), "none");
}

#[test]
fn httproute_hostname_intersection() {
    let (_, table) = listeners([
        Listener::http("exact", 80)
            .with_hostname(hostname("very.specific.com"))
            .with_route(route(
                "r1",
                &["non.matching.com", "*.specific.com"],
                [vec![]],
            )),
        Listener::http("wildcard", 80)
            .with_hostname(hostname("*.wildcard.io"))
            .with_route(route(
                "r2",
                &["wildcard.io", "foo.wildcard.io", "*.bar.wildcard.io"],
                [vec![]],
            )),
    ]);
    let at = |host| arrives_at(&table, host, "/");

    assert_eq!(at("very.specific.com"), "exact>r1/0");
    assert_eq!(at("non.matching.com"), "none");
    assert_eq!(at("other.specific.com"), "none");
    assert_eq!(at("foo.wildcard.io"), "wildcard>r2/0");
    assert_eq!(at("a.b.bar.wildcard.io"), "wildcard>r2/0");
    assert_eq!(at("bar.wildcard.io"), "wildcard>none");
    assert_eq!(at("wildcard.io"), "none");
}

#[test]
fn httproute_listener_hostname_matching() {
    let listener = |name, host: Option<&str>| {
        let listener = Listener::http(name, 80).with_route(route(name, &[], [vec![]]));
        match host {
            Some(host) => listener.with_hostname(hostname(host)),
            None => listener,
        }
    };
    let (_, table) = listeners([
        listener("l1", Some("bar.com")),
        listener("l2", Some("foo.bar.com")),
        listener("l3", Some("*.bar.com")),
        listener("l4", Some("*.foo.com")),
        listener("l5", None),
    ]);
    let at = |host| arrives_at(&table, host, "/");

    assert_eq!(at("bar.com"), "l1>l1/0");
    assert_eq!(at("foo.bar.com"), "l2>l2/0");
    assert_eq!(at("multiple.prefixes.bar.com"), "l3>l3/0");
    assert_eq!(at("a.foo.com"), "l4>l4/0");
    assert_eq!(at("foo.com"), "l5>l5/0");
    assert_eq!(at("10.0.0.1"), "l5>l5/0");
}

#[test]
fn gateway_http_listener_isolation() {
    let (_, table) = listeners([
        Listener::http("empty", 80).with_route(route("empty", &[], [vec![prefix("/empty")]])),
        Listener::http("wildcard", 80)
            .with_hostname(hostname("*.example.com"))
            .with_route(route("wildcard", &[], [vec![prefix("/wildcard")]])),
        Listener::http("exact", 80)
            .with_hostname(hostname("abc.example.com"))
            .with_route(route("exact", &[], [vec![prefix("/exact")]])),
    ]);

    assert_eq!(arrives_at(&table, "bar.com", "/empty"), "empty>empty/0");
    assert_eq!(arrives_at(&table, "bar.com", "/wildcard"), "empty>none");
    assert_eq!(
        arrives_at(&table, "x.example.com", "/wildcard"),
        "wildcard>wildcard/0"
    );
    assert_eq!(
        arrives_at(&table, "x.example.com", "/empty"),
        "wildcard>none"
    );
    assert_eq!(
        arrives_at(&table, "abc.example.com", "/exact"),
        "exact>exact/0"
    );
    assert_eq!(
        arrives_at(&table, "abc.example.com", "/wildcard"),
        "exact>none"
    );
}

#[test]
fn httproute_multiple_routes_attachment_same_hostname_intersection() {
    let long = header(prefix("/one/two/three"), "x-a", "1");
    let wide = route("wide", &["*.com"], [vec![prefix("/one/two/three")], vec![]]);
    let narrow = route(
        "narrow",
        &["*.example.com"],
        [vec![header(prefix("/one"), "x-a", "1")]],
    );
    let (_, table) = listeners([Listener::http("l", 80)
        .with_hostname(hostname("abc.example.com"))
        .with_route(wide.with_created(1))
        .with_route(narrow.with_created(2))
        .with_route(route("exact", &["abc.example.com"], [vec![long]]).with_created(3))]);
    let with_header = |path| match table.find(
        &Request::get("abc.example.com", path)
            .header("x-a", "1")
            .head(),
    ) {
        Found::Rule { matched, .. } => matched.rule.clone(),
        Found::NoRoute(_) | Found::NoListener => "none".to_owned(),
    };

    assert_eq!(with_header("/one/two/three"), "exact/0");
    assert_eq!(with_header("/one/two"), "narrow/0");
    assert_eq!(
        arrives_at(&table, "abc.example.com", "/one/two/three"),
        "l>wide/0"
    );
    assert_eq!(arrives_at(&table, "abc.example.com", "/one"), "l>wide/1");
}

#[test]
fn equal_matches_go_to_the_older_route_then_by_name() {
    let same = |name, created| route(name, &[], [vec![prefix("/")]]).with_created(created);

    let by_age = table([same("a", 2), same("z", 1)]);
    let by_name = table([same("b", 1), same("a", 1)]);

    assert_eq!(get(&by_age, "/"), "z/0");
    assert_eq!(get(&by_name, "/"), "a/0");
}

#[test]
fn longer_regex_is_asked_first() {
    let table = table([route(
        "r",
        &[],
        [vec![regex("/v[0-9]+")], vec![regex("/v[0-9]+(/.*)?")]],
    )]);

    assert_eq!(get(&table, "/v1"), "r/1");
    assert_eq!(get(&table, "/v1/x"), "r/1");
    assert_eq!(get(&table, "/v"), "none");
}

#[test]
fn prefix_of_the_match_is_known() {
    let table = table([route(
        "r",
        &[],
        [vec![prefix("/shop/")], vec![exact("/x")], vec![]],
    )]);
    let matched = |path| {
        let request = Request::get("a", path);
        table
            .find(&request.head())
            .unwrap()
            .matched_prefix()
            .map(|prefix| prefix.to_string())
    };

    assert_eq!(matched("/shop/cart").as_deref(), Some("/shop"));
    assert_eq!(matched("/x"), None);
    assert_eq!(matched("/y").as_deref(), Some(""));
}

#[test]
fn routes_of_other_hosts_are_not_assembled() {
    let (listener, other) = (
        hostname("*.example.com"),
        route("r", &["example.org"], [vec![]]),
    );
    let listener = Listener::http("l", 80)
        .with_hostname(listener)
        .with_route(other);

    let _ = ListenerTable::<()>::empty().updated(&[Arc::new(listener)], &mut |_, _, _| {
        panic!("no request can get there")
    });
}
