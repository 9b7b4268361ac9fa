//! Everything that is wrong, whoever found it, in one form.

use std::collections::HashSet;
use std::fmt;

use gateway_k8s::source::cluster::ObjectProblem;
use gateway_k8s::source::{self, Severity};
use gateway_k8s::verdict::{Condition, ConditionType, Problem, Reason, Verdict};
use gateway_k8s::world::{ObjectRef, Place};
use serde::Serialize;

use crate::paint::Paint;
use crate::reading::Reading;

/// One thing that is wrong. Displayed on one line.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
    /// The condition it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
}

impl Finding {
    pub(crate) fn is_error(&self) -> bool {
        self.severity == ERROR
    }

    /// What stays the same when lines are added above it.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            file: self.file.clone(),
            object: self.object.clone(),
            field: self.field.clone(),
            message: self.message.clone(),
        }
    }

    /// On two lines, for a list.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let severity = if self.is_error() {
            paint.bad(ERROR)
        } else {
            paint.warning(WARNING)
        };
        let mut text = String::new();
        if let Some(place) = self.place() {
            text = paint.strong(place) + ": ";
        }
        text += &format!("{severity}: {}\n", self.what());
        if let Some(remedy) = &self.remedy {
            text += &format!("    to do: {remedy}\n");
        }
        text
    }

    fn of_source(problem: &source::Problem) -> Self {
        Self {
            severity: match problem.severity {
                Severity::Error => ERROR,
                Severity::Warning => WARNING,
            },
            object: problem.object.as_ref().map(ObjectRef::to_string),
            field: problem.field.clone(),
            message: problem.message.clone(),
            remedy: Some(problem.remedy.clone()),
            condition: None,
            reason: None,
            file: None,
            line: None,
        }
        .at(Some(&problem.place))
    }

    fn of_cluster(problem: &ObjectProblem) -> Self {
        Self {
            severity: ERROR,
            object: Some(problem.object.to_string()),
            field: problem.field.clone(),
            message: problem.message.clone(),
            remedy: Some(problem.remedy.clone()),
            condition: None,
            reason: None,
            file: None,
            line: None,
        }
    }

    fn of_verdict(
        reading: &Reading,
        verdict: &Verdict,
        condition: Option<&Condition>,
        problem: &Problem,
    ) -> Self {
        let field = problem.field.as_deref().unwrap_or_default();
        let place = reading.place(&verdict.object, field);

        Self {
            severity: if condition.is_some() { ERROR } else { WARNING },
            object: Some(verdict.object.to_string()),
            field: problem.field.clone(),
            message: problem.message.clone(),
            remedy: problem.remedy.clone(),
            condition: condition.map(|condition| condition.kind().as_str()),
            reason: condition.map(|_| problem.reason.as_str()),
            file: None,
            line: None,
        }
        .at(place.as_ref())
    }

    fn at(mut self, place: Option<&Place>) -> Self {
        self.file = place.map(|place| place.file.display().to_string());
        self.line = place.map(|place| place.line);
        self
    }

    fn place(&self) -> Option<String> {
        let file = self.file.as_ref()?;

        Some(match self.line {
            Some(line) => format!("{file}:{line}"),
            None => file.clone(),
        })
    }

    fn what(&self) -> String {
        let parts = [self.object.as_deref(), self.field.as_deref()];
        let mut text: String = parts
            .into_iter()
            .flatten()
            .map(|part| format!("{part}: "))
            .collect();
        text += &self.message;
        text
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what())?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

/// Tells one mistake from another, wherever it has moved to in its file.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Identity {
    file: Option<String>,
    object: Option<String>,
    field: Option<String>,
    message: String,
}

/// Everything that is wrong: first what could not be read, then what could not be
/// obeyed, of which `judged` says everything. A mistake that several conditions tell of
/// is there once.
pub(crate) fn findings<'a>(
    reading: &Reading,
    judged: impl Iterator<Item = (&'a Verdict, Option<&'a Condition>, &'a Problem)>,
) -> Vec<Finding> {
    let read: Vec<_> = match reading {
        Reading::Folder(reading) => reading.problems().iter().map(Finding::of_source).collect(),
        Reading::Cluster(reading) => reading.problems.iter().map(Finding::of_cluster).collect(),
        Reading::Kept(_) => Vec::new(),
    };
    let judged = judged
        .filter(|(_, condition, problem)| !is_summary(*condition, problem))
        .map(|(verdict, condition, problem)| {
            Finding::of_verdict(reading, verdict, condition, problem)
        });
    let mut seen = HashSet::new();
    let mut all: Vec<_> = read
        .into_iter()
        .chain(judged)
        .filter(|finding| seen.insert(finding.identity()))
        .collect();

    // Stable, so that a file's own order stays.
    all.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
    all
}

/// Whether a problem only repeats what a part of the object says in detail.
fn is_summary(condition: Option<&Condition>, problem: &Problem) -> bool {
    match problem.reason {
        Reason::ListenersNotValid | Reason::ListenersNotResolved => true,
        _ => condition.is_some_and(|one| one.kind() == ConditionType::Conflicted),
    }
}

const ERROR: &str = "error";
const WARNING: &str = "warning";
