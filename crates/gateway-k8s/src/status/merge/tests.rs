use serde_json::{Value, json};

use super::*;
use crate::api::{Gateway, GatewayClass, HttpRoute, ParentReference};
use crate::resolve::{CONTROLLER_NAME, Settings};
use crate::testing::Manifests;
use crate::verdict::{
    Condition, ConditionStatus, GatewayVerdict, ListenerVerdict, ParentVerdict, Problem, Reason,
    RouteVerdict, Verdicts,
};
use crate::world::{Kind, ObjectRef};
use kube::Resource;

const OURS: &str = "example.com/ours";

fn author(addresses: &NodeAddresses) -> Author<'_> {
    Author {
        controller: OURS,
        addresses,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn merged(verdict: &Verdict, observed: &Value, second: i64) -> Option<Value> {
    let text = observed.to_string();
    merge(
        Some(verdict),
        Some(&text),
        author(&NodeAddresses::default()),
        at(second),
    )
}

fn verdict<T: Kind>(generation: i64, decision: Decision) -> Verdict {
    Verdict {
        object: ObjectRef::new::<T>("shop", "it"),
        generation: Some(generation),
        decision,
        warnings: Arc::default(),
    }
}

fn gateway(generation: i64, conditions: Vec<Condition>) -> Verdict {
    let verdict_of_it = GatewayVerdict {
        conditions,
        listeners: Vec::new(),
        addresses: Vec::new(),
        published: None,
        attached_listener_sets: 0,
    };
    verdict::<Gateway>(generation, Decision::Gateway(Arc::new(verdict_of_it)))
}

fn accepted() -> Condition {
    Condition::good(ConditionType::Accepted, Reason::Accepted, "fine")
}

fn refused() -> Condition {
    let problem = Problem::new(Reason::Invalid, "it is not");
    Condition::bad(ConditionType::Accepted, vec![problem])
}

fn route(generation: i64, parents: &[&str]) -> Verdict {
    let parents = parents.iter().map(|name| ParentVerdict {
        parent: parent(name),
        conditions: vec![accepted()],
    });
    let decision = RouteVerdict {
        parents: parents.collect(),
    };
    verdict::<HttpRoute>(generation, Decision::Route(Arc::new(decision)))
}

fn parent(name: &str) -> ParentReference {
    ParentReference {
        group: Some("gateway.networking.k8s.io".to_owned()),
        kind: Some("Gateway".to_owned()),
        name: name.to_owned(),
        ..ParentReference::default()
    }
}

fn foreign_entry(name: &str) -> Value {
    json!({
        "controllerName": "example.com/theirs",
        "parentRef": { "name": name },
        "conditions": [{ "type": "Accepted", "status": "True", "observedGeneration": 77 }],
    })
}

fn names(status: &Value) -> Vec<&str> {
    let parents = status["parents"].as_array().unwrap().iter();
    parents
        .map(|one| one["parentRef"]["name"].as_str().unwrap())
        .collect()
}

#[test]
fn the_default_conditions_of_the_crd_are_replaced() {
    let waiting = json!({ "conditions": [{
        "type": "Accepted", "status": "Unknown", "reason": "Pending",
        "message": "Waiting for controller", "lastTransitionTime": "1970-01-01T00:00:00Z",
    }] });

    let status = merged(&gateway(1, vec![accepted()]), &waiting, 60).unwrap();

    assert_eq!(
        status["conditions"],
        json!([{
            "type": "Accepted", "status": "True", "reason": "Accepted", "message": "fine",
            "lastTransitionTime": "1970-01-01T00:01:00Z", "observedGeneration": 1,
        }])
    );
}

#[test]
fn the_time_moves_only_with_the_status() {
    let first = merged(&gateway(1, vec![accepted()]), &Value::Null, 60).unwrap();
    let newer = merged(&gateway(2, vec![accepted()]), &first, 120).unwrap();
    let flipped = merged(&gateway(2, vec![refused()]), &newer, 180).unwrap();

    let time = |status: &Value| status["conditions"][0]["lastTransitionTime"].clone();
    assert_eq!(newer["conditions"][0]["observedGeneration"], 2);
    assert_eq!(time(&newer), "1970-01-01T00:01:00Z");
    assert_eq!(time(&flipped), "1970-01-01T00:03:00Z");
    assert_eq!(merged(&gateway(2, vec![refused()]), &flipped, 240), None);
}

#[test]
fn conditions_of_others_keep_their_places() {
    let mut conditions = vec![accepted()];
    conditions.push(Condition::follows(
        ConditionType::InsecureFrontendValidationMode,
        ConditionStatus::True,
        Reason::ConfigurationChanged,
        "",
    ));
    let mut first = merged(&gateway(1, conditions), &Value::Null, 60).unwrap();
    let foreign = json!({ "type": "example.com/Fine", "status": "True", "more": [1, 2] });
    let list = first["conditions"].as_array_mut().unwrap();
    list.insert(1, foreign.clone());

    let second = merged(&gateway(1, vec![refused()]), &first, 120).unwrap();

    let list = second["conditions"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0]["status"], "False");
    assert_eq!(list[1], foreign);
}

