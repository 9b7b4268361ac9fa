//! Verdicts and problems, for people and for programs.

use gateway_k8s::api::ParentReference;
use gateway_k8s::verdict::{
    Condition, ConditionStatus, ConditionType, Decision, ListenerVerdict, Verdict,
};
use gateway_k8s::world::Place;
use serde::Serialize;

use crate::findings::{Finding, findings};
use crate::manifests::Manifests;
use crate::paint::Paint;
use crate::table::{Cell, Table};

/// All that `check` says.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    objects: Vec<ObjectReport>,
    problems: Vec<Finding>,
    summary: Summary,
}

/// An object, or a part of one that has conditions of its own.
#[derive(Debug, Serialize)]
struct ObjectReport {
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    name: String,
    /// A listener of a Gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    listener: Option<String>,
    /// A parent of a route.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached_routes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    conditions: Vec<ConditionReport>,
}

#[derive(Debug, Serialize)]
struct ConditionReport {
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    reason: &'static str,
    message: String,
    /// The message where details follow.
    #[serde(skip)]
    brief: String,
    /// Whether this is as it should be.
    #[serde(skip)]
    mood: Mood,
}

#[derive(Clone, Copy, Debug)]
enum Mood {
    Good,
    Bad,
    Open,
}

#[derive(Debug, Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    gateways_served: usize,
}

impl Report {
    pub(super) fn new(manifests: &Manifests) -> Self {
        let verdicts = &manifests.resolved.verdicts;
        let objects: Vec<_> = verdicts
            .iter()
            .flat_map(|verdict| object(verdict, manifests))
            .collect();
        let problems = findings(&manifests.reading, verdicts.problems());
        let errors = problems.iter().filter(|one| one.is_error()).count();

        Self {
            summary: Summary {
                errors: errors.max(usize::from(objects.iter().any(ObjectReport::is_bad))),
                warnings: problems.iter().filter(|one| !one.is_error()).count(),
                gateways_served: manifests.resolved.configuration.gateways().len(),
            },
            objects,
            problems,
        }
    }

    pub(super) fn errors(&self) -> usize {
        self.summary.errors
    }

    pub(super) fn warnings(&self) -> usize {
        self.summary.warnings
    }

    /// A table of conditions, then the problems, then one line of sums.
    pub(super) fn render(&self, paint: Paint) -> String {
        let mut text = String::new();

        if !self.objects.is_empty() {
            text += &self.table().render(paint);
            text.push('\n');
        }
        for problem in &self.problems {
            text += &problem.render(paint);
        }
        if !self.problems.is_empty() {
            text.push('\n');
        }
        text + &self.sum(paint) + "\n"
    }

    fn table(&self) -> Table<5> {
        let mut table = Table::new(["OBJECT", "CONDITION", "STATUS", "REASON", "MESSAGE"]);

        for object in &self.objects {
            let mut name = object.title();
            for condition in &object.conditions {
                let style = match condition.mood {
                    Mood::Good => |paint: Paint, text: &str| paint.good(text),
                    Mood::Bad => |paint: Paint, text: &str| paint.bad(text),
                    Mood::Open => |paint: Paint, text: &str| paint.faint(text),
                };
                table.row([
                    Cell::plain(std::mem::take(&mut name)),
                    Cell::plain(condition.kind),
                    Cell::styled(condition.status, style),
                    Cell::plain(condition.reason),
                    Cell::plain(condition.brief.as_str()),
                ]);
            }
        }
        table
    }

    fn sum(&self, paint: Paint) -> String {
        let plural = |count: usize, name: &str| {
            format!("{count} {name}{}", if count == 1 { "" } else { "s" })
        };
        let served = match self.summary.gateways_served {
            0 => "no Gateway would be served".to_owned(),
            count => format!("{} would be served", plural(count, "Gateway")),
        };
        let errors = plural(self.summary.errors, "error");
        let warnings = plural(self.summary.warnings, "warning");

        let verdict = match (self.summary.errors, self.summary.warnings) {
            (0, 0) => paint.good("no problems"),
            (0, _) => paint.warning(warnings),
            _ => paint.bad(format!("{errors}, {warnings}")),
        };
        format!("{served}; {verdict}")
    }
}

