//! What Gateways need of the cluster, and what they got.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;

use super::gateway::GatewayPlan;
use super::listener::Behind;
use super::plans::Plans;
use super::spoken::{Spoken, Transport};
use super::view::View;
use crate::infrastructure::{Exposure, Needed, NeededPort, Published, published, service_name};
use crate::verdict::{Problem, Reason};
use crate::world::World;

/// What the Gateways that are accepted need, by name.
pub(super) fn needed(plans: &Plans, world: &World, exposure: Exposure) -> Arc<[Needed]> {
    let each = plans.iter().filter(|plan| plan.is_accepted());
    each.filter_map(|plan| one(plan, world, exposure)).collect()
}

fn one(plan: &GatewayPlan, world: &World, exposure: Exposure) -> Option<Needed> {
    let gateway = world
        .gateways
        .get(plan.name.namespace(), plan.name.name())?;
    let infrastructure = gateway.spec.infrastructure.clone().unwrap_or_default();
    let addresses = match exposure {
        Exposure::Direct => plan.addresses.clone(),
        Exposure::Services => plan.wanted.fixed.clone(),
    };
    if exposure == Exposure::Direct && addresses.is_empty() {
        // It is everywhere, so there is nowhere that a name could lead to.
        return None;
    }

    let listeners = plan.listeners.iter().filter(|one| one.is_accepted());
    let ports: BTreeSet<_> = listeners
        .filter_map(|one| Some(port(one.port, one.spoken?)))
        .collect();
    Some(Needed {
        gateway: plan.name.clone(),
        uid: gateway.metadata.uid.clone().unwrap_or_default().into(),
        class: gateway.spec.gateway_class_name.as_str().into(),
        labels: infrastructure.labels.unwrap_or_default(),
        annotations: infrastructure.annotations.unwrap_or_default(),
        ports: ports.into_iter().collect(),
        addresses,
    })
    .filter(|needed| !needed.ports.is_empty())
}

fn port(port: u16, spoken: Spoken) -> NeededPort {
    NeededPort {
        port,
        datagrams: spoken.transport() == Transport::Udp,
    }
}

/// What the Service of a Gateway says. Nothing, if there is none yet.
pub(super) fn found(view: &View<'_>, plan: &GatewayPlan) -> Option<Published> {
    let name = service_name(&plan.name, &plan.class);
    let service = view.get::<Service>(plan.name.namespace(), &name)?;
    Some(published(service))
}

/// Has a Gateway listen on the ports that its Service leads to, and be called by
/// the addresses of that.
pub(super) fn publish(plan: &mut GatewayPlan, found: Option<Published>) {
    let waits = |message| {
        let problem = Problem::new(Reason::AddressNotAssigned, message);
        problem.remedy("wait for it, or look at the events of the Service")
    };
    plan.addresses.clear();
    let Some(found) = found else {
        plan.unassigned = Some(waits("its Service is not there yet"));
        return;
    };
    if found.addresses.is_empty() && found.hostnames.is_empty() {
        plan.unreachable = Some(waits(
            "the load balancer has given its Service no address yet",
        ));
    }
    for listener in &mut plan.listeners {
        let key = listener.spoken.map(|spoken| port(listener.port, spoken));
        let behind = key.and_then(|key| found.ports.get(&key));
        listener.behind = behind.map_or(Behind::Missing, |port| Behind::Other(*port));
    }
    plan.published = Some(found);
}
