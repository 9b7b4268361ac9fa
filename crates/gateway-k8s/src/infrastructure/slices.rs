//! EndpointSlices: where clients are led to.

use std::net::IpAddr;

use gateway_core::model::ObjectName;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};

use super::metadata::{self, MANAGER, SLICES_MANAGED_BY, metadata};
use super::{Needed, NeededPort};
use crate::world::World;

/// The endpoints of a Service that can be sent clients, by address.
pub(super) fn endpoints(service: &ObjectName, world: &World) -> Vec<(IpAddr, Endpoint)> {
    let slices = world
        .endpoint_slices
        .owned_by(service.namespace(), service.name());
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

/// An endpoint that can be sent clients.
pub(super) fn ready(address: IpAddr) -> (IpAddr, Endpoint) {
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
pub(super) fn slices(
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
    let service = metadata::name(needed);
    let mut metadata = metadata(needed, format!("{service}-{family}"));
    let labels = metadata.labels.get_or_insert_default();
    labels.insert("kubernetes.io/service-name".to_owned(), service);
    labels.insert(SLICES_MANAGED_BY.to_owned(), MANAGER.to_owned());
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

/// An EndpointSlice holds no more.
const MAX_ENDPOINTS: usize = 1000;