#[test]
fn conditions_of_others_are_never_dropped_for_ours() {
    let foreign: Vec<_> = (0..7)
        .map(|number| json!({ "type": format!("example.com/Fine{number}") }))
        .collect();
    let programmed = Condition::good(ConditionType::Programmed, Reason::Programmed, "");

    let verdict = gateway(1, vec![accepted(), programmed]);
    let status = merged(&verdict, &json!({ "conditions": foreign }), 60).unwrap();

    let list = status["conditions"].as_array().unwrap();
    assert_eq!(&list[..7], &foreign[..]);
    assert_eq!(list.len(), 8);
    assert_eq!(list[7]["type"], "Accepted");
}

#[test]
fn conditions_about_a_newer_generation_are_let_be() {
    let newer = merged(&gateway(3, vec![refused()]), &Value::Null, 60).unwrap();

    assert_eq!(merged(&gateway(2, vec![accepted()]), &newer, 120), None);
    assert_eq!(merged(&gateway(2, vec![]), &newer, 120), None);
    assert!(merged(&gateway(3, vec![accepted()]), &newer, 120).is_some());
}

#[test]
fn messages_are_no_longer_than_the_api_takes() {
    let problem = Problem::new(Reason::Invalid, "ü".repeat(40_000));
    let condition = Condition::bad(ConditionType::Accepted, vec![problem]);

    let status = merged(&gateway(1, vec![condition]), &Value::Null, 60).unwrap();

    let message = status["conditions"][0]["message"].as_str().unwrap();
    assert_eq!(message.chars().count(), 32_768);
}

#[test]
fn parents_follow_the_verdict_among_those_of_others() {
    let first = merged(&route(1, &["a", "b"]), &Value::Null, 60).unwrap();
    let mut mixed = first.clone();
    let list = mixed["parents"].as_array_mut().unwrap();
    list.insert(0, foreign_entry("a"));
    list.insert(2, foreign_entry("x"));

    let second = merged(&route(1, &["b", "c"]), &mixed, 120).unwrap();

    assert_eq!(names(&second), ["a", "x", "b", "c"]);
    assert_eq!(second["parents"][0], foreign_entry("a"));
    assert_eq!(second["parents"][1], foreign_entry("x"));
    assert_eq!(second["parents"][2], first["parents"][1]);
    assert_eq!(second["parents"][3]["controllerName"], OURS);
    assert_eq!(
        second["parents"][3]["parentRef"]["group"],
        "gateway.networking.k8s.io"
    );
}

#[test]
fn parents_that_differ_in_section_or_port_are_different() {
    let mut verdict = route(1, &["a", "a", "a"]);
    let Decision::Route(route) = &mut verdict.decision else {
        unreachable!()
    };
    let route = Arc::make_mut(route);
    route.parents[1].parent.section_name = Some("http".to_owned());
    route.parents[2].parent.port = Some(80);
    route.parents[2].conditions = vec![refused()];

    let status = merged(&verdict, &Value::Null, 60).unwrap();

    assert_eq!(status["parents"].as_array().unwrap().len(), 3);
    assert_eq!(status["parents"][1]["parentRef"]["sectionName"], "http");
    assert_eq!(merged(&verdict, &status, 120), None);
}

#[test]
fn what_is_not_ours_any_more_loses_our_entries_only() {
    let mut status = merged(&route(1, &["a"]), &Value::Null, 60).unwrap();
    status["parents"]
        .as_array_mut()
        .unwrap()
        .push(foreign_entry("x"));
    let addresses = NodeAddresses::default();
    let without = |status: &Value| {
        let text = status.to_string();
        merge(None, Some(&text), author(&addresses), at(120))
    };

    let left = without(&status).unwrap();

    assert_eq!(left, json!({ "parents": [foreign_entry("x")] }));
    assert_eq!(without(&left), None);
    assert_eq!(merge(None, None, author(&addresses), at(120)), None);
    assert_eq!(merged(&route(1, &[]), &Value::Null, 120), None);
    assert_eq!(merged(&route(1, &[]), &status, 120), Some(left));
}

