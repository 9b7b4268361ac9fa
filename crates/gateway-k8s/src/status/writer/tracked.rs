//! What a writer knows of one object.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::super::Observed;
use super::super::rate::Pace;

/// What has happened to one object.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    /// What the API server answered last, as long as it is newer than what was seen.
    pub(super) answered: Option<Arc<Observed>>,
    /// Whether a call is under way. There is never more than one.
    pub(super) is_called: bool,
    /// Whether something has changed since the call under way began.
    pub(super) again: bool,
    /// Whether what is known of it was refused as old.
    pub(super) is_stale: bool,
    /// When it was written.
    pub(super) pace: Pace,
    /// Calls that came to nothing, one after another.
    pub(super) failures: u32,
    /// Whether its failure was logged.
    pub(super) is_logged: bool,
    /// The last status that the server has not taken as it was. Most are.
    pub(super) altered: Option<Box<Altered>>,
}

impl Tracked {
    /// A call begins.
    pub(super) fn begin(&mut self) {
        self.is_called = true;
        self.again = false;
    }

    /// What is to be changed: the newest that is known.
    pub(super) fn base(&self, observed: &Arc<Observed>) -> Base {
        let answered = self.answered.as_ref().filter(|answered| {
            // Something may have been seen while the answer was on its way.
            !is_older(&answered.resource_version, &observed.resource_version)
        });
        match answered {
            // Another object of the same name: verdicts will follow.
            Some(answered) if answered.uid != observed.uid => Base::Unknown,
            Some(answered) => Base::Known(Arc::clone(answered)),
            None => Base::Known(Arc::clone(observed)),
        }
    }

    /// Takes note of what was seen. Returns whether that is news.
    pub(super) fn saw(&mut self, observed: &Observed) -> bool {
        let Some(answered) = &self.answered else {
            return true;
        };
        let is_same = answered.resource_version == observed.resource_version;
        let is_older = is_older(&observed.resource_version, &answered.resource_version);
        if is_same || !is_older {
            self.answered = None;
        }

        !is_same && !is_older
    }

    /// It was written: `sent` is what was asked for, `stored` what the server made of it.
    pub(super) fn wrote(&mut self, sent: Value, stored: Observed, now: Instant) {
        let made = stored.status.as_deref();
        let made: Value = made
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        self.altered = (made != sent).then(|| {
            let sent = timeless(sent);
            Box::new(Altered { sent, made })
        });
        self.answered = Some(Arc::new(stored));
        self.pace.wrote(now);
        self.failures = 0;
        self.is_logged = false;
    }

    /// Whether the server has had `status` for what the object says now, and made this
    /// of it.
    pub(super) fn is_vain(&self, status: &Value, base: &Observed) -> bool {
        self.altered.as_ref().is_some_and(|altered| {
            let said: Option<Value> = base
                .status
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok());
            said.as_ref() == Some(&altered.made) && timeless(status.clone()) == altered.sent
        })
    }
}

/// A status and what became of it. Older CRDs do not have every field, and without this
/// they would be written for ever.
#[derive(Debug)]
pub(super) struct Altered {
    sent: Value,
    made: Value,
}

/// What a status is merged with.
#[derive(Debug)]
pub(super) enum Base {
    /// What was last seen.
    Known(Arc<Observed>),
    /// What is seen and what is known are different objects.
    Unknown,
}

/// Whether a version of an object is older than another. The API declares them
/// comparable since Kubernetes 1.35, and they have always been so: where they are not, a
/// conflict tells.
fn is_older(version: &str, than: &str) -> bool {
    matches!((version.parse::<u128>(), than.parse::<u128>()), (Ok(one), Ok(other)) if one < other)
}

/// A value without the times in it.
fn timeless(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(timeless).collect(),
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .filter(|(key, _)| key != "lastTransitionTime");
            let fields = fields.map(|(key, value)| (key, timeless(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}
