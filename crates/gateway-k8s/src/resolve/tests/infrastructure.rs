//! Gateways behind the load balancers of Services.

use k8s_openapi::api::core::v1::Service;

use crate::infrastructure::Exposure;
use crate::resolve::Settings;
use crate::testing::Manifests;
use crate::verdict::ConditionStatus::False;
use crate::verdict::ConditionType::Programmed;
use crate::verdict::Reason;

fn manifests() -> Manifests {
    Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).http(8080))
        .settings(Settings::cluster().with_exposure(Exposure::Services))
}

fn service(status: &str) -> String {
    format!(
        "{{metadata: {{namespace: edge, name: web-gateway-rs}}, \
         spec: {{type: LoadBalancer, ports: [{{port: 80, targetPort: 10007}}]}}, \
         status: {{loadBalancer: {{{status}}}}}}}"
    )
}

#[test]
fn without_its_service_a_gateway_has_no_address() {
    let outcome = manifests().resolve();

    outcome
        .gateway("edge/web")
        .says(Programmed, False, Reason::AddressNotAssigned);
    assert!(outcome.model("edge/web").is_none());
}

#[test]
fn listeners_are_where_the_service_leads_to() {
    let ingress = "ingress: [{ip: 192.0.2.7}, {hostname: lb.example}]";
    let outcome = manifests().yaml::<Service>(&service(ingress)).resolve();

    let model = outcome.model("edge/web").unwrap();
    assert_eq!(model.addresses(), []);
    let ports: Vec<_> = model
        .listeners()
        .iter()
        .map(|one| (one.port(), one.bound_port()))
        .collect();
    assert_eq!(ports, [(80, 10007)]);
    let published = outcome
        .gateway("edge/web")
        .verdict
        .published
        .clone()
        .unwrap();
    assert_eq!(
        published.addresses,
        ["192.0.2.7".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(published.hostnames, ["lb.example"]);
    outcome
        .gateway("edge/web")
        .listener("http-8080")
        .says(Programmed, False, Reason::Pending);
}

#[test]
fn a_gateway_is_served_while_its_load_balancer_is_made() {
    let outcome = manifests().yaml::<Service>(&service("")).resolve();

    outcome
        .gateway("edge/web")
        .says(Programmed, False, Reason::AddressNotAssigned);
    assert!(outcome.model("edge/web").is_some());
}
