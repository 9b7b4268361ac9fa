//! What routes ask to be attached to.

use gateway_core::model::ObjectName;

use super::field::Field;
use super::gateway::GatewayPlan;
use super::view::View;
use super::{GATEWAY_GROUP, Settings, listener_set};
use crate::api::{Gateway, ListenerSet, ParentReference};
use crate::verdict::{Problem, Reason};

/// What a parentRef names.
pub(super) enum Named {
    Gateway(ObjectName),
    ListenerSet {
        set: ObjectName,
        gateway: ObjectName,
    },
    /// A ListenerSet that is not there, or that names no Gateway.
    Missing(String),
    Other,
}

impl Named {
    pub(super) fn read(view: &View<'_>, parent: &ParentReference, own: &str) -> Self {
        let group = parent.group.as_deref().unwrap_or(GATEWAY_GROUP);
        let namespace = parent.namespace.as_deref().unwrap_or(own);
        let name = ObjectName::new(namespace, parent.name.as_str());

        match (group, parent.kind.as_deref().unwrap_or("Gateway")) {
            (GATEWAY_GROUP, "Gateway") => Self::Gateway(name),
            (GATEWAY_GROUP, "ListenerSet") => {
                let set = view.get::<ListenerSet>(name.namespace(), name.name());
                match set.map(|set| listener_set::gateway_of(set)) {
                    Some(Some(gateway)) => Self::ListenerSet { set: name, gateway },
                    Some(None) => Self::Missing(format!("ListenerSet {name} names no Gateway")),
                    None => Self::Missing(format!("there is no ListenerSet {name}")),
                }
            }
            _ => Self::Other,
        }
    }
}

/// The place of a ListenerSet among those of its Gateway.
pub(super) fn set_of(
    plan: &GatewayPlan,
    set: Option<&ObjectName>,
    at: &Field<'_>,
) -> Result<Option<usize>, Problem> {
    let Some(name) = set else {
        return Ok(None);
    };
    let place = plan.sets.iter().position(|one| one.name == *name);

    match place.filter(|place| plan.sets[*place].is_taken()) {
        Some(place) => Ok(Some(place)),
        None => {
            let message = format!(
                "ListenerSet {name} is not accepted by Gateway {}",
                plan.name
            );
            let problem = Problem::new(Reason::NoMatchingParent, message).at(at);
            Err(problem.remedy("see what the ListenerSet is told"))
        }
    }
}

/// A Gateway that is not ours may be another controller's, and in a cluster it may
/// also still be made.
pub(super) fn missing(
    view: &View<'_>,
    settings: &Settings,
    name: &ObjectName,
    at: &Field<'_>,
) -> Option<Problem> {
    let there = view.get::<Gateway>(name.namespace(), name.name()).is_some();
    let message = format!("there is no Gateway {name}");
    let problem = Problem::new(Reason::NoMatchingParent, message).at(at);

    (settings.complete && !there).then_some(problem)
}

/// Group and kind are compared with what is written in the status, so the
/// defaults have to be there.
pub(super) fn written_out(parent: &ParentReference) -> ParentReference {
    ParentReference {
        group: Some(GATEWAY_GROUP.to_owned()),
        kind: Some(parent.kind.clone().unwrap_or_else(|| "Gateway".to_owned())),
        ..parent.clone()
    }
}
