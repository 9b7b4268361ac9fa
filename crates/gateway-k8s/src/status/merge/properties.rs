//! What is true of every status and every verdict.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api::{Gateway, HttpRoute, ParentReference};
use crate::verdict::{
    Condition, ConditionStatus, GatewayVerdict, ListenerVerdict, ParentVerdict, Reason,
    RouteVerdict,
};
use crate::world::ObjectRef;

const OURS: &str = "example.com/ours";
const THEIRS: &str = "example.com/theirs";

fn conditions() -> impl Strategy<Value = Vec<Condition>> {
    use ConditionType::{Accepted, Conflicted, PartiallyInvalid, Programmed, ResolvedRefs};
    let kinds = vec![
        Accepted,
        Programmed,
        ResolvedRefs,
        Conflicted,
        PartiallyInvalid,
    ];
    let kinds = proptest::sample::subsequence(kinds, 1..=5);
    let statuses = proptest::collection::vec(0_usize..3, 5);

    (kinds, statuses).prop_map(|(kinds, statuses)| {
        let statuses = statuses.into_iter().map(|index| {
            [
                ConditionStatus::True,
                ConditionStatus::False,
                ConditionStatus::Unknown,
            ][index]
        });
        let each = kinds.into_iter().zip(statuses);
        each.map(|(kind, status)| Condition::follows(kind, status, Reason::Invalid, "so"))
            .collect()
    })
}

fn references() -> impl Strategy<Value = ParentReference> + Clone {
    ("[a-c]", proptest::option::of("[a-b]")).prop_map(|(name, section_name)| ParentReference {
        group: Some("gateway.networking.k8s.io".to_owned()),
        kind: Some("Gateway".to_owned()),
        name,
        section_name,
        ..ParentReference::default()
    })
}

fn parents() -> impl Strategy<Value = Arc<RouteVerdict>> {
    proptest::collection::vec((references(), conditions()), 0..5).prop_map(|all| {
        let mut parents: Vec<ParentVerdict> = Vec::new();
        for (parent, conditions) in all {
            if !parents.iter().any(|known| known.parent == parent) {
                parents.push(ParentVerdict { parent, conditions });
            }
        }
        Arc::new(RouteVerdict { parents })
    })
}

fn gateways() -> impl Strategy<Value = Arc<GatewayVerdict>> {
    let listeners = proptest::collection::btree_map("[a-c]", (any::<u32>(), conditions()), 0..3);
    let addresses = proptest::collection::vec(any::<IpAddr>(), 0..20);

    (conditions(), listeners, addresses, any::<u32>()).prop_map(
        |(conditions, listeners, addresses, attached_listener_sets)| {
            let listeners = listeners.into_iter();
            let listeners =
                listeners.map(|(name, (attached_routes, conditions))| ListenerVerdict {
                    name: name.as_str().into(),
                    port: 80,
                    datagrams: false,
                    supported_kinds: Vec::new(),
                    attached_routes,
                    certificates: Vec::new(),
                    conditions,
                });
            Arc::new(GatewayVerdict {
                conditions,
                listeners: listeners.collect(),
                addresses,
                published: None,
                attached_listener_sets,
            })
        },
    )
}

fn decisions() -> impl Strategy<Value = Decision> {
    prop_oneof![
        Just(Decision::None),
        parents().prop_map(Decision::Route),
        parents().prop_map(Decision::Policy),
        parents().prop_map(Decision::Backend),
        gateways().prop_map(Decision::Gateway),
    ]
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    (decisions(), proptest::option::of(0_i64..4)).prop_map(|(decision, generation)| Verdict {
        object: match &decision {
            Decision::Gateway(_) => ObjectRef::new::<Gateway>("shop", "it"),
            _ => ObjectRef::new::<HttpRoute>("shop", "it"),
        },
        generation,
        decision,
        warnings: Arc::default(),
    })
}

/// Any JSON, with the keys and values that mean something more often than not.
fn statuses() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_i64..4).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,3}".prop_map(Value::from),
        proptest::sample::select(vec![
            "Accepted",
            "Programmed",
            "Conflicted",
            "example.com/Fine",
            "True",
            "a",
            "b",
            OURS,
            THEIRS,
            "2026-01-01T00:00:00Z",
            "IPAddress",
        ])
        .prop_map(Value::from),
    ];
    let keys = proptest::sample::select(vec![
        "conditions",
        "parents",
        "ancestors",
        "listeners",
        "addresses",
        "type",
        "status",
        "name",
        "controllerName",
        "parentRef",
        "ancestorRef",
        "observedGeneration",
        "lastTransitionTime",
        "attachedRoutes",
        "value",
        "unknown",
    ]);

    leaf.prop_recursive(5, 120, 6, move |inner| {
        let fields = proptest::collection::vec((keys.clone(), inner.clone()), 0..8);
        let fields = fields.prop_map(|fields| {
            let fields = fields.into_iter();
            let fields = fields.map(|(key, value)| (key.to_owned(), value));
            Value::Object(fields.collect())
        });
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Value::Array),
            fields,
        ]
    })
}

