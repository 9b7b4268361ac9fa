use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::model::ObjectName;
use k8s_openapi::api::core::v1::{LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::*;
use crate::testing::Manifests;
use crate::world::World;

fn needed(name: &str, ports: &[(u16, bool)]) -> Needed {
    let port = |(port, datagrams): &(u16, bool)| NeededPort {
        port: *port,
        datagrams: *datagrams,
    };
    Needed {
        gateway: ObjectName::new("edge", name),
        uid: Arc::from("uid"),
        class: Arc::from("gateway"),
        labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
        annotations: BTreeMap::from([("cost".to_owned(), "low".to_owned())]),
        ports: ports.iter().map(port).collect(),
        addresses: vec!["10.0.0.7".parse().unwrap()],
    }
}

fn pods() -> ObjectName {
    ObjectName::new("gateway-system", "gateway")
}

fn targets(service: &Service) -> Vec<u16> {
    published(service).ports.into_values().collect()
}

#[test]
fn objects_carry_what_the_gateway_asks_for_and_whose_they_are() {
    let all = desired(
        &[needed("web", &[(80, false)])],
        Exposure::Direct,
        &pods(),
        &World::default(),
    );

    let meta = &all[0].service.metadata;
    let labels = meta.labels.as_ref().unwrap();
    assert_eq!(labels["team"], "shop");
    assert_eq!(labels["gateway.networking.k8s.io/gateway-name"], "web");
    assert_eq!(meta.annotations.as_ref().unwrap()["cost"], "low");
    assert_eq!(meta.owner_references.as_ref().unwrap()[0].uid, "uid");
    assert_eq!(all[0].slices[0].endpoints[0].addresses, ["10.0.0.7"]);
}

#[test]
fn ports_of_two_gateways_lead_to_different_ports_of_one_pod() {
    let both = [
        needed("a", &[(80, false), (443, false)]),
        needed("b", &[(53, true), (80, false)]),
    ];
    let all = desired(&both, Exposure::Services, &pods(), &World::default());

    let mut all: Vec<_> = all.iter().flat_map(|one| targets(&one.service)).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4);
}

#[test]
fn a_port_that_is_there_stays_what_it_is() {
    let before = desired(
        &[needed("a", &[(80, false)]), needed("b", &[(80, false)])],
        Exposure::Services,
        &pods(),
        &World::default(),
    );
    let world = World::default().with(before[1].service.clone());
    let now = desired(
        &[needed("b", &[(79, false), (80, false)])],
        Exposure::Services,
        &pods(),
        &world,
    );

    let known = targets(&before[1].service)[0];
    assert_eq!(targets(&now[0].service)[1], known);
    assert_ne!(targets(&now[0].service)[0], known);
}

#[test]
fn load_balancers_lead_to_the_pods_that_are_ready() {
    let slice = "{metadata: {namespace: gateway-system, name: a, \
         labels: {kubernetes.io/service-name: gateway}}, addressType: IPv4, \
         endpoints: [{addresses: [10.0.1.2], conditions: {ready: true}}, \
                     {addresses: [10.0.1.1], conditions: {ready: true}}, \
                     {addresses: [10.0.1.3], conditions: {ready: false}}]}";
    let world = Manifests::new()
        .yaml::<EndpointSlice>(slice)
        .world()
        .clone();
    let all = desired(
        &[needed("a", &[(80, false)])],
        Exposure::Services,
        &pods(),
        &world,
    );

    let slice = &all[0].slices[0];
    let addresses: Vec<_> = slice
        .endpoints
        .iter()
        .flat_map(|one| &one.addresses)
        .collect();
    assert_eq!(addresses, ["10.0.1.1", "10.0.1.2"]);
    let target = i32::from(targets(&all[0].service)[0]);
    assert_eq!(slice.ports.as_ref().unwrap()[0].port, Some(target));
    assert_eq!(all[0].service.spec.as_ref().unwrap().selector, None);
}

#[test]
fn addresses_of_the_load_balancer_are_published() {
    let mut service = desired(
        &[needed("a", &[(80, false)])],
        Exposure::Services,
        &pods(),
        &World::default(),
    )
    .remove(0)
    .service;
    assert_eq!(published(&service).addresses.len(), 0);

    let ingress = |ip: Option<&str>, hostname: Option<&str>| LoadBalancerIngress {
        ip: ip.map(str::to_owned),
        hostname: hostname.map(str::to_owned),
        ..LoadBalancerIngress::default()
    };
    service.status = Some(ServiceStatus {
        load_balancer: Some(LoadBalancerStatus {
            ingress: Some(vec![
                ingress(Some("192.0.2.1"), None),
                ingress(None, Some("lb.example")),
            ]),
        }),
        ..ServiceStatus::default()
    });

    let published = published(&service);
    assert_eq!(
        published.addresses,
        ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(published.hostnames, ["lb.example"]);
}
