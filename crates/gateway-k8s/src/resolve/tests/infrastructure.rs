//! Gateways behind the load balancers of Services.

use gateway_core::model::ObjectName;
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::api::{BackendTlsPolicy, Gateway, GatewayClass, HttpRoute, ReferenceGrant, XBackend};
use crate::infrastructure::{Cpu, Exposure, Memory, Pods};
use crate::resolve::{Serving, Settings};
use crate::testing::{AUTHORITY, Manifests, SHOP};
use crate::verdict::ConditionStatus::{False, True};
use crate::verdict::ConditionType::{Accepted, Programmed, ResolvedRefs};
use crate::verdict::Reason;

fn manifests() -> Manifests {
    exposed(Exposure::Services, Serving::Everything)
}

fn exposed(exposure: Exposure, serving: Serving) -> Manifests {
    let settings = Settings::cluster().with_exposure(exposure);
    Manifests::new()
        .yaml::<Gateway>(&gateway(""))
        .settings(settings.with_serving(serving))
}

fn gateway(more: &str) -> String {
    format!(
        "{{metadata: {{namespace: edge, name: web, uid: its-uid, generation: 1}}, \
         spec: {{gatewayClassName: gateway-rs, {more} listeners: [\
         {{name: http-80, protocol: HTTP, port: 80}}, \
         {{name: http-8080, protocol: HTTP, port: 8080}}]}}}}"
    )
}

fn service(status: &str) -> String {
    owned(
        "[{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, name: web, uid: its-uid}]",
        status,
    )
}

fn owned(owners: &str, status: &str) -> String {
    format!(
        "{{metadata: {{namespace: edge, name: web-gateway-rs, ownerReferences: {owners}}}, \
         spec: {{type: LoadBalancer, ports: [{{port: 80, targetPort: 10007}}]}}, \
         status: {{loadBalancer: {{{status}}}}}}}"
    )
}

fn slice(ready: bool) -> String {
    format!(
        "{{metadata: {{namespace: edge, name: some, \
         labels: {{kubernetes.io/service-name: web-gateway-rs}}}}, addressType: IPv4, \
         endpoints: [{{addresses: [10.0.1.1], conditions: {{ready: {ready}}}}}]}}"
    )
}

