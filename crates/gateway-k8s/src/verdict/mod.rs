//! What was decided about each object, before anything is written.
//!
//! A verdict is data. Whoever shows it (a status, a terminal) has everything at
//! hand: the object, its conditions with their reasons, and for every problem the
//! field and what to do. Where that is written, the source knows.

mod condition;
mod dates;
mod programmed;
mod reason;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use gateway_core::model::{Certificate, SectionName};

use crate::api::{ParentReference, RouteGroupKind};
use crate::world::{Kind, Loaded, ObjectRef};

pub use self::condition::{Condition, ConditionStatus, Problem};
pub use self::programmed::BindFailure;
pub use self::reason::{ConditionType, Reason};

/// Every verdict of one moment, by object.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verdicts {
    objects: BTreeMap<ObjectRef, Verdict>,
}

impl Verdicts {
    /// What was decided about `object`. Nothing is, if it is none of ours.
    pub fn get(&self, object: &ObjectRef) -> Option<&Verdict> {
        self.objects.get(object)
    }

    /// Every verdict, by object.
    pub fn iter(&self) -> impl Iterator<Item = &Verdict> {
        self.objects.values()
    }

    /// Everything that is wrong: each object with a problem, and the condition it
    /// led to. See [`Verdict::problems`].
    pub fn problems(&self) -> impl Iterator<Item = (&Verdict, Option<&Condition>, &Problem)> {
        self.iter().flat_map(|verdict| {
            let problems = verdict.problems().into_iter();
            problems.map(move |(condition, problem)| (verdict, condition, problem))
        })
    }

    pub(crate) fn put(&mut self, verdict: Verdict) {
        self.objects.insert(verdict.object.clone(), verdict);
    }

    /// Warns about an object, whether or not there is a verdict about it.
    pub(crate) fn warn<T: Kind>(&mut self, object: &Loaded<T>, problem: Problem) {
        let name = ObjectRef::of(&**object);
        let verdict = self.objects.entry(name.clone());
        let none = || Verdict::new(name, object, Decision::None);

        let warnings = Arc::make_mut(&mut verdict.or_insert_with(none).warnings);
        if !warnings.contains(&problem) {
            warnings.push(problem);
        }
    }
}

/// What was decided about one object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// The object.
    pub object: ObjectRef,
    /// The generation that was looked at; absent for what came from a file.
    pub generation: Option<i64>,
    /// What its status should say.
    pub decision: Decision,
    /// What is wrong and has no place in the status: a reference that leads
    /// nowhere, a field that is not obeyed.
    pub warnings: Arc<Vec<Problem>>,
}

impl Verdict {
    pub(crate) fn new<T: Kind>(object: ObjectRef, loaded: &Loaded<T>, decision: Decision) -> Self {
        Self {
            object,
            generation: loaded.meta().generation,
            decision,
            warnings: Arc::default(),
        }
    }

    /// Everything that is wrong with the object, each thing once, with the first
    /// condition it led to. There is none for what no status has a place for.
    pub fn problems(&self) -> Vec<(Option<&Condition>, &Problem)> {
        let mut found: Vec<(Option<&Condition>, &Problem)> = Vec::new();
        let told = self.decision.conditions().flat_map(|condition| {
            let problems = condition.problems().iter();
            problems.map(move |problem| (Some(condition), problem))
        });
        let untold = self.warnings.iter().map(|problem| (None, problem));

        for (condition, problem) in told.chain(untold) {
            if !found.iter().any(|(_, known)| *known == problem) {
                found.push((condition, problem));
            }
        }

        found
    }

    pub(crate) fn with_warnings(mut self, warnings: &Arc<Vec<Problem>>) -> Self {
        self.warnings = Arc::clone(warnings);
        self
    }
}

