//! Lists of conditions.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{put, take};
use crate::verdict::{Condition, ConditionType};

/// About which generation something is said, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) generation: Option<i64>,
    pub(super) now: Timestamp,
}

impl Told {
    /// Has our conditions in `object.conditions`. Those of the types that are `owned`,
    /// or that we have something to say about, are ours, and all others are kept where
    /// they are.
    pub(super) fn merge(
        self,
        object: &mut Map<String, Value>,
        ours: &[Condition],
        owned: &[ConditionType],
    ) {
        let mut list = take(object, "conditions");
        let mut seen: Vec<ConditionType> = Vec::new();
        let type_of = |value: &Value| {
            let name = value.get("type")?.as_str()?;
            let mut kinds = owned
                .iter()
                .copied()
                .chain(ours.iter().map(Condition::kind));
            kinds.find(|kind| kind.as_str() == name)
        };

        list.retain_mut(|value| {
            let Some(kind) = type_of(value) else {
                return true;
            };
            if seen.contains(&kind) {
                return false;
            }
            seen.push(kind);
            if self.is_older_than(value) {
                return true;
            }
            let ours = ours.iter().find(|one| one.kind() == kind);
            ours.is_some_and(|one| self.update(value, one))
        });
        for condition in ours {
            // The first ones are those that matter most.
            if !seen.contains(&condition.kind()) && list.len() < MAX_CONDITIONS {
                seen.push(condition.kind());
                let mut value = Value::Object(Map::new());
                self.update(&mut value, condition);
                list.push(value);
            }
        }

        put(object, "conditions", list);
    }

    /// Whether a condition is about a generation that the verdict knows nothing of.
    pub(super) fn is_older_than(self, condition: &Value) -> bool {
        let observed = condition.get("observedGeneration").and_then(Value::as_i64);

        matches!((observed, self.generation), (Some(theirs), Some(ours)) if theirs > ours)
    }

    /// Makes a condition say what ours does. Returns whether it is one.
    fn update(self, value: &mut Value, condition: &Condition) -> bool {
        let Some(fields) = value.as_object_mut() else {
            return false;
        };
        let status = condition.status().as_str();
        let stays = fields.get("status").and_then(Value::as_str) == Some(status);
        let is_dated = fields.get("lastTransitionTime").is_some_and(is_time);
        if !stays || !is_dated {
            let now = self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            fields.insert("lastTransitionTime".to_owned(), now.into());
        }

        let mut set = |key: &str, to: Value| fields.insert(key.to_owned(), to);
        set("type", condition.kind().as_str().into());
        set("status", status.into());
        set("reason", condition.reason().as_str().into());
        set("message", shortened(condition.advice()).into());
        match self.generation {
            Some(generation) => set("observedGeneration", generation.into()),
            None => fields.remove("observedGeneration"),
        };

        true
    }
}

fn is_time(value: &Value) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| text.parse::<Timestamp>().is_ok())
}

/// As much of a message as may be written.
fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
    }

    message
}

/// A list of conditions holds no more.
const MAX_CONDITIONS: usize = 8;

/// `metav1.Condition.message` has no more characters.
const MAX_MESSAGE: usize = 32_768;