/// Statuses as they are found, of us and of others.
fn likely_statuses() -> impl Strategy<Value = Value> {
    let kinds = vec!["Accepted", "Programmed", "Conflicted", "Foreign", "Other"];
    let kinds = proptest::sample::subsequence(kinds, 0..=5).prop_shuffle();
    let conditions = (kinds, 0_i64..4).prop_map(|(kinds, generation)| {
        let each = kinds.into_iter();
        let each = each.map(
            |kind| json!({ "type": kind, "status": "True", "observedGeneration": generation }),
        );
        each.collect::<Value>()
    });
    let entry = (
        proptest::sample::select(vec![OURS, THEIRS]),
        references(),
        conditions.clone(),
    );
    let entry = entry.prop_map(|(controller, reference, conditions)| {
        let reference = serde_json::to_value(reference).unwrap();
        json!({
            "controllerName": controller, "parentRef": reference, "ancestorRef": reference,
            "conditions": conditions, "unknown": [1],
        })
    });
    let entries = proptest::collection::vec(entry, 0..6);
    let listeners = proptest::collection::btree_map("[a-d]", conditions.clone(), 0..4);
    let listeners = listeners.prop_map(|listeners| {
        let each = listeners.into_iter();
        each.map(|(name, conditions)| json!({ "name": name, "conditions": conditions, "x": 1 }))
            .collect::<Value>()
    });

    (entries.clone(), entries, conditions, listeners).prop_map(
        |(parents, ancestors, conditions, listeners)| {
            json!({
                "parents": parents, "ancestors": ancestors, "conditions": conditions,
                "listeners": listeners, "unknown": { "x": 1 },
            })
        },
    )
}

fn merged(verdict: &Verdict, status: &Value, controller: &str) -> Option<Value> {
    let addresses = NodeAddresses::new(["192.0.2.1".parse().unwrap()]);
    let author = Author {
        controller,
        addresses: &addresses,
    };
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    merge(Some(verdict), Some(&status.to_string()), author, now)
}

/// What is not ours in a status, each list as it is.
fn foreign(status: &Value) -> Vec<Value> {
    const OWNED: [&str; 8] = [
        "Accepted",
        "Programmed",
        "ResolvedRefs",
        "Conflicted",
        "PartiallyInvalid",
        "SupportedVersion",
        "OverlappingTLSConfig",
        "InsecureFrontendValidationMode",
    ];
    let list = |key: &str| status[key].as_array().cloned().unwrap_or_default();
    let conditions = list("conditions").into_iter();
    let conditions = conditions.filter(|one| {
        let kind = one["type"].as_str();
        kind.is_none_or(|kind| !OWNED.contains(&kind))
    });
    let entries = [list("parents"), list("ancestors")].concat().into_iter();
    let entries = entries.filter(|one| one["controllerName"] != OURS);

    conditions
        .chain(entries)
        .chain([status["unknown"].clone()])
        .collect()
}

fn sorted(status: &Value) -> Value {
    let mut status = status.clone();
    for list in ["parents", "ancestors"] {
        if let Some(list) = status[list].as_array_mut() {
            list.sort_by_key(Value::to_string);
        }
    }
    status
}

proptest! {
    /// A status that was merged needs no second merge, whatever it was before.
    #[test]
    fn merging_twice_changes_nothing(verdict in verdicts(), status in statuses()) {
        if let Some(once) = merged(&verdict, &status, OURS) {
            prop_assert_eq!(merged(&verdict, &once, OURS), None);
        }
    }

    /// The same of statuses that look like statuses.
    #[test]
    fn merging_twice_changes_nothing_likely(verdict in verdicts(), status in likely_statuses()) {
        if let Some(once) = merged(&verdict, &status, OURS) {
            prop_assert_eq!(merged(&verdict, &once, OURS), None);
        }
    }

    /// What others wrote comes out as it went in, and in the same order.
    #[test]
    fn what_others_wrote_stays(verdict in verdicts(), status in likely_statuses()) {
        if let Some(once) = merged(&verdict, &status, OURS) {
            prop_assert_eq!(foreign(&once), foreign(&status));
        }
    }

    /// It does not matter which of two controllers writes first.
    #[test]
    fn controllers_write_in_any_order(
        ours in parents(), theirs in parents(), status in likely_statuses(),
    ) {
        let of = |route| Verdict {
            object: ObjectRef::new::<HttpRoute>("shop", "it"),
            generation: Some(4),
            decision: Decision::Route(route),
            warnings: Arc::default(),
        };
        let (ours, theirs) = (of(ours), of(theirs));
        let then = |status: &Value, verdict: &Verdict, controller: &str| {
            merged(verdict, status, controller).unwrap_or_else(|| status.clone())
        };

        let one = then(&then(&status, &ours, OURS), &theirs, THEIRS);
        let other = then(&then(&status, &theirs, THEIRS), &ours, OURS);

        prop_assert_eq!(sorted(&one), sorted(&other));
    }

    /// Nothing that is no JSON makes it panic either.
    #[test]
    fn any_text_will_do(verdict in verdicts(), text in ".{0,40}") {
        let addresses = NodeAddresses::default();
        let author = Author { controller: OURS, addresses: &addresses };
        let now = Timestamp::from_second(0).unwrap();
        let status = merge(Some(&verdict), Some(&text), author, now);
        prop_assert!(status.is_none_or(|status| status.is_object()));
    }
}
