use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::super::steps::{Step, steps};
use super::*;

/// Objects of a cluster, ours and others'.
#[derive(Debug, Default)]
struct Objects {
    ours: Seen,
    others: BTreeSet<Key>,
}

impl Objects {
    /// Does what is to be done as an API server would, and says whether it was
    /// anything.
    fn follow(&mut self, needed: &[Needed], exposure: Exposure) -> bool {
        let seen = self.ours.clone();
        let wanted = desired(needed, &blueprint(exposure), &seen, &World::default());
        let mut has_written = false;
        for step in steps(&wanted, &seen) {
            match step {
                Step::Remove(key) => {
                    has_written = true;
                    assert!(self.ours.remove(key).is_some());
                }
                // The task looks, before it makes something new.
                Step::Apply(key, _) if self.others.contains(key) => {}
                Step::Apply(key, object) => {
                    has_written = true;
                    let before = self.ours.insert(key.clone(), as_stored(&object));
                    assert_can_change(before.as_ref(), &object);
                }
                Step::Leave(_) | Step::Wait(_) => panic!("nobody has such an object"),
            }
        }
        if exposure == Exposure::Services {
            assert_is_unambiguous(&self.ours);
        }
        let wanted: BTreeSet<_> = wanted.into_keys().collect();
        let wanted: BTreeSet<_> = wanted.difference(&self.others).cloned().collect();
        assert_eq!(self.ours.keys().cloned().collect::<BTreeSet<_>>(), wanted);
        has_written
    }
}

/// An object with what an API server adds to it.
fn as_stored(object: &Value) -> Value {
    let mut stored = object.clone();
    stored["metadata"]["resourceVersion"] = json!("7");
    stored["status"] = json!({"observedGeneration": 1});
    if stored["kind"] == "Deployment" {
        let pod = &mut stored["spec"]["template"]["spec"];
        pod["restartPolicy"] = json!("Always");
        pod["containers"][0]["terminationMessagePath"] = json!("/dev/termination-log");
    }
    // As lists have them.
    if let Some(fields) = stored.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    stored
}

fn assert_can_change(before: Option<&Value>, now: &Value) {
    let Some(before) = before else { return };
    let is_headless = |object: &Value| object["spec"]["clusterIP"] == "None";
    assert_eq!(is_headless(before), is_headless(now));
    assert_eq!(before["roleRef"], now["roleRef"]);
}

/// No two Gateways share a port of the pods that they share.
fn assert_is_unambiguous(ours: &Seen) {
    let services = ours.iter().filter(|(key, _)| key.kind == Made::Service);
    let ports = services.flat_map(|(_, one)| one["spec"]["ports"].as_array().unwrap());
    let mut targets: Vec<_> = ports.map(|port| port["targetPort"].as_u64()).collect();
    let all = targets.len();
    targets.sort_unstable();
    targets.dedup();
    assert_eq!(targets.len(), all);
}

fn gateways() -> impl Strategy<Value = Vec<Needed>> {
    let all = vec![
        needed("a", &[(80, false)]),
        needed("b", &[(80, false), (53, true)]),
        Needed {
            gateway: ObjectName::new("shop", "c"),
            ..needed("c", &[(443, false)])
        },
    ];
    subsequence(all, 0..=3)
}

fn exposures() -> impl Strategy<Value = Exposure> {
    select(vec![
        Exposure::Direct,
        Exposure::Services,
        Exposure::Dedicated,
    ])
}

fn others() -> impl Strategy<Value = BTreeSet<Key>> {
    let name = select(vec!["a-gateway", "a-gateway-ipv4", "b-gateway"]);
    let key = (select(Made::ALL.to_vec()), name).prop_map(|(kind, name)| Key {
        kind,
        namespace: "edge".to_owned(),
        name: name.to_owned(),
    });
    prop::collection::btree_set(key, 0..4)
}