#[test]
fn lists_are_filled_no_further_than_the_api_takes() {
    let many: Vec<_> = (0..40).map(|number| format!("gateway-{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let mut policy = route(1, &many);
    let Decision::Route(inner) = policy.decision.clone() else {
        unreachable!()
    };
    policy.decision = Decision::Policy(inner);
    let foreign: Vec<_> = (0..10)
        .map(|number| json!({ "controllerName": "example.com/theirs", "n": number }))
        .collect();

    let status = merged(&policy, &json!({ "ancestors": foreign }), 60).unwrap();
    let parents = merged(&route(1, &many), &Value::Null, 60).unwrap();

    let list = status["ancestors"].as_array().unwrap();
    assert_eq!(list.len(), 16);
    assert_eq!(&list[..10], &foreign[..]);
    assert_eq!(merged(&policy, &status, 120), None);
    assert_eq!(parents["parents"].as_array().unwrap().len(), 32);
}

fn listener(name: &str, attached_routes: u32) -> ListenerVerdict {
    ListenerVerdict {
        name: name.into(),
        port: 80,
        datagrams: false,
        supported_kinds: Vec::new(),
        attached_routes,
        certificates: Vec::new(),
        conditions: vec![accepted()],
    }
}

#[test]
fn listeners_are_those_of_the_verdict_with_what_others_say_of_them() {
    let mut verdict = gateway(1, vec![accepted()]);
    let Decision::Gateway(inner) = &mut verdict.decision else {
        unreachable!()
    };
    Arc::make_mut(inner).listeners = vec![listener("a", 1), listener("b", 2)];
    let foreign = json!({ "type": "example.com/Fine", "status": "True" });
    let observed = json!({ "listeners": [
        { "name": "gone", "conditions": [foreign] },
        { "name": "b", "conditions": [foreign], "future": { "x": 1 } },
    ] });

    let status = merged(&verdict, &observed, 60).unwrap();

    let listeners = status["listeners"].as_array().unwrap();
    assert_eq!(listeners.len(), 2);
    assert_eq!(listeners[0]["name"], "a");
    assert_eq!(listeners[0]["attachedRoutes"], 1);
    assert_eq!(listeners[0]["supportedKinds"], json!([]));
    assert_eq!(listeners[1]["future"], json!({ "x": 1 }));
    assert_eq!(listeners[1]["conditions"][0], foreign);
    assert_eq!(listeners[1]["conditions"][1]["type"], "Accepted");
}

#[test]
fn who_listens_everywhere_is_reached_at_the_addresses_of_the_node() {
    let nodes = NodeAddresses::new(["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()]);
    let programmed = |status| {
        let condition = Condition::follows(ConditionType::Programmed, status, Reason::Invalid, "");
        let verdict = gateway(1, vec![condition]);
        let status = merge(Some(&verdict), None, author(&nodes), at(60)).unwrap();
        status.get("addresses").cloned()
    };

    assert_eq!(
        programmed(ConditionStatus::True),
        Some(json!([
            { "type": "IPAddress", "value": "192.0.2.7" },
            { "type": "IPAddress", "value": "2001:db8::7" },
        ]))
    );
    assert_eq!(programmed(ConditionStatus::False), None);
}

/// Every verdict of a world of objects of many kinds.
fn verdicts() -> Verdicts {
    let long = "a".repeat(253);
    let mut outcome = Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).from_all())
        .gateway(&format!("edge/{long}"), |gateway| gateway.http(81))
        .http_route("shop/cart", |route| {
            route.parent("edge/web").backend("billing/api", 8080)
        })
        .settings(Settings::cluster())
        .resolve();
    outcome.resolved.verdicts.programmed(&[]);
    outcome.resolved.verdicts
}

#[test]
fn statuses_are_of_the_types_of_the_api() {
    let verdicts = verdicts();
    let addresses = NodeAddresses::default();
    let author = Author {
        controller: CONTROLLER_NAME,
        addresses: &addresses,
    };
    let mut seen = 0;
    for verdict in verdicts.iter() {
        let status = merge(Some(verdict), None, author, at(60)).unwrap();
        match &verdict.decision {
            Decision::Gateway(_) => {
                let status: crate::api::GatewayStatus = serde_json::from_value(status).unwrap();
                assert_eq!(status.listeners.unwrap()[0].conditions.len(), 3);
                let conditions = status.conditions.unwrap();
                let generation = verdict.generation;
                assert!(
                    conditions
                        .iter()
                        .all(|one| one.observed_generation == generation)
                );
            }
            Decision::GatewayClass(_) => {
                type Status = crate::api::GatewayClassStatus;
                let status: Status = serde_json::from_value(status).unwrap();
                assert!(!status.supported_features.unwrap().is_empty());
            }
            Decision::Route(_) => {
                let status: crate::api::RouteStatus = serde_json::from_value(status).unwrap();
                assert_eq!(status.parents[0].controller_name, CONTROLLER_NAME);
                assert_eq!(status.parents[0].conditions.len(), 2);
            }
            other => panic!("unexpected {other:?}"),
        }
        seen += 1;
    }

    assert_eq!(seen, 4);
    assert!(verdicts.iter().any(|one| one.object.name.len() == 253));
    assert!(
        verdicts
            .iter()
            .any(|one| one.object.kind == GatewayClass::kind(&()))
    );
}
