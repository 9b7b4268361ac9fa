//! What a token says.

use std::sync::Arc;

use http::HeaderValue;
use serde_json::{Map, Value};

/// What an accepted token says: an extension of the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    pub(super) claims: Arc<Map<String, Value>>,
}

impl Claims {
    /// The claim at `path`: a name, and names inside of objects.
    #[must_use]
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        find(&self.claims, path.iter().copied())
    }

    /// Gives each text of the claim at `path` to `found`: the claim itself, or what it lists.
    pub fn each(&self, path: &[&str], mut found: impl FnMut(&str)) {
        match self.get(path) {
            Some(Value::Array(values)) => {
                for value in values {
                    if let Some(text) = text(value) {
                        found(&text);
                    }
                }
            }
            Some(value) => {
                if let Some(text) = text(value) {
                    found(&text);
                }
            }
            None => {}
        }
    }
}

/// The claim at `path`.
pub(super) fn find<'a, 'p>(
    claims: &'a Map<String, Value>,
    mut path: impl Iterator<Item = &'p str>,
) -> Option<&'a Value> {
    let first = claims.get(path.next()?)?;
    path.try_fold(first, |value, name| value.get(name))
}

/// A claim as the value of a header: texts, numbers and truths as they are, lists of them joined
/// by commas, anything else as JSON. `None` if it cannot be one.
pub(super) fn header_value(value: &Value) -> Option<HeaderValue> {
    let written = match value {
        Value::Array(values) => match values.iter().map(text).collect::<Option<Vec<_>>>() {
            // A comma inside would make two of one.
            Some(texts) if texts.iter().all(|text| !text.contains(',')) => texts.join(","),
            Some(_) | None => value.to_string(),
        },
        Value::Object(_) => value.to_string(),
        Value::Null => return None,
        Value::String(_) | Value::Number(_) | Value::Bool(_) => text(value)?,
    };
    HeaderValue::from_bytes(written.as_bytes()).ok()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