proptest! {
    /// Whatever there was, and however often the exposure changes: what is left is what
    /// the last one wants, and then nothing more is written. What others have made is
    /// not touched.
    #[test]
    fn nothing_is_left_of_what_was_wanted_before(
        turns in prop::collection::vec((gateways(), exposures()), 1..6),
        others in others(),
    ) {
        let mut cluster = Objects { others, ..Objects::default() };
        for (needed, exposure) in turns {
            cluster.follow(&needed, exposure);
            prop_assert!(!cluster.follow(&needed, exposure));
        }
    }

    /// Whatever somebody changes of what was set is set again.
    #[test]
    fn what_was_changed_is_changed_back(
        needed in gateways(),
        exposure in exposures(),
        which in any::<prop::sample::Index>(),
    ) {
        let mut cluster = Objects::default();
        cluster.follow(&needed, exposure);
        prop_assume!(!cluster.ours.is_empty());
        let key = which.get(&cluster.ours.keys().cloned().collect::<Vec<_>>()).clone();
        let object = cluster.ours.get_mut(&key).unwrap();
        match key.kind {
            Made::Service => object["spec"]["ports"][0]["port"] = json!(1),
            Made::EndpointSlice => object["endpoints"] = json!([]),
            Made::Deployment => {
                object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("other");
            }
            Made::RoleBinding => object["subjects"] = json!([]),
            Made::PodDisruptionBudget => object["spec"]["maxUnavailable"] = json!("100%"),
            Made::ServiceAccount => object["metadata"]["labels"] = json!({}),
        }

        prop_assert!(cluster.follow(&needed, exposure));
        prop_assert!(!cluster.follow(&needed, exposure));
    }
}

fn deployment(seen: &mut Seen) -> &mut Value {
    let found = seen
        .iter_mut()
        .find(|(key, _)| key.kind == Made::Deployment);
    found.unwrap().1
}

#[test]
fn whoever_scales_a_deployment_is_heeded_until_the_blueprint_changes() {
    let needed = [needed("a", &[(80, false)])];
    let mut cluster = Objects::default();
    cluster.follow(&needed, Exposure::Dedicated);

    deployment(&mut cluster.ours)["spec"]["replicas"] = json!(5);
    assert!(!cluster.follow(&needed, Exposure::Dedicated));
    deployment(&mut cluster.ours)["metadata"]["labels"] = json!({});
    assert!(cluster.follow(&needed, Exposure::Dedicated));
    assert_eq!(deployment(&mut cluster.ours)["spec"]["replicas"], 5);

    let more = Dedicated::new("example.com/gateway:7").with_replicas(3);
    let more = blueprint(Exposure::Dedicated).with_dedicated(more);
    let wanted = desired(&needed, &more, &cluster.ours, &World::default());
    let replicas = steps(&wanted, &cluster.ours)
        .into_iter()
        .find_map(|step| match step {
            Step::Apply(key, object) if key.kind == Made::Deployment => {
                Some(object["spec"]["replicas"].clone())
            }
            _ => None,
        });
    assert_eq!(replicas, Some(json!(3)));
}

#[test]
fn what_is_another_gateways_is_left_alone_and_what_leaves_is_waited_for() {
    let of_one = [needed("a", &[(80, false)])];
    let mut cluster = Objects::default();
    cluster.follow(&of_one, Exposure::Services);
    let again = Needed {
        uid: "another".into(),
        ..of_one[0].clone()
    };
    let blueprint = blueprint(Exposure::Services);
    let wanted = desired(&[again], &blueprint, &cluster.ours, &World::default());
    let all = steps(&wanted, &cluster.ours);
    assert!(
        all.iter().all(|step| matches!(step, Step::Leave(_))),
        "{all:?}"
    );

    for object in cluster.ours.values_mut() {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    }
    let all = steps(&wanted, &cluster.ours);
    assert!(
        all.iter().all(|step| matches!(step, Step::Wait(_))),
        "{all:?}"
    );
    assert_eq!(steps(&super::Objects::new(), &cluster.ours), []);
}
