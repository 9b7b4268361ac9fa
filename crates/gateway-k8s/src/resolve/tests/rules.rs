//! Matches, timeouts and what happens to rules that cannot be obeyed.

use std::time::Duration;

use gateway_core::model::{Filter, PathMatch};
use http::Method;
use proptest::prelude::*;

use super::shop;
use crate::api::HttpRouteRule;
use crate::testing::Outcome;
use crate::verdict::ConditionStatus::True;
use crate::verdict::ConditionType::{Accepted, PartiallyInvalid};
use crate::verdict::Reason;

fn with_rules(rules: &[&str]) -> Outcome {
    let world = shop().http_route("shop/cart", |route| {
        rules
            .iter()
            .fold(route.parent("edge/web"), |route, rule| route.rule(rule))
    });
    world.resolve()
}

fn is_broken(outcome: &Outcome, field: &str) {
    outcome
        .route("shop/cart")
        .refuses(Accepted, Reason::UnsupportedValue);
    let message = outcome.route("shop/cart").message(Accepted);
    assert!(message.starts_with(field), "{message} is not about {field}");
}

#[test]
fn a_route_without_rules_matches_everything() {
    let outcome = shop()
        .http_route("shop/cart", |route| route.parent("edge/web"))
        .resolve();

    assert_eq!(outcome.served("shop/cart").rules().len(), 1);
    assert!(outcome.rule("shop/cart", 0).matches().is_empty());
}

#[test]
fn a_match_is_read_whole() {
    let outcome = with_rules(&["
        name: cart
        matches:
        - path: {type: Exact, value: /cart}
          method: POST
          headers: [{name: X-A, value: '1'}]
          queryParams: [{name: q, value: '[0-9]+', type: RegularExpression}]
    "]);

    let rule = outcome.rule("shop/cart", 0);
    let read = &rule.matches()[0];
    assert_eq!(rule.name().map(|name| name.as_str()), Some("cart"));
    assert_eq!(*read.path_match(), PathMatch::exact("/cart").unwrap());
    assert_eq!(read.method(), Some(&Method::POST));
    assert_eq!(read.headers()[0].name, "x-a");
    assert!(read.query()[0].value.matches(b"42"));
}

#[test]
fn the_default_path_is_the_prefix_of_everything() {
    let outcome = with_rules(&["{matches: [{method: GET}, {path: {}}]}"]);

    for read in outcome.rule("shop/cart", 0).matches() {
        assert_eq!(*read.path_match(), PathMatch::default());
    }
}

#[test]
fn paths_that_no_request_can_have_are_refused() {
    for path in [
        "cart", "", "/a//b", "/a/./b", "/a/../b", "/a%2fb", "/a%2Fb", "/a#b", "/a/..", "/a/.",
        "/a b", "/a?b", "/a%zz", "/ä",
    ] {
        let outcome = with_rules(&[&format!("{{matches: [{{path: {{value: '{path}'}}}}]}}")]);

        is_broken(&outcome, "spec.rules[0].matches[0].path.value: ");
    }
}

#[test]
fn an_unknown_word_breaks_only_its_rule() {
    for (rule, field) in [
        (
            "{matches: [{path: {type: Glob, value: /}}]}",
            "matches[0].path.type",
        ),
        ("{matches: [{method: BREW}]}", "matches[0].method"),
        (
            "{matches: [{headers: [{name: a, type: Fuzzy, value: b}]}]}",
            "matches[0].headers[0].type",
        ),
        ("{filters: [{type: Rot13}]}", "filters[0].type"),
    ] {
        let outcome = with_rules(&[rule, "{}"]);

        outcome.route("shop/cart").accepts(Accepted);
        outcome
            .route("shop/cart")
            .says(PartiallyInvalid, True, Reason::UnsupportedValue);
        let message = outcome.route("shop/cart").message(PartiallyInvalid);
        assert!(message.starts_with("Dropped Rule 0: "), "{message}");
        assert!(message.contains(field), "{message}");
    }
}

#[test]
fn a_rule_with_a_broken_pattern_is_dropped_and_its_sibling_works() {
    let broken = "{matches: [{path: {type: RegularExpression, value: '/('}}]}";
    let outcome = with_rules(&[broken, "{name: fine}"]);

    outcome
        .route("shop/cart")
        .says(PartiallyInvalid, True, Reason::UnsupportedValue);
    let rules = outcome.served("shop/cart").rules();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].name().map(|name| name.as_str()), Some("fine"));
}

#[test]
fn a_route_whose_every_rule_is_broken_is_not_accepted() {
    let outcome = with_rules(&["{matches: [{path: {type: RegularExpression, value: '/('}}]}"]);

    is_broken(&outcome, "spec.rules[0].matches[0].path.value: ");
    assert!(!outcome.route("shop/cart").has(PartiallyInvalid));
}

#[test]
fn a_rule_that_matches_but_cannot_be_obeyed_answers_500() {
    let outcome = with_rules(&[
        "{matches: [{path: {value: /admin}}], filters: [{type: ExternalAuth, externalAuth: \
         {protocol: HTTP, backendRef: {name: auth, port: 80}, http: {}}}]}",
        "{}",
    ]);

    let rule = outcome.rule("shop/cart", 0);
    assert!(matches!(rule.filters(), [Filter::Invalid(_)]));
    assert_eq!(
        *rule.matches()[0].path_match(),
        PathMatch::prefix("/admin").unwrap()
    );
    outcome
        .route("shop/cart")
        .says(PartiallyInvalid, True, Reason::UnsupportedValue);
}

