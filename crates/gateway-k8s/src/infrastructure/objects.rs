//! The objects of a Gateway, as they should be.

use std::collections::BTreeMap;
use std::net::IpAddr;

use gateway_core::model::ObjectName;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::name::{label_value, service_name};
use super::ports::{Allocation, published};
use super::{Exposure, Needed, NeededPort};
use crate::world::World;

/// The objects of one Gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// How clients find it.
    pub service: Service,
    /// Where it is, if the Service does not look for pods; one for each family of
    /// addresses.
    pub slices: Vec<EndpointSlice>,
}

/// The objects that Gateways should have.
///
/// A port behind a Service that exists stays what it is: replicas listen on it.
/// `pods` is the Service whose endpoints are the pods of this gateway, for
/// [`Exposure::Services`].
pub fn desired(
    needed: &[Needed],
    exposure: Exposure,
    pods: &ObjectName,
    world: &World,
) -> Vec<Desired> {
    let existing = |one: &Needed| {
        let name = service_name(&one.gateway, &one.class);
        world.services.get(one.gateway.namespace(), &name)
    };
    let known = needed.iter().filter_map(existing);
    let pods = endpoints(pods, world);
    let mut allocation = Allocation::new(known.map(|service| &**service));

    let each = needed.iter().map(|one| match exposure {
        Exposure::Direct => direct(one),
        Exposure::Services => {
            let known = existing(one).map(|service| published(service).ports);
            balanced(one, &pods, &known.unwrap_or_default(), &mut allocation)
        }
    });
    each.collect()
}

