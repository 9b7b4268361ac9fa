//! What is new about an object.

use serde_json::Value;

use crate::source::cluster::ObjectProblem;
use crate::verdict::{Condition, Reason, Verdict};

/// A problem that an Event tells of.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct News {
    /// Why.
    pub(super) reason: Reason,
    /// What there is to say.
    pub(super) note: String,
}

impl News {
    /// That an object is not used as it is written.
    pub(super) fn unreadable(problem: &ObjectProblem) -> Self {
        let field = problem.field.as_deref();
        let at = field.map_or_else(String::new, |field| format!("{field}: "));
        Self {
            reason: Reason::Invalid,
            note: format!("{at}{}; {}", problem.message, problem.remedy),
        }
    }
}

/// What is wrong with an object and was not before, each reason once.
///
/// `before` is what was decided before; without it, whatever the status says has been
/// told by whoever wrote it.
pub(super) fn news(now: &Verdict, before: Option<&Verdict>, observed: Option<&str>) -> Vec<News> {
    let known: Vec<_> = before.into_iter().flat_map(bad).collect();
    let fresh = bad(now).filter(|condition| !known.contains(condition));
    let mut fresh = fresh.peekable();
    if fresh.peek().is_none() {
        return Vec::new();
    }
    let observed = observed.filter(|_| before.is_none());
    let status: Option<Value> = observed.and_then(|text| serde_json::from_str(text).ok());

    let mut news: Vec<News> = Vec::new();
    for condition in fresh {
        let reason = condition.reason();
        let is_told = status.as_ref().is_some_and(|told| says(told, condition));
        if !is_told && !news.iter().any(|one| one.reason == reason) {
            news.push(News {
                reason,
                note: condition.advice(),
            });
        }
    }

    news
}

/// The conditions that problems have led to; not those that only follow from others.
fn bad(verdict: &Verdict) -> impl Iterator<Item = &Condition> {
    let conditions = verdict.decision.conditions();
    conditions.filter(|condition| !condition.problems().is_empty())
}

/// Whether a status has such a condition somewhere.
fn says(status: &Value, condition: &Condition) -> bool {
    match status {
        Value::Array(list) => list.iter().any(|value| says(value, condition)),
        Value::Object(fields) => {
            let is = |key: &str, text: &str| fields.get(key).and_then(Value::as_str) == Some(text);
            (is("type", condition.kind().as_str())
                && is("status", condition.status().as_str())
                && is("reason", condition.reason().as_str()))
                || fields.values().any(|value| says(value, condition))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
