//! What Gateways need of the cluster, and what they got.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateway_core::model::ObjectName;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::gateway::GatewayPlan;
use super::listener::Behind;
use super::plans::Plans;
use super::pods;
use super::spoken::{Spoken, Transport};
use super::view::View;
use crate::api::Gateway;
use crate::infrastructure::{
    Exposure, Needed, NeededPort, Pods, Published, foreign, is_owned, published, service_name,
};
use crate::verdict::{Problem, Reason};
use crate::world::{ObjectRef, World};

/// What Gateways need. Those that are not accepted, have no port, or have lost their class,
/// keep what they have.
pub(super) fn needed(plans: &Plans, world: &World, exposure: Exposure) -> Arc<[Needed]> {
    let lost = world.gateways.iter().filter(|gateway| {
        let class = &*gateway.spec.gateway_class_name;
        world.gateway_classes.get("", class).is_none()
    });
    let planned = plans.iter();
    planned
        .filter_map(|plan| one(plan, world, exposure))
        .chain(lost.map(|gateway| held(gateway)))
        .collect()
}

/// A Gateway that needs nothing new.
fn held(gateway: &Gateway) -> Needed {
    let ObjectRef {
        namespace, name, ..
    } = ObjectRef::of(gateway);
    Needed {
        gateway: ObjectName::new(namespace, name),
        uid: gateway.metadata.uid.clone().unwrap_or_default().into(),
        class: gateway.spec.gateway_class_name.as_str().into(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        ports: Vec::new(),
        addresses: Vec::new(),
        pods: Pods::default(),
        is_held: true,
    }
}

fn one(plan: &GatewayPlan, world: &World, exposure: Exposure) -> Option<Needed> {
    let gateway = world
        .gateways
        .get(plan.name.namespace(), plan.name.name())?;
    let held = held(gateway);
    if !plan.is_accepted() {
        return Some(held);
    }
    let infrastructure = gateway.spec.infrastructure.clone().unwrap_or_default();
    let addresses = match exposure {
        Exposure::Direct => plan.addresses.clone(),
        Exposure::Services | Exposure::Dedicated => plan.wanted.fixed.clone(),
    };
    if exposure == Exposure::Direct && addresses.is_empty() {
        // It is everywhere, so there is nowhere that a name could lead to.
        return None;
    }

    let listeners = plan.listeners.iter().filter(|one| one.is_accepted());
    let ports: BTreeSet<_> = listeners
        .filter_map(|one| Some(port(one.port, one.spoken?)))
        .collect();
    if ports.is_empty() {
        return Some(held);
    }
    Some(Needed {
        labels: infrastructure.labels.unwrap_or_default(),
        annotations: infrastructure.annotations.unwrap_or_default(),
        ports: ports.into_iter().collect(),
        addresses,
        pods: pods::read(&gateway.metadata).0,
        is_held: false,
        ..held
    })
}

fn port(port: u16, spoken: Spoken) -> NeededPort {
    NeededPort {
        port,
        datagrams: spoken.transport() == Transport::Udp,
    }
}

/// What there is for a Gateway behind a load balancer.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing yet.
    Nothing,
    /// A Service of that name, of somebody else.
    Foreign,
    /// Its Service.
    Service(Published),
}

/// What the Service of a Gateway says.
pub(super) fn found(view: &View<'_>, plan: &GatewayPlan, gateway: &Gateway) -> Found {
    let name = service_name(&plan.name, &plan.class);
    let Some(service) = view.get::<Service>(plan.name.namespace(), &name) else {
        return Found::Nothing;
    };
    let uid = gateway.metadata.uid.as_deref().unwrap_or_default();
    if is_owned(&service.metadata, uid) {
        Found::Service(published(service))
    } else {
        Found::Foreign
    }
}

/// Has a Gateway listen on the ports that its Service leads to, and be called by
/// the addresses of that.
pub(super) fn publish(plan: &mut GatewayPlan, found: Found) {
    plan.addresses.clear();
    let found = match found {
        Found::Nothing => {
            plan.unassigned = Some(waits("its Service is not there yet"));
            return;
        }
        Found::Foreign => {
            let name = service_name(&plan.name, &plan.class);
            plan.unassigned = Some(foreign("Service", plan.name.namespace(), &name));
            return;
        }
        Found::Service(found) => found,
    };
    plan.unreachable = unreachable(plan, &found);
    for listener in &mut plan.listeners {
        let key = listener.spoken.map(|spoken| port(listener.port, spoken));
        let behind = key.and_then(|key| found.ports.get(&key));
        listener.behind = behind.map_or(Behind::Missing, |port| Behind::Other(*port));
    }
    plan.published = Some(found);
}

/// Lets nobody listen where clients of an older Gateway come: until its Service leads
/// elsewhere, they could not be told apart.
pub(super) fn tell_apart(plans: &mut [GatewayPlan]) {
    let mut taken: BTreeMap<u16, ObjectName> = BTreeMap::new();
    for plan in plans {
        for listener in &mut plan.listeners {
            if let Behind::Other(port) = listener.behind {
                let owner = taken.entry(port).or_insert_with(|| plan.name.clone());
                if *owner != plan.name {
                    listener.behind = Behind::Missing;
                }
            }
        }
    }
}

/// Why clients cannot come to the load balancer, as they should.
fn unreachable(plan: &GatewayPlan, found: &Published) -> Option<Problem> {
    if found.addresses.is_empty() && found.hostnames.is_empty() {
        return Some(waits(
            "the load balancer has given its Service no address yet",
        ));
    }
    let mut wanted = plan.wanted.fixed.iter();
    let missing = wanted.find(|address| !found.addresses.contains(address))?;
    let message = format!("the load balancer has not given its Service the address {missing}");
    let problem = Problem::new(Reason::AddressNotUsable, message);
    Some(problem.remedy("name an address that it can give, or none"))
}

/// Says of a Gateway with pods of its own that none of them is there yet.
pub(super) fn await_pods(view: &View<'_>, plan: &mut GatewayPlan) {
    let name = service_name(&plan.name, &plan.class);
    let slices = view.owned_by::<EndpointSlice>(plan.name.namespace(), &name);
    let mut endpoints = slices.iter().flat_map(|slice| &slice.endpoints);
    let is_ready = endpoints.any(|endpoint| {
        let conditions = endpoint.conditions.as_ref();
        conditions.and_then(|conditions| conditions.ready) != Some(false)
    });
    if plan.unassigned.is_none() && !is_ready {
        let message = format!("no pod of its Deployment {name} is ready yet");
        let problem = Problem::new(Reason::Pending, message);
        plan.unreachable = Some(problem.remedy("wait for it, or look at the events of its pods"));
    }
}

fn waits(message: &str) -> Problem {
    let problem = Problem::new(Reason::AddressNotAssigned, message);
    problem.remedy("wait for it, or look at the events of the Service")
}
