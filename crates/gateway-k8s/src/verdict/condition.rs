//! One condition of an object, and what led to it.

use std::borrow::Cow;
use std::fmt;

use super::{ConditionType, Reason};

/// What is said about one aspect of an object.
///
/// Source: `metav1.Condition`, without what only the writer of a status knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Condition {
    kind: ConditionType,
    status: ConditionStatus,
    reason: Reason,
    summary: Cow<'static, str>,
    problems: Vec<Problem>,
}

impl Condition {
    /// All is well.
    pub fn good(kind: ConditionType, reason: Reason, summary: &'static str) -> Self {
        Self::follows(kind, ConditionStatus::True, reason, summary)
    }

    /// True, with problems nevertheless; the first one gives the reason.
    /// `summary` begins the message.
    pub fn impaired(
        kind: ConditionType,
        summary: impl Into<Cow<'static, str>>,
        problems: Vec<Problem>,
    ) -> Self {
        Self {
            status: ConditionStatus::True,
            summary: summary.into(),
            ..Self::bad(kind, problems)
        }
    }

    /// False because of `problems`; the first one gives the reason.
    pub fn bad(kind: ConditionType, problems: Vec<Problem>) -> Self {
        let reason = problems.first().map(|problem| problem.reason);

        Self {
            kind,
            status: ConditionStatus::False,
            reason: reason.unwrap_or(Reason::Invalid),
            summary: Cow::Borrowed(""),
            problems,
        }
    }

    /// As another condition has it, whose problems need not be told again.
    pub fn follows(
        kind: ConditionType,
        status: ConditionStatus,
        reason: Reason,
        summary: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            status,
            reason,
            summary: summary.into(),
            problems: Vec::new(),
        }
    }

    /// Not decided yet.
    pub fn pending(kind: ConditionType, summary: &'static str) -> Self {
        Self::follows(kind, ConditionStatus::Unknown, Reason::Pending, summary)
    }

    /// Good if there is no problem, and bad otherwise.
    pub fn judged(
        kind: ConditionType,
        good: Reason,
        summary: &'static str,
        problems: Vec<Problem>,
    ) -> Self {
        if problems.is_empty() {
            Self::good(kind, good, summary)
        } else {
            Self::bad(kind, problems)
        }
    }

    /// What it is about.
    pub fn kind(&self) -> ConditionType {
        self.kind
    }

    /// Whether it holds.
    pub fn status(&self) -> ConditionStatus {
        self.status
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What led to it; empty if all is well.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Everything in one text. Bounded, however many problems there are.
    pub fn message(&self) -> String {
        self.text(Problem::to_string)
    }

    /// The same, and what to do about it: for those who look nowhere else.
    pub fn advice(&self) -> String {
        self.text(|problem| match &problem.remedy {
            Some(remedy) => format!("{problem}; {remedy}"),
            None => problem.to_string(),
        })
    }

    fn text(&self, told: impl Fn(&Problem) -> String) -> String {
        let mut text = self.summary.clone().into_owned();

        for problem in self.problems.iter().take(TOLD_PROBLEMS) {
            if !text.is_empty() {
                text.push_str(if text.ends_with(':') { " " } else { "; " });
            }
            text.push_str(&told(problem));
        }
        if self.problems.len() > TOLD_PROBLEMS {
            text.push_str(&format!(
                "; and {} more",
                self.problems.len() - TOLD_PROBLEMS
            ));
        }

        text
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums)] // the API has these three
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody knows yet.
    Unknown,
}

impl ConditionStatus {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with an object.
///
/// Displayed as its field and its message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The reason it gives to a condition.
    pub reason: Reason,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// Where in the object, as in `spec.rules[0].backendRefs[1].port`.
    pub field: Option<String>,
    /// What to do about it, as in `add a ReferenceGrant to namespace billing`.
    pub remedy: Option<String>,
}

impl Problem {
    /// Something that is wrong with the object as a whole.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            field: None,
            remedy: reason.usual_remedy().map(str::to_owned),
        }
    }

    /// Says where. No field by default.
    #[must_use]
    pub fn at(mut self, field: impl fmt::Display) -> Self {
        self.field = Some(field.to_string());
        self
    }

    /// Says what to do. What usually helps with its reason, by default.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// A condition's message may have 32768 characters, and nobody reads more.
const TOLD_PROBLEMS: usize = 8;
