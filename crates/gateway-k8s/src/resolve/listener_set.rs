//! ListenerSets: listeners that others add to a Gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::model::ObjectName;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::annotations::Annotations;
use super::field::Field;
use super::matches::unsupported;
use super::memo::Step;
use super::selector::{self, Namespaces};
use super::traffic;
use super::view::View;
use crate::api::{AllowedListeners, Gateway, Listener, ListenerSet, ListenersFromNamespaces};
use crate::verdict::{Problem, Reason, Verdict};
use crate::world::{Loaded, ObjectRef, World};

/// A ListenerSet as it was understood. Its listeners are among the Gateway's.
#[derive(Debug, PartialEq)]
pub(super) struct SetPlan {
    pub(super) object: ObjectRef,
    pub(super) name: ObjectName,
    /// Why none of its listeners are taken.
    pub(super) refused: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl SetPlan {
    /// Whether its listeners are the Gateway's; single ones may still be refused.
    pub(super) fn is_taken(&self) -> bool {
        self.refused.is_empty()
    }
}

/// The ListenerSets of a world, by the Gateway that they name. Those of one Gateway
/// in the order of their precedence: the oldest first.
#[derive(Debug, Default)]
pub(super) struct ByGateway<'w> {
    sets: BTreeMap<ObjectName, Vec<&'w Loaded<ListenerSet>>>,
}

impl<'w> ByGateway<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let mut sets: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for loaded in world.listener_sets.iter() {
            if let Some(gateway) = gateway_of(loaded) {
                sets.entry(gateway).or_default().push(loaded);
            }
        }
        for list in sets.values_mut() {
            // The world has them by name already.
            list.sort_by_key(|loaded| super::created(&loaded.metadata));
        }

        Self { sets }
    }

    /// Those of one Gateway.
    pub(super) fn of(&self, gateway: &ObjectName) -> &[&'w Loaded<ListenerSet>] {
        self.sets.get(gateway).map_or(&[], Vec::as_slice)
    }
}

/// The Gateway that a ListenerSet names; nothing, if it names something else.
pub(super) fn gateway_of(set: &ListenerSet) -> Option<ObjectName> {
    let parent = &set.spec.parent_ref;
    let own = set.metadata.namespace.as_deref().unwrap_or_default();
    let group = parent.group.as_deref().unwrap_or(super::GATEWAY_GROUP);
    let kind = parent.kind.as_deref().unwrap_or("Gateway");

    (group == super::GATEWAY_GROUP && kind == "Gateway").then(|| {
        let namespace = parent.namespace.as_deref().unwrap_or(own);
        ObjectName::new(namespace, parent.name.as_str())
    })
}

/// What those are told whose parent is not there. Only where nobody else could have
/// it.
pub(super) fn orphans(step: Step<'_>) -> impl Iterator<Item = Verdict> {
    let world = step.now;
    let sets = world
        .listener_sets
        .iter()
        .filter(move |_| step.settings.complete);

    sets.filter_map(move |loaded| {
        let message = match gateway_of(loaded) {
            Some(name) if world.gateways.get(name.namespace(), name.name()).is_some() => {
                return None;
            }
            Some(name) => format!("there is no Gateway {name}"),
            None => "its parent is no Gateway".to_owned(),
        };
        let problem = Problem::new(Reason::NoMatchingParent, message);
        let at = Field::SPEC;
        Some(Verdict::warning(loaded, problem.at(at.name("parentRef"))))
    })
}

/// Reads a ListenerSet, apart from its listeners.
pub(super) fn plan(
    view: &View<'_>,
    gateway: &Gateway,
    gateway_is_accepted: bool,
    loaded: &Loaded<ListenerSet>,
) -> SetPlan {
    let object = ObjectRef::of(&**loaded);
    let own = gateway.metadata.namespace.as_deref().unwrap_or_default();
    let at = Field::SPEC;
    let mut refused = validity(&loaded.spec.listeners);

    if !gateway_is_accepted {
        let problem = Problem::new(Reason::ParentNotAccepted, "the Gateway is not accepted");
        refused.insert(0, problem.at(at.name("parentRef")));
    }
    if !admits(
        view,
        gateway.spec.allowed_listeners.as_ref(),
        own,
        &object.namespace,
    ) {
        let message = format!(
            "Gateway {own}/{} takes no ListenerSets of namespace {}",
            loaded.spec.parent_ref.name, object.namespace
        );
        let problem = Problem::new(Reason::NotAllowed, message).at(at.name("parentRef"));
        refused.insert(0, problem);
    }

    SetPlan {
        name: ObjectName::new(Arc::clone(&object.namespace), Arc::clone(&object.name)),
        object,
        refused,
        warnings: strays(&loaded.metadata, &loaded.spec.listeners, &[]),
    }
}

/// Annotations that mean nothing, of an object with these listeners and `others` besides.
pub(super) fn strays(meta: &ObjectMeta, listeners: &[Listener], others: &[&str]) -> Vec<Problem> {
    let known = [traffic::OF_LISTENERS, others].concat();
    Annotations::of(meta).strays(&known, |part| {
        listeners.iter().any(|listener| listener.name == part)
    })
}

/// What is wrong with `allowedListeners`, which then admits nobody.
pub(super) fn invalid_admission(written: Option<&AllowedListeners>) -> Option<Problem> {
    let at = Field::SPEC;
    let at = at.name("allowedListeners.namespaces");

    read(written).err().map(|message| unsupported(message, &at))
}

fn admits(view: &View<'_>, written: Option<&AllowedListeners>, own: &str, namespace: &str) -> bool {
    match read(written) {
        Ok(Some(namespaces)) => namespaces.admit(view, own, namespace),
        Ok(None) | Err(_) => false,
    }
}

/// Reads `allowedListeners`: nothing stands for nobody, which is the default.
fn read(written: Option<&AllowedListeners>) -> Result<Option<Namespaces>, String> {
    use ListenersFromNamespaces as From;
    let namespaces = written.and_then(|written| written.namespaces.as_ref());
    let from = namespaces.and_then(|namespaces| namespaces.from.as_ref());

    match from {
        None | Some(From::None) => Ok(None),
        Some(From::Same) => Ok(Some(Namespaces::Same)),
        Some(From::All) => Ok(Some(Namespaces::All)),
        Some(From::Selector) => {
            let selector = namespaces.and_then(|namespaces| namespaces.selector.clone());
            selector::checked(selector).map(Some)
        }
        Some(From::Unknown(other)) => Err(format!("{other:?} selects no namespaces")),
    }
}

/// What an API server would have refused.
fn validity(listeners: &[Listener]) -> Vec<Problem> {
    let at = Field::SPEC;
    let mut problems = Vec::new();

    if !(1..=64).contains(&listeners.len()) {
        let message = format!("there are {} listeners, not 1 to 64", listeners.len());
        problems.push(Problem::new(Reason::Invalid, message).at(at.name("listeners")));
    }
    for (index, listener) in listeners.iter().enumerate() {
        let mut before = listeners[..index].iter();
        if before.any(|other| other.name == listener.name) {
            let message = format!("another listener is called {:?}", listener.name);
            let at = at.item("listeners", index);
            problems.push(Problem::new(Reason::Invalid, message).at(at.name("name")));
        }
    }

    problems
}
