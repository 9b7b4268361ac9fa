//! XBackendTrafficPolicies.

use gateway_filters::{Fraction, RetryBudget};
use k8s_openapi::api::core::v1::Service;

use crate::api::XBackendTrafficPolicy;
use crate::testing::{Manifests, Outcome};
use crate::verdict::ConditionType::Accepted;
use crate::verdict::Reason;

fn world() -> Manifests {
    Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).from_all())
        .yaml::<Service>("{metadata: {namespace: shop, name: cart}, spec: {ports: [{port: 80}]}}")
        .http_route("shop/cart", |route| {
            route.parent("edge/web").backend("shop/cart", 80)
        })
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "{{metadata: {{namespace: shop, name: {name}}}, spec: {{targetRefs: [{{group: '', \
         kind: Service, name: cart}}], {spec}}}}}"
    )
}

fn with(spec: &str) -> Outcome {
    world()
        .yaml::<XBackendTrafficPolicy>(&policy("p", spec))
        .resolve()
}

fn budget(outcome: &Outcome) -> Option<RetryBudget> {
    let backend = outcome.backend("shop/cart", 80).expect("is a backend");
    backend.traffic().retry_budget()
}

#[test]
fn budget_and_sessions_are_those_of_the_backend() {
    let outcome = with(
        "retryConstraint: {budget: {percent: 40, interval: 10s}, minRetryRate: {count: 20, \
         interval: 2s}}, sessionPersistence: {type: Header, header: {name: x-session}}",
    );

    let expected = RetryBudget::new()
        .with_share(Fraction::from_percent(40).expect("a share"))
        .with_min_per_second(10);
    assert_eq!(budget(&outcome), Some(expected));
    let backend = outcome.backend("shop/cart", 80).expect("is a backend");
    assert!(backend.traffic().sessions().is_some());
    let told = outcome.route_of::<XBackendTrafficPolicy>("shop/p");
    told.accepts(Accepted);
}

#[test]
fn what_is_left_out_is_as_the_api_has_it() {
    let outcome = with("retryConstraint: {}");

    let expected = RetryBudget::new().with_min_per_second(10);
    assert_eq!(budget(&outcome), Some(expected));
}

#[test]
fn retries_of_a_rule_are_few_unless_a_policy_says_how_many() {
    let rule = "{retry: {attempts: 3}, backendRefs: [{name: cart, port: 80}]}";
    let retried = |manifests: Manifests| {
        let manifests =
            manifests.http_route("shop/cart", |route| route.parent("edge/web").rule(rule));
        manifests.resolve().rule("shop/cart", 0).retry_budget()
    };
    let with = |spec: &str| world().yaml::<XBackendTrafficPolicy>(&policy("p", spec));
    let few = Some(RetryBudget::new().with_min_per_second(10));

    assert_eq!(retried(world()), few);
    let sessions = "sessionPersistence: {type: Header, header: {name: x}}";
    assert_eq!(retried(with(sessions)), few);
    assert_eq!(
        retried(with("retryConstraint: {budget: {percent: 101}}")),
        few
    );
    assert_eq!(
        retried(with("retryConstraint: {budget: {percent: 90}}")),
        None
    );
    assert_eq!(
        with(sessions).resolve().rule("shop/cart", 0).retry_budget(),
        None
    );
}

#[test]
fn what_cannot_be_obeyed_is_told_and_changes_nothing() {
    for spec in [
        "retryConstraint: {budget: {interval: 1h}}",
        "retryConstraint: {budget: {percent: 101}}",
        "retryConstraint: {minRetryRate: {count: 1, interval: 2s}}",
        "sessionPersistence: {type: Header}",
    ] {
        let outcome = with(spec);

        assert_eq!(budget(&outcome), None, "{spec}");
        let told = outcome.route_of::<XBackendTrafficPolicy>("shop/p");
        told.refuses(Accepted, Reason::UnsupportedValue);
    }
}

#[test]
fn of_two_the_first_is_obeyed_and_the_other_told() {
    let outcome = world()
        .yaml::<XBackendTrafficPolicy>(&policy("a", "retryConstraint: {}"))
        .yaml::<XBackendTrafficPolicy>(&policy("b", "retryConstraint: {budget: {percent: 1}}"))
        .resolve();

    let expected = RetryBudget::new().with_min_per_second(10);
    assert_eq!(budget(&outcome), Some(expected));
    let told = |name| outcome.route_of::<XBackendTrafficPolicy>(name);
    told("shop/a").accepts(Accepted);
    told("shop/b").refuses(Accepted, Reason::Conflicted);
}