#[test]
fn a_gateway_that_cannot_be_served_now_keeps_what_it_has() {
    let is_held = |manifests: Manifests| {
        let needed = manifests.resolve().resolved.needed.clone();
        needed.iter().map(|one| one.is_held).collect::<Vec<_>>()
    };
    let refused = manifests().edit::<Gateway>("edge/web", |gateway| {
        let infrastructure = gateway.spec.infrastructure.get_or_insert_default();
        infrastructure.parameters_ref = Some(Default::default());
    });
    let unheard = manifests().edit::<Gateway>("edge/web", |gateway| {
        for listener in &mut gateway.spec.listeners {
            listener.protocol = "unknown.example/protocol".to_owned();
        }
    });
    let another = manifests().edit::<GatewayClass>("gateway-rs", |class| {
        class.spec.controller_name = "another.example/controller".to_owned();
    });

    assert_eq!(is_held(manifests()), [false]);
    assert_eq!(is_held(refused), [true]);
    assert_eq!(is_held(unheard), [true]);
    assert_eq!(
        is_held(manifests().without::<GatewayClass>("gateway-rs")),
        [true]
    );
    assert_eq!(is_held(another), [false; 0]);
    assert_eq!(
        is_held(manifests().without::<Gateway>("edge/web")),
        [false; 0]
    );
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
    assert!(model.addresses().is_empty());
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

#[test]
fn a_service_of_somebody_else_is_not_the_gateways_and_its_status_says_so() {
    let ingress = "ingress: [{ip: 192.0.2.7}]";
    let of_another = "[{apiVersion: v1, kind: Gateway, name: web, uid: another}]";
    for owners in ["[]", of_another] {
        let manifests = manifests().yaml::<Service>(&owned(owners, ingress));
        let outcome = manifests.resolve();

        let gateway = outcome.gateway("edge/web");
        gateway.says(Programmed, False, Reason::NoResources);
        let mut told = gateway.verdict.conditions.iter();
        let told = told.find(|one| one.kind() == Programmed).unwrap().advice();
        assert!(
            told.contains("edge/web-gateway-rs is not this Gateway's"),
            "{told}"
        );
        assert!(told.contains("remove it"), "{told}");
        assert_eq!(gateway.verdict.published, None);
        assert!(outcome.model("edge/web").is_none());
    }
}

#[test]
fn where_clients_of_one_gateway_come_no_other_listens() {
    let ingress = "ingress: [{ip: 192.0.2.7}]";
    let other = |text: String| {
        let text = text.replace("its-uid", "other-uid");
        text.replace("name: web", "name: xyz")
    };
    let outcome = manifests()
        .yaml::<Service>(&service(ingress))
        .yaml::<Gateway>(&other(gateway("")))
        .yaml::<Service>(&other(service(ingress)))
        .resolve();

    assert!(outcome.model("edge/web").is_some());
    assert!(outcome.model("edge/xyz").is_none());
    let listener = outcome.gateway("edge/xyz").listener("http-80");
    listener.says(Programmed, False, Reason::Pending);
}

#[test]
fn an_address_that_the_load_balancer_does_not_give_cannot_be_used() {
    let outcome = |address: &str| {
        let addresses = format!("addresses: [{{type: IPAddress, value: {address}}}],");
        let outcome = manifests()
            .yaml::<Gateway>(&gateway(&addresses))
            .yaml::<Service>(&service("ingress: [{ip: 192.0.2.7}]"))
            .resolve();
        let gateway = outcome.gateway("edge/web");
        let mut conditions = gateway.verdict.conditions.iter();
        conditions
            .find(|one| one.kind() == Programmed)
            .unwrap()
            .reason()
    };

    assert_eq!(outcome("192.0.2.9"), Reason::AddressNotUsable);
    assert_eq!(outcome("192.0.2.7"), Reason::Pending);
}

#[test]
fn a_dedicated_gateway_waits_for_its_pods_and_is_served_by_them_alone() {
    let ingress = "ingress: [{ip: 192.0.2.7}]";
    let resolve = |serving: Serving, ready: bool| {
        exposed(Exposure::Dedicated, serving)
            .yaml::<Service>(&service(ingress))
            .yaml::<EndpointSlice>(&slice(ready))
            .resolve()
    };

    let outcome = resolve(Serving::Nothing, false);
    outcome
        .gateway("edge/web")
        .says(Programmed, False, Reason::Pending);
    assert!(outcome.model("edge/web").is_none());
    let mut outcome = resolve(Serving::Nothing, true);
    outcome.resolved.verdicts.programmed(&[]);
    outcome
        .gateway("edge/web")
        .says(Programmed, True, Reason::Programmed);
    assert!(outcome.model("edge/web").is_none());

    let pods = Serving::Only(ObjectName::new("edge", "web"));
    let model = resolve(pods, false).model("edge/web").cloned().unwrap();
    assert_eq!(model.listeners()[0].bound_port(), 10007);
    let others = Serving::Only(ObjectName::new("edge", "other"));
    assert!(resolve(others, true).model("edge/web").is_none());
}

#[test]
fn a_dedicated_gateway_has_no_certificates_of_other_namespaces() {
    let secret = format!(
        "{{metadata: {{namespace: safe, name: shop}}, type: kubernetes.io/tls, \
         stringData: {{tls.crt: {:?}, tls.key: {:?}}}}}",
        SHOP.certificate, SHOP.key
    );
    let grant = "{metadata: {namespace: safe, name: all}, spec: {\
        from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}], \
        to: [{group: \"\", kind: Secret}]}}";
    let https = "{metadata: {namespace: edge, name: web, uid: its-uid, generation: 1}, \
        spec: {gatewayClassName: gateway-rs, listeners: [{name: https, protocol: HTTPS, \
        port: 80, tls: {certificateRefs: [{name: shop, namespace: safe}]}}]}}";
    for (exposure, expected) in [(Exposure::Services, True), (Exposure::Dedicated, False)] {
        let outcome = exposed(exposure, Serving::Everything)
            .yaml::<Gateway>(https)
            .yaml::<Service>(&service("ingress: [{ip: 192.0.2.7}]"))
            .yaml::<Secret>(&secret)
            .yaml::<ReferenceGrant>(grant)
            .resolve();

        let reason = match expected {
            False => Reason::RefNotPermitted,
            _ => Reason::ResolvedRefs,
        };
        let gateway = outcome.gateway("edge/web");
        gateway
            .listener("https")
            .says(ResolvedRefs, expected, reason);
        assert_eq!(outcome.model("edge/web").is_some(), expected == True);
    }
}

fn authority(namespace: &str) -> String {
    format!(
        "{{metadata: {{namespace: {namespace}, name: ca}}, type: kubernetes.io/tls, \
         stringData: {{ca.crt: {AUTHORITY:?}}}}}"
    )
}

#[test]
fn a_dedicated_gateway_has_no_authorities_of_other_namespaces_to_ask_clients_for() {
    let grant = "{metadata: {namespace: safe, name: all}, spec: {\
        from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}], \
        to: [{group: \"\", kind: Secret}]}}";
    let https = "{metadata: {namespace: edge, name: web, uid: its-uid, generation: 1}, \
        spec: {gatewayClassName: gateway-rs, tls: {frontend: {default: {validation: {\
        caCertificateRefs: [{group: '', kind: Secret, name: ca, namespace: safe}]}}}}, \
        listeners: [{name: https, protocol: HTTPS, port: 80, \
        tls: {certificateRefs: [{name: shop}]}}]}}";
    for exposure in [Exposure::Services, Exposure::Dedicated] {
        let outcome = exposed(exposure, Serving::Everything)
            .yaml::<Gateway>(https)
            .yaml::<Service>(&service("ingress: [{ip: 192.0.2.7}]"))
            .tls_secret("edge/shop", SHOP)
            .yaml::<Secret>(&authority("safe"))
            .yaml::<ReferenceGrant>(grant)
            .resolve();

        let gateway = outcome.gateway("edge/web");
        let listener = gateway.listener("https");
        if exposure == Exposure::Dedicated {
            listener.says(ResolvedRefs, False, Reason::RefNotPermitted);
            assert!(listener.message(ResolvedRefs).contains("outside of edge"));
        } else {
            listener.says(ResolvedRefs, True, Reason::ResolvedRefs);
        }
        // Nobody is let in unasked.
        let is_served = outcome.model("edge/web").is_some();
        assert_eq!(is_served, exposure == Exposure::Services);
    }
}

#[test]
fn backends_of_dedicated_gateways_are_told_which_secrets_are_not_read_and_config_maps_are() {
    let policy = |kind: &str, namespace: &str| {
        format!(
            "{{metadata: {{namespace: {namespace}, name: tls}}, spec: {{targetRefs: [{{group: '', \
             kind: Service, name: cart}}], validation: {{hostname: cart.internal, \
             caCertificateRefs: [{{group: '', kind: {kind}, name: ca}}]}}}}}}"
        )
    };
    let backend = |kind: &str| {
        format!(
            "{{type: ExternalHostname, externalHostname: {{hostname: api.example.com}}, \
             port: {{number: 443}}, tls: {{mode: ServerOnly, validation: {{\
             hostname: api.example.com, \
             caCertificateRefs: [{{group: '', kind: {kind}, name: ca}}]}}}}}}"
        )
    };
    let told = |exposure: Exposure, kind: &str, namespace: &str| {
        let outcome = exposed(exposure, Serving::Nothing)
            .gateway("edge/web", |gateway| gateway.http(80).from_all())
            .yaml::<Service>(&service("ingress: [{ip: 192.0.2.7}]"))
            .yaml::<Service>(&format!(
                "{{metadata: {{namespace: {namespace}, name: cart}}, \
                 spec: {{ports: [{{name: one, port: 443}}]}}}}"
            ))
            .yaml::<Secret>(&authority(namespace))
            .config_map(&format!("{namespace}/ca"), "ca.crt", AUTHORITY)
            .yaml::<BackendTlsPolicy>(&policy(kind, namespace))
            .x_backend(&format!("{namespace}/api"), &backend(kind))
            .http_route(&format!("{namespace}/cart"), |route| {
                let service = format!("{namespace}/cart");
                route.parent("edge/web").backend(&service, 443)
            })
            .yaml::<HttpRoute>(&format!(
                "{{metadata: {{namespace: {namespace}, name: api, generation: 1}}, \
                 spec: {{parentRefs: [{{name: web, namespace: edge}}], rules: [{{backendRefs: [\
                 {{group: gateway.networking.x-k8s.io, kind: XBackend, name: api}}]}}]}}}}"
            ))
            .resolve();
        let policy = outcome.route_of::<BackendTlsPolicy>(&format!("{namespace}/tls"));
        let backend = outcome.route_of::<XBackend>(&format!("{namespace}/api"));
        [policy.message(ResolvedRefs), backend.message(Accepted)]
    };

    for told in told(Exposure::Dedicated, "Secret", "shop") {
        assert!(told.contains("outside of edge"), "{told}");
    }
    for (exposure, kind, namespace) in [
        (Exposure::Dedicated, "Secret", "edge"),
        (Exposure::Dedicated, "ConfigMap", "shop"),
        (Exposure::Services, "Secret", "shop"),
    ] {
        let told = told(exposure, kind, namespace);
        let expected = ["every reference was found", "the backend is used"];
        assert_eq!(told, expected, "{exposure:?} {kind}");
    }
}

#[test]
fn a_gateway_says_how_many_pods_it_wants_and_how_big_and_what_means_nothing_is_told() {
    let with = |exposure: Exposure, annotations: &[(&str, &str)]| {
        let manifests = exposed(exposure, Serving::Nothing);
        annotations
            .iter()
            .fold(manifests, |manifests, (key, value)| {
                manifests.annotate::<Gateway>("edge/web", key, value)
            })
    };
    let good = [
        ("gateway-rs.dev/replicas", "3"),
        ("gateway-rs.dev/cpu-request", "2"),
        ("gateway-rs.dev/memory-limit", "1Gi"),
    ];
    let outcome = with(Exposure::Dedicated, &good).resolve();
    let pods = outcome.resolved.needed[0].pods;
    assert_eq!(pods.replicas, Some(3));
    let share = (pods.cpu.request, pods.memory.limit);
    assert_eq!(share, (Cpu::parse("2").ok(), Memory::parse("1Gi").ok()));
    assert!(outcome.warnings::<Gateway>("edge/web").is_empty());

    let bad = [
        ("gateway-rs.dev/replicas", "0"),
        ("gateway-rs.dev/memory-request", "1 GB"),
        ("http-80.gateway-rs.dev/cpu-limit", "2"),
    ];
    let outcome = with(Exposure::Dedicated, &bad).resolve();
    assert_eq!(outcome.resolved.needed[0].pods, Pods::default());
    assert_eq!(outcome.warnings::<Gateway>("edge/web").len(), 3);

    let outcome = with(Exposure::Services, &good).resolve();
    assert_eq!(outcome.warnings::<Gateway>("edge/web").len(), 3);
    let outcome = with(Exposure::Direct, &good).resolve();
    assert!(outcome.warnings::<Gateway>("edge/web").is_empty());
}