/// A Service without a selector, for the name, and the addresses behind it.
fn direct(needed: &Needed) -> Desired {
    let ports = needed
        .ports
        .iter()
        .map(|port| service_port(*port, port.port));
    let service = Service {
        metadata: metadata(needed, service_name(&needed.gateway, &needed.class)),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            ports: Some(ports.collect()),
            type_: Some("ClusterIP".to_owned()),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    let ports: Vec<_> = needed.ports.iter().map(|port| (*port, port.port)).collect();
    let endpoints = needed.addresses.iter().map(|address| ready(*address));

    Desired {
        service,
        slices: slices(needed, &endpoints.collect::<Vec<_>>(), &ports),
    }
}

/// The pods of this gateway that can be sent clients.
fn endpoints(pods: &ObjectName, world: &World) -> Vec<(IpAddr, Endpoint)> {
    let slices = world
        .endpoint_slices
        .owned_by(pods.namespace(), pods.name());
    let all = slices.flat_map(|slice| &slice.endpoints);
    let mut found: Vec<_> = all
        .filter(|endpoint| {
            let conditions = endpoint.conditions.as_ref();
            conditions.and_then(|conditions| conditions.ready) != Some(false)
        })
        .filter_map(|endpoint| Some(ready(endpoint.addresses.first()?.parse().ok()?)))
        .collect();
    // Slices come in any order, and what is the same should look the same.
    found.sort_by_key(|(address, _)| *address);
    found.dedup_by_key(|(address, _)| *address);
    found
}

fn ready(address: IpAddr) -> (IpAddr, Endpoint) {
    let endpoint = Endpoint {
        addresses: vec![address.to_string()],
        conditions: Some(EndpointConditions {
            ready: Some(true),
            ..EndpointConditions::default()
        }),
        ..Endpoint::default()
    };
    (address, endpoint)
}

/// One for each family of addresses, with each port and where it leads to.
fn slices(
    needed: &Needed,
    endpoints: &[(IpAddr, Endpoint)],
    ports: &[(NeededPort, u16)],
) -> Vec<EndpointSlice> {
    let of_family = |family: &str, is_four: bool| {
        let endpoints = endpoints
            .iter()
            .filter(|(address, _)| address.is_ipv4() == is_four);
        let endpoints: Vec<_> = endpoints
            .take(MAX_ENDPOINTS)
            .map(|(_, one)| one.clone())
            .collect();
        (!endpoints.is_empty()).then(|| slice(needed, family, endpoints, ports))
    };

    [of_family("ipv4", true), of_family("ipv6", false)]
        .into_iter()
        .flatten()
        .collect()
}

fn slice(
    needed: &Needed,
    family: &str,
    endpoints: Vec<Endpoint>,
    ports: &[(NeededPort, u16)],
) -> EndpointSlice {
    let service = service_name(&needed.gateway, &needed.class);
    let mut metadata = metadata(needed, format!("{service}-{family}"));
    let labels = metadata.labels.get_or_insert_default();
    labels.insert("kubernetes.io/service-name".to_owned(), service);
    labels.insert(
        "endpointslice.kubernetes.io/managed-by".to_owned(),
        MANAGER.to_owned(),
    );
    let port = |(port, target): &(NeededPort, u16)| EndpointPort {
        name: Some(port.name()),
        port: Some(i32::from(*target)),
        protocol: Some(port.protocol().to_owned()),
        ..EndpointPort::default()
    };

    EndpointSlice {
        metadata,
        address_type: if family == "ipv4" { "IPv4" } else { "IPv6" }.to_owned(),
        endpoints,
        ports: Some(ports.iter().map(port).collect()),
    }
}

/// A Service with a load balancer before the pods of this gateway. It selects none:
/// they may be in another namespace.
fn balanced(
    needed: &Needed,
    pods: &[(IpAddr, Endpoint)],
    known: &BTreeMap<NeededPort, u16>,
    allocation: &mut Allocation,
) -> Desired {
    let ports = needed.ports.iter().filter_map(|port| {
        let target = known.get(port).copied().or_else(|| allocation.take())?;
        Some((*port, target))
    });
    let ports: Vec<_> = ports.collect();
    let of_service = ports
        .iter()
        .map(|(port, target)| service_port(*port, *target));
    let mut wanted = needed.addresses.iter().map(IpAddr::to_string);
    let spec = ServiceSpec {
        ports: Some(of_service.collect()),
        type_: Some("LoadBalancer".to_owned()),
        // Load balancers give one address that is asked for; others have to be
        // routed here already.
        load_balancer_ip: wanted.next(),
        external_ips: Some(wanted.collect()).filter(|others: &Vec<_>| !others.is_empty()),
        ..ServiceSpec::default()
    };

    Desired {
        service: Service {
            metadata: metadata(needed, service_name(&needed.gateway, &needed.class)),
            spec: Some(spec),
            status: None,
        },
        slices: slices(needed, pods, &ports),
    }
}

fn service_port(port: NeededPort, target: u16) -> ServicePort {
    ServicePort {
        name: Some(port.name()),
        port: i32::from(port.port),
        protocol: Some(port.protocol().to_owned()),
        target_port: Some(IntOrString::Int(i32::from(target))),
        ..ServicePort::default()
    }
}

/// Labels and annotations that the Gateway asks for, and those that tell whose it
/// is. It is removed with its Gateway.
fn metadata(needed: &Needed, name: String) -> ObjectMeta {
    let own = [
        (GATEWAY_NAME, label_value(needed.gateway.name())),
        (CLASS_NAME, label_value(&needed.class)),
        (MANAGED_BY, MANAGER.to_owned()),
    ];
    let mut labels = needed.labels.clone();
    labels.extend(own.map(|(key, value)| (key.to_owned(), value)));
    let owner = OwnerReference {
        api_version: "gateway.networking.k8s.io/v1".to_owned(),
        kind: "Gateway".to_owned(),
        name: needed.gateway.name().to_owned(),
        uid: needed.uid.to_string(),
        controller: Some(true),
        block_owner_deletion: None,
    };

    ObjectMeta {
        name: Some(name),
        namespace: Some(needed.gateway.namespace().to_owned()),
        labels: Some(labels),
        annotations: Some(needed.annotations.clone()).filter(|all| !all.is_empty()),
        owner_references: Some(vec![owner]),
        ..ObjectMeta::default()
    }
}

/// An EndpointSlice holds no more.
const MAX_ENDPOINTS: usize = 1000;
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
const CLASS_NAME: &str = "gateway.networking.k8s.io/gateway-class-name";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Who manages, and under which name fields are applied.
pub(super) const MANAGER: &str = "gateway-rs.dev";