/// What the status of an object should say. Complete.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Nothing: its kind has no status, or it has a place for others only.
    None,
    /// `GatewayClass.status`.
    GatewayClass(Arc<ClassVerdict>),
    /// `Gateway.status`.
    Gateway(Arc<GatewayVerdict>),
    /// `ListenerSet.status`.
    ListenerSet(Arc<ListenerSetVerdict>),
    /// `status` of a route.
    Route(Arc<RouteVerdict>),
    /// `XBackend.status`.
    Backend(Arc<RouteVerdict>),
    /// `status` of a policy.
    Policy(Arc<RouteVerdict>),
}

impl Decision {
    /// All conditions, of the object and its parts.
    pub fn conditions(&self) -> Box<dyn Iterator<Item = &Condition> + '_> {
        match self {
            Self::None => Box::new(std::iter::empty()),
            Self::GatewayClass(class) => Box::new(class.conditions.iter()),
            Self::Gateway(gateway) => Box::new(
                gateway
                    .conditions
                    .iter()
                    .chain(gateway.listeners.iter().flat_map(|one| &one.conditions)),
            ),
            Self::ListenerSet(set) => Box::new(
                set.conditions
                    .iter()
                    .chain(set.listeners.iter().flat_map(|one| &one.conditions)),
            ),
            Self::Route(route) | Self::Backend(route) | Self::Policy(route) => {
                Box::new(route.parents.iter().flat_map(|one| &one.conditions))
            }
        }
    }
}

/// About a GatewayClass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClassVerdict {
    /// `Accepted`, and `SupportedVersion` where CRDs are installed.
    pub conditions: Vec<Condition>,
    /// `status.supportedFeatures`, sorted.
    pub features: &'static [&'static str],
}

/// About a Gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayVerdict {
    /// `Accepted`, `Programmed`, `ResolvedRefs`; `InsecureFrontendValidationMode` if
    /// it is so.
    pub conditions: Vec<Condition>,
    /// One for each listener, in their written order.
    pub listeners: Vec<ListenerVerdict>,
    /// Where it listens; empty if everywhere, or nowhere.
    pub addresses: Vec<IpAddr>,
    /// How many ListenerSets it has accepted.
    pub attached_listener_sets: u32,
}

/// About a ListenerSet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenerSetVerdict {
    /// `Accepted`, `Programmed`.
    pub conditions: Vec<Condition>,
    /// One for each listener, in their written order; none, if the Gateway takes
    /// none of them.
    pub listeners: Vec<ListenerVerdict>,
    /// Where its Gateway listens; empty if everywhere, or nowhere.
    pub addresses: Vec<IpAddr>,
}

/// About a listener.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenerVerdict {
    /// Which.
    pub name: SectionName,
    /// The port it listens on.
    pub port: u16,
    /// Whether it listens for datagrams, and not for connections.
    pub datagrams: bool,
    /// The kinds of routes it takes.
    pub supported_kinds: Vec<SupportedKind>,
    /// How many routes are attached to it.
    pub attached_routes: u32,
    /// The certificates that it serves.
    pub certificates: Vec<Arc<Certificate>>,
    /// `Accepted`, `Programmed`, `ResolvedRefs`; `Conflicted` and
    /// `OverlappingTLSConfig` if it is so.
    pub conditions: Vec<Condition>,
}

/// A kind of route that a listener takes.
///
/// Source: `RouteGroupKind`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SupportedKind {
    /// The API group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
}

impl From<SupportedKind> for RouteGroupKind {
    fn from(kind: SupportedKind) -> Self {
        Self {
            group: Some(kind.group.to_owned()),
            kind: kind.kind.to_owned(),
        }
    }
}

/// About a route, or about anything else that is judged once for each parent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteVerdict {
    /// One for each of its parents that is ours, in their written order.
    pub parents: Vec<ParentVerdict>,
}

impl Eq for RouteVerdict {}

/// About a route, as one of its parents sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ParentVerdict {
    /// The parent, with group and kind written out.
    pub parent: ParentReference,
    /// `Accepted`, `ResolvedRefs`; `PartiallyInvalid` if it is.
    pub conditions: Vec<Condition>,
}
