//! The objects of all Gateways, as they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use gateway_core::model::ObjectName;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::blueprint::Blueprint;
use super::metadata::{self, metadata, owner_uids, selector};
use super::object::{Desired, Key, Made, Objects, Seen, add};
use super::ports::{Allocation, published};
use super::slices::{endpoints, ready, slices};
use super::{Exposure, Needed, NeededPort, deployment, permissions};
use crate::world::World;

/// The objects that Gateways should have.
///
/// A port behind a Service that exists stays what it is: replicas listen on it. Of
/// `world`, the endpoints of the gateway's own pods are looked at.
pub fn desired(needed: &[Needed], blueprint: &Blueprint, seen: &Seen, world: &World) -> Objects {
    let mut objects = Objects::new();
    for one in needed.iter().filter(|one| one.is_held) {
        keep(&mut objects, one, blueprint.exposure, seen);
    }
    let made = || needed.iter().filter(|one| !one.is_held);
    match blueprint.exposure {
        Exposure::Direct => made().for_each(|one| direct(&mut objects, one)),
        Exposure::Services => {
            let known = ports_of_all(needed, seen);
            let mut allocation = Allocation::new(known.iter());
            let pods = endpoints(&blueprint.pods, world);
            let made = needed.iter().zip(&known).filter(|(one, _)| !one.is_held);
            for (one, known) in made {
                let ports = allocation.allocate(&one.ports, known);
                add(
                    &mut objects,
                    Made::Service,
                    owner(one),
                    &balanced(one, &ports),
                );
                for slice in slices(one, &pods, &ports) {
                    add(&mut objects, Made::EndpointSlice, owner(one), &slice);
                }
            }
        }
        Exposure::Dedicated => {
            for one in made() {
                let known = ports_of(one, seen);
                let ports = Allocation::new([&known].into_iter()).allocate(&one.ports, &known);
                let service = selecting(balanced(one, &ports), one);
                add(&mut objects, Made::Service, owner(one), &service);
                deployment::add_to(&mut objects, one, &blueprint.dedicated);
            }
            permissions::add_to(&mut objects, needed);
        }
    }
    objects
}

/// What a Gateway has already, as it is.
fn keep(objects: &mut Objects, needed: &Needed, exposure: Exposure, seen: &Seen) {
    let own = seen.iter().filter(|(key, object)| {
        // Of what Gateways share, each is a part that wants it.
        let is_own = key.kind != Made::RoleBinding && key.kind.is_made(exposure);
        is_own && owner_uids(object).contains(&*needed.uid)
    });
    for (key, object) in own {
        objects.entry(key.clone()).or_insert_with(|| Desired {
            gateways: owner(needed),
            object: object.clone(),
        });
    }
}

/// A Service without a selector, for the name, and the addresses behind it.
fn direct(objects: &mut Objects, needed: &Needed) {
    let ports: Vec<_> = needed.ports.iter().map(|port| (*port, port.port)).collect();
    let service = Service {
        metadata: metadata(needed, metadata::name(needed)),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            ports: Some(ports.iter().map(service_port).collect()),
            type_: Some("ClusterIP".to_owned()),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    let endpoints = needed.addresses.iter().map(|address| ready(*address));
    let endpoints: Vec<_> = endpoints.collect();

    add(objects, Made::Service, owner(needed), &service);
    for slice in slices(needed, &endpoints, &ports) {
        add(objects, Made::EndpointSlice, owner(needed), &slice);
    }
}

/// A Service with a load balancer before the pods of this gateway. It selects none:
/// they may be in another namespace.
fn balanced(needed: &Needed, ports: &[(NeededPort, u16)]) -> Service {
    let mut wanted = needed.addresses.iter().map(IpAddr::to_string);
    let spec = ServiceSpec {
        ports: Some(ports.iter().map(service_port).collect()),
        type_: Some("LoadBalancer".to_owned()),
        // Load balancers give one address that is asked for; others have to be
        // routed here already.
        load_balancer_ip: wanted.next(),
        external_ips: Some(wanted.collect()).filter(|others: &Vec<_>| !others.is_empty()),
        ..ServiceSpec::default()
    };

    Service {
        metadata: metadata(needed, metadata::name(needed)),
        spec: Some(spec),
        status: None,
    }
}

/// The same before the Gateway's own pods.
fn selecting(mut service: Service, needed: &Needed) -> Service {
    if let Some(spec) = &mut service.spec {
        spec.selector = Some(selector(needed).collect());
    }
    service
}

/// Which ports the Services of Gateways lead to that share pods: of two that lead to
/// the same, as those of dedicated Gateways do, the first keeps it.
fn ports_of_all(needed: &[Needed], seen: &Seen) -> Vec<BTreeMap<NeededPort, u16>> {
    let mut taken = BTreeSet::new();
    let each = needed.iter().map(|one| {
        let mut ports = ports_of(one, seen);
        ports.retain(|_, target| taken.insert(*target));
        ports
    });
    each.collect()
}

/// Which ports the Service of a Gateway leads to, if it has one.
fn ports_of(needed: &Needed, seen: &Seen) -> BTreeMap<NeededPort, u16> {
    let key = Key {
        kind: Made::Service,
        namespace: needed.gateway.namespace().to_owned(),
        name: metadata::name(needed),
    };
    let service = seen.get(&key).filter(|service| is_balanced(service));
    let service = service.and_then(|service| serde_json::from_value(service.clone()).ok());

    service.map_or_else(BTreeMap::new, |service: Service| published(&service).ports)
}

fn is_balanced(service: &Value) -> bool {
    service["spec"]["type"] == "LoadBalancer"
}

fn service_port((port, target): &(NeededPort, u16)) -> ServicePort {
    ServicePort {
        name: Some(port.name()),
        port: i32::from(port.port),
        protocol: Some(port.protocol().to_owned()),
        target_port: Some(IntOrString::Int(i32::from(*target))),
        ..ServicePort::default()
    }
}

fn owner(needed: &Needed) -> Vec<ObjectName> {
    vec![needed.gateway.clone()]
}
