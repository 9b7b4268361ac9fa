use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::super::kinds::Watched;
use super::super::object::{Seen, name_of};
use super::super::state::{Staged, State};
use super::*;

/// One event: of which object, and what it becomes.
#[derive(Clone, Debug)]
struct Told {
    object: usize,
    /// The fields as they are now; as they were last, for what is deleted.
    fields: Map<String, Value>,
    is_deleted: bool,
}

/// Objects of two kinds, the status of one of which is written.
fn watched(object: usize) -> &'static Watched {
    let kind = if object.is_multiple_of(2) {
        "HTTPRoute"
    } else {
        "Service"
    };
    let found = Watched::all().iter().find(|watched| watched.kind == kind);
    found.expect("is watched")
}

/// What happens, in the order in which it does. Variants of objects that cannot be
/// read are among it.
fn histories() -> impl Strategy<Value = Vec<Told>> {
    let step = (
        0..6usize,
        prop_oneof![4 => (0..4u16).prop_map(Some), 1 => Just(None)],
    );
    prop::collection::vec(step, 0..40).prop_map(history)
}

fn history(steps: Vec<(usize, Option<u16>)>) -> Vec<Told> {
    let mut alive: [Option<Map<String, Value>>; 6] = Default::default();
    let mut told = Vec::new();
    for (index, (object, variant)) in steps.into_iter().enumerate() {
        let version = (1_000 + index).to_string();
        let before = alive[object].take();
        let mut fields = match (variant, &before) {
            (Some(variant), before) => {
                let uid = before
                    .as_ref()
                    .map_or(json!(version), |one| one["metadata"]["uid"].clone());
                fields_of(object, variant, uid)
            }
            (None, Some(before)) => before.clone(),
            (None, None) => continue,
        };
        fields["metadata"]["resourceVersion"] = json!(version);
        if variant.is_some() {
            alive[object] = Some(fields.clone());
        }
        told.push(Told {
            object,
            fields,
            is_deleted: variant.is_none(),
        });
    }
    told
}

fn fields_of(object: usize, variant: u16, uid: Value) -> Map<String, Value> {
    let spec = match (object % 2, variant) {
        (_, 3) => json!(7),
        (0, variant) => json!({ "hostnames": [format!("h{variant}.example")] }),
        (_, variant) => json!({ "ports": [{ "port": variant }] }),
    };
    let fields = json!({
        "metadata": { "namespace": "shop", "name": format!("o{object}"), "uid": uid },
        "spec": spec,
        "status": { "variant": variant },
    });
    fields.as_object().cloned().expect("is an object")
}

fn tell(state: &mut State, told: &Told) {
    let watched = watched(told.object);
    if told.is_deleted {
        let name = name_of(watched, &told.fields).expect("has a name");
        state.remove(watched, &name);
    } else {
        state.put(watched, seen(told));
    }
}

fn seen(told: &Told) -> Seen {
    let version = Arc::from("v1");
    Seen::read(watched(told.object), &version, told.fields.clone()).expect("has a name")
}

/// All that is known, to be compared.
fn all(state: &State) -> (String, String, Vec<ObjectProblem>) {
    let reading = state.reading();
    let statuses: Vec<_> = reading.statuses.iter().collect();
    (
        described(&reading.world),
        format!("{statuses:?}"),
        reading.problems,
    )
}

fn known(history: &[Told]) -> State {
    let mut state = State::new();
    history.iter().for_each(|told| tell(&mut state, told));
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The order in which different objects are told of makes no difference.
    #[test]
    fn order_makes_no_difference(history in histories(), picks in prop::collection::vec(0..6usize, 200)) {
        let mut left = history.clone();
        let mut shuffled = Vec::new();
        for pick in picks {
            if let Some(next) = left.iter().position(|told| told.object == pick) {
                shuffled.push(left.remove(next));
            }
        }
        shuffled.extend(left);

        prop_assert_eq!(all(&known(&shuffled)), all(&known(&history)));
    }

    /// Being told again, from any point to any later one, makes no difference.
    #[test]
    fn repetition_makes_no_difference(history in histories(), from in 0..40usize, to in 0..40usize) {
        let to = to.min(history.len());
        let from = from.min(to);
        let mut repeated = history[..to].to_vec();
        repeated.extend_from_slice(&history[from..]);

        prop_assert_eq!(all(&known(&repeated)), all(&known(&history)));
    }

    /// A list says the same as all events that led to it, and does not change what it
    /// finds as it was.
    #[test]
    fn a_list_says_what_the_events_said(history in histories(), before in histories()) {
        let readable = |told: &&Told| told.fields["spec"] != json!(7);
        let history: Vec<_> = history.iter().filter(readable).cloned().collect();
        let before: Vec<_> = before.iter().filter(readable).cloned().collect();
        let mut last = std::collections::BTreeMap::new();
        for told in &history {
            last.insert(told.object, told);
        }

        let mut listed = known(&before);
        for parity in 0..2 {
            let mut staged = Staged::default();
            let there = last.values().filter(|told| told.object % 2 == parity && !told.is_deleted);
            for told in there {
                staged.add(seen(told), &listed);
            }
            let is_meant = |one: &Watched| one.kind == watched(parity).kind;
            let kind = Watched::all().iter().position(is_meant).expect("is watched");
            listed.swap(kind, 0, None, staged);
        }

        let told = known(&history);
        prop_assert_eq!(all(&listed), all(&told));
    }
}
