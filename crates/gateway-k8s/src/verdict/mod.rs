//! What was decided about each object, before anything is written.
//!
//! A verdict is data. Whoever shows it (a status, a terminal) has everything at
//! hand: the object, its conditions with their reasons, and for every problem the
//! field and what to do. Where that is written, the source knows.

mod condition;
mod dates;
mod programmed;
mod reason;
mod settled;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use gateway_core::model::{Certificate, SectionName};

use crate::api::{Gateway, ListenerSet, ParentReference, RouteGroupKind};
use crate::sorted::{self, Sorted};
use crate::world::{Kind, Loaded, ObjectRef};

pub use self::condition::{Condition, ConditionStatus, Problem};
pub use self::programmed::BindFailure;
pub use self::reason::{ConditionType, Reason};
pub use self::settled::{Applied, Settled};

/// Every verdict of one moment, by object.
///
/// Cheap to clone, and clones share what is not changed afterwards.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verdicts {
    objects: Sorted<Arc<Verdict>>,
}

impl Verdicts {
    /// What was decided about `object`. Nothing is, if it is none of ours.
    pub fn get(&self, object: &ObjectRef) -> Option<&Verdict> {
        let found = self.objects.get(|verdict| verdict.object.cmp(object));
        found.map(|verdict| &**verdict)
    }

    /// Every verdict, by object.
    pub fn iter(&self) -> impl Iterator<Item = &Verdict> {
        self.objects.iter().map(|verdict| &**verdict)
    }

    /// The verdicts that are not in `before`, or are others there, and the objects
    /// about which there was one. Of verdicts of which one were made from the others,
    /// this costs what was changed.
    pub fn changes<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'a ObjectRef, Option<&'a Verdict>)> {
        let edits = self.objects.edits(&before.objects).into_iter();
        edits.filter_map(|sorted::Edit { before, now }| {
            let either = now.or(before)?;
            Some((&either.object, now.map(|now| &**now)))
        })
    }

    /// Everything that is wrong: each object with a problem, and the condition it
    /// led to. See [`Verdict::problems`].
    pub fn problems(&self) -> impl Iterator<Item = (&Verdict, Option<&Condition>, &Problem)> {
        self.iter().flat_map(Verdict::told)
    }

    /// Puts a verdict in, unless it is there.
    pub(crate) fn put(&mut self, verdict: Verdict) {
        self.share(Arc::new(verdict));
    }

    /// Puts in what is the same elsewhere, unless an equal one is there.
    fn share(&mut self, verdict: Arc<Verdict>) {
        if self.get(&verdict.object) != Some(&verdict) {
            self.objects.insert(verdict);
        }
    }

    pub(crate) fn remove(&mut self, object: &ObjectRef) {
        self.objects.remove(|verdict| verdict.object.cmp(object));
    }

    /// Has these verdicts about objects of one kind, and no others.
    pub(crate) fn replace<T: Kind>(&mut self, now: impl Iterator<Item = Verdict>) {
        let now: BTreeMap<_, _> = now.map(|one| (one.object.clone(), one)).collect();
        let before = self.of_kind::<T>().map(|verdict| &verdict.object);
        let gone = before.filter(|object| !now.contains_key(object));
        for object in gone.cloned().collect::<Vec<_>>() {
            self.remove(&object);
        }
        now.into_values().for_each(|verdict| self.put(verdict));
    }

    /// Changes what was decided about Gateways and ListenerSets.
    fn edit_listening(&mut self, edit: impl Fn(&mut Verdict)) {
        for verdict in self.listening() {
            let mut edited = Verdict::clone(&verdict);
            edit(&mut edited);
            // Puts nothing in that is there.
            self.put(edited);
        }
    }

    /// The verdicts about what listens.
    fn listening(&self) -> Vec<Arc<Verdict>> {
        let gateways = self.of_kind::<Gateway>();
        let all = gateways.chain(self.of_kind::<ListenerSet>());
        all.cloned().collect()
    }

    /// The verdicts about objects of one kind.
    fn of_kind<T: Kind>(&self) -> impl Iterator<Item = &Arc<Verdict>> {
        let first = ObjectRef::new::<T>("", "");
        let is_of_kind =
            |object: &ObjectRef| object.kind == T::kind(&()) && object.group == T::group(&());
        let from = self.objects.from(move |verdict| verdict.object.cmp(&first));
        from.take_while(move |verdict| is_of_kind(&verdict.object))
    }
}

impl sorted::Entry for Arc<Verdict> {
    fn order(&self, other: &Self) -> Ordering {
        self.object.cmp(&other.object)
    }

    fn is_same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other)
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

    /// A verdict about an object of which nothing is decided but a warning.
    pub(crate) fn warning<T: Kind>(loaded: &Loaded<T>, problem: Problem) -> Self {
        Self {
            warnings: Arc::new(vec![problem]),
            ..Self::new(ObjectRef::of(&**loaded), loaded, Decision::None)
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

    /// The same, each with the verdict itself.
    fn told(&self) -> impl Iterator<Item = (&Self, Option<&Condition>, &Problem)> {
        let problems = self.problems().into_iter();
        problems.map(move |(condition, problem)| (self, condition, problem))
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
    /// Where clients find it, if that is not where it listens.
    pub published: Option<PublishedAddresses>,
    /// How many ListenerSets it has accepted.
    pub attached_listener_sets: u32,
}

/// The addresses of something that stands before a Gateway.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PublishedAddresses {
    /// Numbers.
    pub addresses: Vec<IpAddr>,
    /// Names, where a load balancer is known by those alone.
    pub hostnames: Vec<String>,
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
    /// `Accepted`, `Programmed`, `ResolvedRefs`; `Conflicted`, `OverlappingTLSConfig` and
    /// our own `CertificateExpiry` if it is so.
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
