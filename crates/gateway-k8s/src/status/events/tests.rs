use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::double::{Double, Fate};
use super::super::{Author, NodeAddresses, Observed, merge};
use super::event::event;
use super::news::{News, news};
use super::*;
use crate::api::{GatewayClass, HttpRoute, ParentReference};
use crate::verdict::{
    Condition, ConditionType, Decision, ParentVerdict, Problem, Reason, RouteVerdict, Verdict,
};
use crate::world::{Kind, ObjectRef};

const OURS: &str = "example.com/ours";

fn settings() -> EventSettings {
    EventSettings::new(OURS, "host_1")
}

fn refused(reason: Reason, message: &str) -> Condition {
    Condition::bad(ConditionType::Accepted, vec![Problem::new(reason, message)])
}

fn accepted() -> Condition {
    Condition::good(ConditionType::Accepted, Reason::Accepted, "fine")
}

fn route(name: &str, conditions: Vec<Condition>) -> Verdict {
    let parents = vec![ParentVerdict {
        parent: ParentReference::default(),
        conditions,
    }];
    Verdict {
        object: ObjectRef::new::<HttpRoute>("shop", name),
        generation: Some(1),
        decision: Decision::Route(Arc::new(RouteVerdict { parents })),
        warnings: Arc::default(),
    }
}

