//! The objects of a Gateway, as they should be.

use std::collections::BTreeMap;
use std::net::IpAddr;

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
/// `pods` selects the pods of this gateway, for [`Exposure::Services`].
pub fn desired(
    needed: &[Needed],
    exposure: Exposure,
    pods: &BTreeMap<String, String>,
    world: &World,
) -> Vec<Desired> {
    let existing = |one: &Needed| {
        let name = service_name(&one.gateway, &one.class);
        world.services.get(one.gateway.namespace(), &name)
    };
    let known = needed.iter().filter_map(existing);
    let mut allocation = Allocation::new(known.map(|service| &**service));

    let each = needed.iter().map(|one| match exposure {
        Exposure::Direct => direct(one),
        Exposure::Services => {
            let known = existing(one).map(|service| published(service).ports);
            balanced(one, pods, &known.unwrap_or_default(), &mut allocation)
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
    let (four, six): (Vec<_>, Vec<_>) = needed.addresses.iter().partition(|one| one.is_ipv4());
    let slices = [("ipv4", four), ("ipv6", six)].into_iter();
    let slices = slices.filter(|(_, addresses)| !addresses.is_empty());

    Desired {
        service,
        slices: slices
            .map(|(family, addresses)| slice(needed, family, &addresses))
            .collect(),
    }
}

fn slice(needed: &Needed, family: &str, addresses: &[IpAddr]) -> EndpointSlice {
    let service = service_name(&needed.gateway, &needed.class);
    let mut metadata = metadata(needed, format!("{service}-{family}"));
    let labels = metadata.labels.get_or_insert_default();
    labels.insert("kubernetes.io/service-name".to_owned(), service);
    labels.insert(
        "endpointslice.kubernetes.io/managed-by".to_owned(),
        MANAGER.to_owned(),
    );
    let endpoint = |address: &IpAddr| Endpoint {
        addresses: vec![address.to_string()],
        conditions: Some(EndpointConditions {
            ready: Some(true),
            ..EndpointConditions::default()
        }),
        ..Endpoint::default()
    };
    let port = |port: &NeededPort| EndpointPort {
        name: Some(port.name()),
        port: Some(i32::from(port.port)),
        protocol: Some(port.protocol().to_owned()),
        ..EndpointPort::default()
    };

    EndpointSlice {
        metadata,
        address_type: if family == "ipv4" { "IPv4" } else { "IPv6" }.to_owned(),
        endpoints: addresses.iter().map(endpoint).collect(),
        ports: Some(needed.ports.iter().map(port).collect()),
    }
}

/// A Service with a load balancer before the pods of this gateway.
fn balanced(
    needed: &Needed,
    pods: &BTreeMap<String, String>,
    known: &BTreeMap<NeededPort, u16>,
    allocation: &mut Allocation,
) -> Desired {
    let ports = needed.ports.iter().filter_map(|port| {
        let target = known.get(port).copied().or_else(|| allocation.take())?;
        Some(service_port(*port, target))
    });
    let ports = ports.collect();
    let mut wanted = needed.addresses.iter().map(IpAddr::to_string);
    let spec = ServiceSpec {
        ports: Some(ports),
        selector: Some(pods.clone()),
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
        slices: Vec::new(),
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

const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
const CLASS_NAME: &str = "gateway.networking.k8s.io/gateway-class-name";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Who manages, and under which name fields are applied.
pub(super) const MANAGER: &str = "gateway-rs.dev";
