use http::Method;

use super::*;
use crate::routing::tests::{Request, exact, header, hostname, listeners, prefix, query, route};

fn explained(listener: Listener, request: &Request) -> Explanation {
    explain(&listeners([listener]).0, &request.head())
}

/// The reasons of every near miss.
fn reasons(explanation: &Explanation) -> Vec<String> {
    let misses = explanation.near_misses.iter();

    misses
        .map(|miss| {
            let reasons: Vec<_> = miss.why_not.iter().map(WhyNot::to_string).collect();
            reasons.join("; ")
        })
        .collect()
}

#[test]
fn every_condition_that_fails_is_named() {
    let condition = header(header(prefix("/shop"), "x-env", "prod"), "x-tenant", "1");
    let condition = query(query(condition, "a", "1"), "b", "2").with_method(Method::POST);
    let listener =
        Listener::http("l", 80).with_route(route("r", &["a.example.com"], [vec![condition]]));
    let request = Request::get("b.example.com", "/cart?a=%32").header("x-env", "dev");

    let explanation = explained(listener, &request);

    assert!(explanation.winner.is_none());
    assert_eq!(
        explanation.near_misses[0]
            .why_not
            .iter()
            .map(WhyNot::to_string)
            .collect::<Vec<_>>(),
        [
            "the route's hostnames do not include b.example.com",
            "path /cart is not under prefix /shop",
            "method is GET, not POST",
            "header x-env is \"dev\", not \"prod\"",
            "header x-tenant is missing",
            "query parameter a is \"2\", not \"1\"",
            "query parameter b is missing",
        ]
    );
}

#[test]
fn nearer_misses_come_first() {
    let listener = Listener::http("l", 80)
        .with_route(route("host", &["b.example.com"], [vec![prefix("/shop")]]))
        .with_route(route(
            "here",
            &[],
            [
                vec![exact("/other")],
                vec![exact("/shop/car")],
                vec![header(exact("/shop/cart"), "x-a", "1")],
                vec![prefix("/shop/cart")],
                vec![prefix("/shop")],
            ],
        ));

    let explanation = explained(listener, &Request::get("a.example.com", "/shop/cart"));

    assert_eq!(explanation.winner.as_ref().unwrap().rule_index, 3);
    assert_eq!(
        reasons(&explanation),
        [
            "a more specific match won: default/here rule 3, because its path is more specific",
            "header x-a is missing",
            "path /shop/cart is not /shop/car",
            "path /shop/cart is not /other",
            "the route's hostnames do not include a.example.com",
        ]
    );
}

#[test]
fn each_advantage_is_named() {
    let base = || prefix("/a");
    let cases = [
        (route("w", &["a.x"], [vec![base()]]), Advantage::Hostname),
        (route("w", &[], [vec![exact("/a")]]), Advantage::Path),
        (
            route("w", &[], [vec![base().with_method(Method::GET)]]),
            Advantage::Method,
        ),
        (
            route("w", &[], [vec![header(base(), "x-a", "1")]]),
            Advantage::Headers,
        ),
        (
            route("w", &[], [vec![query(base(), "q", "1")]]),
            Advantage::Query,
        ),
        (route("w", &[], [vec![base()]]), Advantage::Age),
        (
            route("a", &[], [vec![base()]]).with_created(5),
            Advantage::Name,
        ),
    ];

    for (winner, expected) in cases {
        let listener = Listener::http("l", 80)
            .with_route(route("loser", &[], [vec![base()]]).with_created(5))
            .with_route(winner);
        let request = Request::get("a.x", "/a?q=1").header("x-a", "1");

        let explanation = explained(listener, &request);

        let advantage = match explanation.near_misses[0].why_not[..] {
            [WhyNot::Loses { advantage, .. }] => advantage,
            ref other => panic!("{other:?}"),
        };
        assert_eq!(advantage, expected);
    }
}

#[test]
fn of_equal_matches_the_one_written_first_is_named() {
    let listener =
        Listener::http("l", 80).with_route(route("r", &[], [vec![prefix("/")], vec![prefix("/")]]));

    let explanation = explained(listener, &Request::get("a.x", "/"));

    assert_eq!(
        reasons(&explanation),
        ["a more specific match won: default/r rule 0, because it is written first"]
    );
}

#[test]
fn other_listeners_say_why_they_were_not_chosen() {
    let with = |name, host| Listener::http(name, 80).with_hostname(hostname(host));
    let (listeners, _) = listeners([
        Listener::http("all", 80).with_route(route("r", &[], [vec![]])),
        with("other", "b.x"),
        with("here", "a.x"),
        with("again", "a.x"),
    ]);

    let explanation = explain(&listeners, &Request::get("a.x", "/").head());

    let reasons_of_listeners: Vec<_> = explanation
        .other_listeners
        .iter()
        .map(|miss| miss.why_not.to_string())
        .collect();
    assert_eq!(
        explanation.listener.as_ref().unwrap().name().as_str(),
        "here"
    );
    assert_eq!(
        reasons_of_listeners,
        [
            "the hostname of listener here is more specific",
            "it serves b.x, not a.x",
            "listener here comes first with that hostname",
        ]
    );
    assert_eq!(
        reasons(&explanation),
        ["the request belongs to listener here"]
    );
}

#[test]
fn without_a_listener_no_route_counts() {
    let listener = Listener::http("l", 80)
        .with_hostname(hostname("a.x"))
        .with_route(route("r", &[], [vec![]]));

    let explanation = explained(listener, &Request::get("b.x", "/"));

    assert!(explanation.listener.is_none() && explanation.winner.is_none());
    assert_eq!(reasons(&explanation), ["no listener serves the host"]);
}

#[test]
fn winner_names_the_hostname_of_its_route() {
    let listener = Listener::http("l", 80).with_route(route("r", &["*.x", "*.b.x"], [vec![]]));

    let winner = explained(listener, &Request::get("a.b.x", "/")).winner;

    assert_eq!(winner.unwrap().hostname, Some(hostname("*.b.x")));
}