fn observed<T: Kind>(namespace: &str, name: &str, status: Option<&Value>) -> Observed {
    Observed {
        object: ObjectRef::new::<T>(namespace, name),
        uid: "the-uid".into(),
        resource_version: "7".into(),
        version: "v1".into(),
        status: status.map(|status| status.to_string().into()),
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_the_status_says_already_is_no_news() {
    let verdict = route(
        "cart",
        vec![refused(Reason::NoMatchingParent, "no such section")],
    );
    let addresses = NodeAddresses::default();
    let author = Author {
        controller: OURS,
        addresses: &addresses,
    };
    let status = merge(Some(&verdict), None, author, Timestamp::now()).unwrap();

    assert!(news(&verdict, None, Some(&status.to_string())).is_empty());
    assert_eq!(news(&verdict, None, Some("{}")).len(), 1);
    assert!(news(&verdict, Some(&verdict), None).is_empty());
    assert!(news(&route("cart", vec![accepted()]), None, None).is_empty());
}

#[test]
fn a_problem_is_told_once_with_its_first_message() {
    let before = route("cart", vec![accepted()]);
    let now = route(
        "cart",
        vec![
            refused(Reason::Invalid, "one"),
            refused(Reason::Invalid, "two"),
            refused(Reason::RefNotPermitted, "three"),
        ],
    );

    let told = news(&now, Some(&before), None);

    let notes: Vec<_> = told.iter().map(|one| &*one.note).collect();
    let expected = [
        "one; correct the field, or remove it",
        "three; add a ReferenceGrant to the namespace that is referred to",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn events_are_as_the_api_wants_them_whatever_the_object_is_called() {
    let long = format!("{}-{}", "a".repeat(235), "b".repeat(17));
    let news = News {
        reason: Reason::Invalid,
        note: "ü".repeat(2_000),
    };
    let of_route = observed::<HttpRoute>("shop", &long, None);
    let of_class = observed::<GatewayClass>("", "class", None);

    let route = event(&settings(), &of_route, &news, Timestamp::now(), 1);
    let class = event(&settings(), &of_class, &news, Timestamp::now(), 2);

    let name = route.metadata.name.as_deref().unwrap();
    assert_eq!(name, format!("{}.{:016x}", "a".repeat(235), 1));
    assert_eq!(route.metadata.namespace.as_deref(), Some("shop"));
    assert_eq!(route.note.as_ref().map(String::len), Some(1024));
    assert_eq!(class.metadata.namespace.as_deref(), Some("default"));
    let class = serde_json::to_value(class).unwrap();
    assert_eq!(
        class["regarding"],
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
            "name": "class", "resourceVersion": "7", "uid": "the-uid",
        })
    );
    assert_eq!(class["reportingController"], OURS);
    assert_eq!(class["type"], "Warning");
}

/// Events that tell of `reasons` about `objects` routes.
fn world(objects: usize, condition: &Condition) -> (Verdicts, Statuses) {
    let (mut verdicts, mut statuses) = (Verdicts::default(), Statuses::default());
    for number in 0..objects {
        let name = format!("route-{number}");
        statuses.insert(observed::<HttpRoute>("shop", &name, None));
        verdicts.put(route(&name, vec![condition.clone()]));
    }
    (verdicts, statuses)
}

fn told(server: &Double) -> usize {
    server.count(&Method::POST, "/namespaces/shop/events")
}

#[tokio::test(start_paused = true)]
async fn a_new_problem_is_told_by_the_leader_alone() {
    let server = Double::new();
    let events = Events::new(server.client(), settings());
    let (verdicts, statuses) = world(1, &refused(Reason::Invalid, "no"));
    events.update(verdicts.clone(), statuses.clone(), &[]);
    sleep(secs(60)).await;
    assert_eq!(told(&server), 0);

    events.lead(true);
    sleep(secs(1)).await;

    assert_eq!(told(&server), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_problem_is_counted_by_one_event_until_it_is_rare() {
    let server = Double::new();
    let events = Events::new(server.client(), settings());
    events.lead(true);
    let bad = world(1, &refused(Reason::Invalid, "no"));
    let good = world(1, &accepted());

    for _ in 0..50 {
        for (verdicts, statuses) in [&bad, &good] {
            events.update(verdicts.clone(), statuses.clone(), &[]);
            sleep(secs(5)).await;
        }
    }
    assert_eq!(told(&server), 1);
    let changes = server.changes_since(0).into_values().flatten();
    let [event] = &*changes.collect::<Vec<_>>() else {
        panic!("there is one Event");
    };
    let count = event["series"]["count"].as_i64().unwrap();
    assert!((40..=50).contains(&count), "{count}");
    assert!(event["series"]["lastObservedTime"].is_string());
    let counted = server.count(&Method::PATCH, "/namespaces/shop/events");
    assert!((5..=15).contains(&counted), "{counted}");

    sleep(secs(600)).await;
    events.update(bad.0, bad.1, &[]);
    sleep(secs(5)).await;
    assert_eq!(told(&server), 2);
}

#[tokio::test(start_paused = true)]
async fn another_problem_and_an_event_that_is_gone_are_told_anew() {
    let server = Double::new();
    let events = Events::new(server.client(), settings());
    events.lead(true);
    let tell = async |condition: &Condition| {
        let (verdicts, statuses) = world(1, condition);
        events.update(verdicts, statuses, &[]);
        sleep(secs(5)).await;
    };
    tell(&refused(Reason::Invalid, "no")).await;
    tell(&refused(Reason::Invalid, "still no")).await;
    assert_eq!(told(&server), 2);

    for path in server.changes_since(0).into_keys() {
        server.put(&path, Value::Null);
    }
    tell(&refused(Reason::Invalid, "no")).await;

    assert_eq!(told(&server), 3);
    let changes = server.changes_since(0).into_values().flatten();
    let counts: Vec<_> = changes
        .map(|event| event["series"]["count"].clone())
        .collect();
    assert_eq!(counts, [json!(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_problems_is_told_slowly_and_not_wholly() {
    let server = Double::new();
    let events = Events::new(server.client(), settings());
    events.lead(true);
    let (verdicts, statuses) = world(3_000, &refused(Reason::Invalid, "no"));
    events.update(verdicts, statuses, &[]);

    sleep(secs(10)).await;
    let soon = told(&server);
    assert!((50..=101).contains(&soon), "{soon}");

    sleep(secs(3_600)).await;
    assert_eq!(told(&server), 1_000);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_is_told_so_once() {
    let server = Double::new();
    let events = Events::new(server.client(), settings());
    events.lead(true);
    let (verdicts, statuses) = world(1, &accepted());
    let object = statuses.iter().next().map(|one| one.object.clone());
    let unreadable = [ObjectProblem {
        object: object.expect("there is one"),
        field: Some("spec.rules".to_owned()),
        message: "a list was expected".to_owned(),
        remedy: "write one".to_owned(),
    }];

    for _ in 0..3 {
        events.update(verdicts.clone(), statuses.clone(), &unreadable);
        sleep(secs(5)).await;
    }

    let changes = server.changes_since(0).into_values().flatten();
    let [event] = &*changes.collect::<Vec<_>>() else {
        panic!("there is one Event");
    };
    assert_eq!(event["reason"], "Invalid");
    assert_eq!(event["note"], "spec.rules: a list was expected; write one");
    assert_eq!(event["regarding"]["uid"], "the-uid");
}

#[tokio::test(start_paused = true)]
async fn without_permission_little_is_asked() {
    let server = Double::new();
    server.script(|_, _| Fate {
        status: Some(403),
        ..Fate::default()
    });
    let events = Events::new(server.client(), settings());
    events.lead(true);
    let (verdicts, statuses) = world(1_000, &refused(Reason::Invalid, "no"));
    events.update(verdicts, statuses, &[]);

    sleep(secs(600)).await;

    assert!(told(&server) <= 11, "{}", told(&server));
}
