//! What comes of a request: what a backend gets, or what the gateway answers.

use gateway_core::model::{BackendRef, BackendTarget, Rule};
use http::{HeaderMap, header, request};
use serde::Serialize;

use super::dry_run::{self, Outcome};
use super::request::Asked;

/// What comes of the request.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub(super) enum OutcomeReport {
    /// A backend gets it in this form.
    Forwarded {
        /// The backends; all, if there is none.
        backends: Vec<String>,
        request: String,
        headers: Vec<(String, String)>,
    },
    /// The gateway answers it.
    Answered {
        status: u16,
        headers: Vec<(String, String)>,
    },
}

impl OutcomeReport {
    fn new(outcome: Outcome, backends: Vec<String>) -> Self {
        match outcome {
            Outcome::Forwarded(parts) => Self::forwarded(&parts, backends),
            Outcome::Answered(parts) => Self::Answered {
                status: parts.status.as_u16(),
                headers: lines(&parts.headers),
            },
        }
    }

    fn forwarded(parts: &request::Parts, backends: Vec<String>) -> Self {
        Self::Forwarded {
            backends,
            request: format!(
                "{} {}",
                parts.method,
                parts
                    .uri
                    .path_and_query()
                    .map_or("/", |target| target.as_str())
            ),
            headers: lines(&parts.headers),
        }
    }

    fn of(mut self, names: Vec<String>) -> Self {
        if let Self::Forwarded { backends, .. } = &mut self {
            *backends = names;
        }
        self
    }
}

/// What comes of the request for each backend; once, if it is always the same.
pub(super) async fn outcomes(
    rule: &Rule,
    matched: usize,
    asked: &Asked,
    port: u16,
) -> Vec<OutcomeReport> {
    let condition = rule.matches().get(matched);
    let used: Vec<_> = rule
        .backends()
        .iter()
        .filter(|one| one.weight() > 0)
        .collect();
    if used.is_empty() {
        // Filters may answer before the want of a backend is noticed.
        let outcome = dry_run::forward(rule, condition, None, asked.request_at(rule, port)).await;
        return vec![OutcomeReport::new(outcome, Vec::new())];
    }

    let mut outcomes: Vec<(OutcomeReport, Vec<String>)> = Vec::new();
    for backend in used {
        let request = asked.request_at(rule, port);
        let outcome = dry_run::forward(rule, condition, Some(backend), request).await;
        let report = OutcomeReport::new(outcome, Vec::new());
        let name = name(backend);
        match outcomes.iter_mut().find(|(other, _)| *other == report) {
            Some((_, names)) => names.push(name),
            None => outcomes.push((report, vec![name])),
        }
    }
    if let [(_, names)] = outcomes.as_mut_slice() {
        names.clear();
    }
    outcomes
        .into_iter()
        .map(|(report, names)| report.of(names))
        .collect()
}

fn name(backend: &BackendRef) -> String {
    match backend.target() {
        BackendTarget::Backend(id) => id.to_string(),
        BackendTarget::Invalid(_) => "an invalid backend".to_owned(),
    }
}

/// Headers in the order of their names, the host first.
fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let is_client = name == "x-forwarded-for" && value == dry_run::CLIENT.to_string();
            let value = if is_client {
                "(the client's address)".to_owned()
            } else {
                value
            };
            (name.to_string(), value)
        })
        .collect();
    lines.sort_by_key(|(name, _)| (name != header::HOST.as_str(), name.clone()));
    lines
}