impl ObjectReport {
    fn new(verdict: &Verdict, conditions: &[Condition], place: Option<&Place>) -> Self {
        let object = &verdict.object;

        Self {
            kind: object.kind.clone().into_owned(),
            namespace: object.namespace.as_ref().to_owned(),
            name: object.name.as_ref().to_owned(),
            listener: None,
            parent: None,
            attached_routes: None,
            file: place.map(|place| place.file.display().to_string()),
            line: place.map(|place| place.line),
            conditions: conditions.iter().map(ConditionReport::new).collect(),
        }
    }

    fn is_bad(&self) -> bool {
        let mut conditions = self.conditions.iter();

        conditions.any(|condition| matches!(condition.mood, Mood::Bad))
    }

    /// Parts stand, indented, below their Gateway.
    fn title(&self) -> String {
        let name = match self.namespace.as_str() {
            "" => format!("{} {}", self.kind, self.name),
            namespace => format!("{} {namespace}/{}", self.kind, self.name),
        };

        match (&self.listener, &self.parent) {
            (Some(listener), _) => format!("  listener {listener}{}", self.routes()),
            (None, Some(parent)) => format!("{name} at {parent}"),
            (None, None) => name,
        }
    }

    fn routes(&self) -> String {
        match self.attached_routes {
            None => String::new(),
            Some(1) => ", 1 route".to_owned(),
            Some(count) => format!(", {count} routes"),
        }
    }
}

impl ConditionReport {
    fn new(condition: &Condition) -> Self {
        let mood = match (condition.kind(), condition.status()) {
            (_, ConditionStatus::Unknown) => Mood::Open,
            // These tell of trouble by being there.
            (
                ConditionType::Conflicted | ConditionType::PartiallyInvalid,
                ConditionStatus::True,
            ) => Mood::Bad,
            // And these of what should be known.
            (
                ConditionType::OverlappingTLSConfig | ConditionType::InsecureFrontendValidationMode,
                ConditionStatus::True,
            ) => Mood::Open,
            (_, ConditionStatus::True) => Mood::Good,
            (_, ConditionStatus::False) => Mood::Bad,
        };
        let is_open = matches!(mood, Mood::Open);
        let message = if is_open && condition.kind() == ConditionType::Programmed {
            "is known when it is served; check opens no socket".to_owned()
        } else {
            condition.message()
        };

        Self {
            kind: condition.kind().as_str(),
            status: condition.status().as_str(),
            reason: condition.reason().as_str(),
            brief: match condition.problems() {
                [first, more @ ..] if !more.is_empty() => {
                    format!("{first} (and {} more)", more.len())
                }
                _ => message.clone(),
            },
            message,
            mood,
        }
    }
}

/// A verdict as one report for each list of conditions.
fn object(verdict: &Verdict, manifests: &Manifests) -> Vec<ObjectReport> {
    let place = manifests.reading.place(&verdict.object, "");
    let report = |conditions: &[Condition]| ObjectReport::new(verdict, conditions, place.as_ref());

    match &verdict.decision {
        Decision::None => Vec::new(),
        Decision::GatewayClass(class) => vec![report(&class.conditions)],
        Decision::Gateway(gateway) => {
            with_listeners(&gateway.conditions, &gateway.listeners, report)
        }
        Decision::ListenerSet(set) => with_listeners(&set.conditions, &set.listeners, report),
        Decision::Route(route) | Decision::Backend(route) | Decision::Policy(route) => {
            let parents = route.parents.iter().map(|parent| ObjectReport {
                parent: Some(name(&parent.parent, &verdict.object.namespace)),
                ..report(&parent.conditions)
            });
            parents.collect()
        }
    }
}

fn with_listeners(
    whole: &[Condition],
    listeners: &[ListenerVerdict],
    report: impl Fn(&[Condition]) -> ObjectReport,
) -> Vec<ObjectReport> {
    let listeners = listeners.iter().map(|listener| ObjectReport {
        listener: Some(listener.name.to_string()),
        attached_routes: Some(listener.attached_routes),
        ..report(&listener.conditions)
    });

    std::iter::once(report(whole)).chain(listeners).collect()
}

fn name(parent: &ParentReference, own_namespace: &str) -> String {
    let namespace = parent.namespace.as_deref().unwrap_or(own_namespace);
    let kind = parent.kind.as_deref().unwrap_or("Gateway");
    let mut text = format!("{kind} {namespace}/{}", parent.name);

    if let Some(section) = &parent.section_name {
        text += &format!(" listener {section}");
    }
    if let Some(port) = parent.port {
        text += &format!(" port {port}");
    }
    text
}