#[test]
fn timeouts_are_read_and_zero_switches_them_off() {
    let outcome = with_rules(&[
        "{timeouts: {request: 1s, backendRequest: 500ms}}",
        "{timeouts: {request: 0s, backendRequest: 10s}}",
    ]);

    let timeouts = outcome.rule("shop/cart", 0).timeouts();
    assert_eq!(timeouts.request, Some(Duration::from_secs(1)));
    assert_eq!(timeouts.backend_request, Some(Duration::from_millis(500)));
    let timeouts = outcome.rule("shop/cart", 1).timeouts();
    assert_eq!(timeouts.request, None);
    assert_eq!(timeouts.backend_request, Some(Duration::from_secs(10)));
}

#[test]
fn a_try_may_not_outlast_its_request() {
    let outcome = with_rules(&["{timeouts: {request: 1s, backendRequest: 2s}}"]);

    is_broken(&outcome, "spec.rules[0].timeouts.backendRequest: ");
}

#[test]
fn a_retry_is_one_unless_it_says_otherwise() {
    let attempts = |retry: &str| {
        let outcome = with_rules(&[&format!("{{retry: {retry}}}")]);
        outcome
            .rule("shop/cart", 0)
            .retry()
            .map(|retry| retry.attempts())
    };

    assert_eq!(attempts("{}"), Some(1));
    assert_eq!(
        attempts("{attempts: 3, codes: [500, 503], backoff: 100ms}"),
        Some(3)
    );
    assert_eq!(attempts("{attempts: 0}"), Some(0));
}

#[test]
fn what_a_retry_cannot_be_is_refused() {
    is_broken(
        &with_rules(&["{retry: {attempts: -1}}"]),
        "spec.rules[0].retry.attempts: ",
    );
    is_broken(
        &with_rules(&["{retry: {codes: [200]}}"]),
        "spec.rules[0].retry.codes: ",
    );
    is_broken(
        &with_rules(&["{retry: {backoff: 1}}"]),
        "spec.rules[0].retry.backoff: ",
    );
}

#[test]
fn session_persistence_is_read_with_a_name_for_each_rule() {
    let rule = "{sessionPersistence: {type: Cookie, cookie: {}}, \
                matches: [{path: {type: Exact, value: /INDEX}}]}";
    let outcome = with_rules(&[&rule.replace("INDEX", "0"), &rule.replace("INDEX", "1")]);

    let sessions = |index| outcome.rule("shop/cart", index).sessions().cloned();
    assert!(sessions(0).is_some());
    assert_ne!(sessions(0), sessions(1));
    is_broken(
        &with_rules(&["{sessionPersistence: {type: Cookie}}"]),
        "spec.rules[0].sessionPersistence.cookie: ",
    );
}

#[test]
fn limits_of_the_crd_hold_for_files_too() {
    let many = |count: usize, item: &str| vec![item; count].join(", ");
    let matches = with_rules(&[&format!("{{matches: [{}]}}", many(65, "{method: GET}"))]);
    is_broken(&matches, "spec.rules[0].matches: ");

    let rules = with_rules(&["{}"; 17]);
    is_broken(&rules, "spec.rules: ");
    assert!(!rules.is_served("shop/cart"));

    let named = with_rules(&["{name: a}", "{name: a}"]);
    is_broken(&named, "spec.rules[1].name: ");

    let none = shop().http_route("shop/cart", |route| {
        route
            .parent("edge/web")
            .spec(|spec| spec.rules = Some(Vec::new()))
    });
    is_broken(&none.resolve(), "spec.rules: ");
}

proptest! {
    /// A rule that is written in any way never panics, and is either served or
    /// told to be broken.
    #[test]
    fn any_text_in_a_rule_is_survived(
        path in "\\PC{0,12}",
        kind in "Exact|PathPrefix|RegularExpression|\\PC{0,4}",
        header in "\\PC{0,8}",
        value in "\\PC{0,8}",
        duration in "\\PC{0,8}",
    ) {
        let header = crate::api::HeaderMatch { name: header, r#type: None, value };
        let read = crate::api::HttpRouteMatch {
            path: Some(crate::api::HttpPathMatch {
                r#type: Some(kind.as_str().into()),
                value: Some(path),
            }),
            headers: Some(vec![header.clone()]),
            query_params: Some(vec![header]),
            method: None,
        };
        let timeouts = crate::api::HttpRouteTimeouts {
            request: Some(duration),
            backend_request: None,
        };
        let rule = HttpRouteRule {
            matches: Some(vec![read]),
            timeouts: Some(timeouts),
            ..HttpRouteRule::default()
        };
        let outcome = shop()
            .http_route("shop/cart", |route| {
                route.parent("edge/web").spec(|spec| spec.rules = Some(vec![rule]))
            })
            .resolve();

        let parents = &outcome.route("shop/cart").verdict.parents;
        let refused = parents[0].conditions[0].reason() == Reason::UnsupportedValue;
        let rules = outcome.served("shop/cart").rules();
        let works = rules.iter().any(|rule| rule.filters().is_empty());
        prop_assert!(refused != works);
    }
}
