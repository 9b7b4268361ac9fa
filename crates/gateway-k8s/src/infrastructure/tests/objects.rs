use k8s_openapi::api::core::v1::{LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::{Value, json};

use super::*;
use crate::testing::Manifests;

/// The objects of one kind, as the API has them.
fn of_kind(objects: &Objects, kind: Made) -> Vec<Value> {
    let meant = objects.iter().filter(|(key, _)| key.kind == kind);
    meant.map(|(_, one)| one.object.clone()).collect()
}

fn services(objects: &Objects) -> Vec<Service> {
    let all = of_kind(objects, Made::Service).into_iter();
    all.map(|one| serde_json::from_value(one).unwrap())
        .collect()
}

fn slices(objects: &Objects) -> Vec<EndpointSlice> {
    let all = of_kind(objects, Made::EndpointSlice).into_iter();
    all.map(|one| serde_json::from_value(one).unwrap())
        .collect()
}

fn targets(service: &Service) -> Vec<u16> {
    published(service).ports.into_values().collect()
}

/// What there should be where there is nothing yet.
fn objects(needed: &[Needed], exposure: Exposure) -> Objects {
    desired(
        needed,
        &blueprint(exposure),
        &Seen::new(),
        &World::default(),
    )
}

#[test]
fn objects_carry_what_the_gateway_asks_for_and_whose_they_are() {
    let all = objects(&[needed("web", &[(80, false)])], Exposure::Direct);

    let service = &services(&all)[0];
    let meta = &service.metadata;
    let labels = meta.labels.as_ref().unwrap();
    assert_eq!(labels["team"], "shop");
    assert_eq!(labels["gateway.networking.k8s.io/gateway-name"], "web");
    assert_eq!(meta.annotations.as_ref().unwrap()["cost"], "low");
    assert_eq!(meta.owner_references.as_ref().unwrap()[0].uid, "uid of web");
    assert_eq!(slices(&all)[0].endpoints[0].addresses, ["10.0.0.7"]);
}

#[test]
fn ports_of_two_gateways_lead_to_different_ports_of_one_pod() {
    let both = [
        needed("a", &[(80, false), (443, false)]),
        needed("b", &[(53, true), (80, false)]),
    ];
    let all = objects(&both, Exposure::Services);

    let mut all: Vec<_> = services(&all).iter().flat_map(targets).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4);
}

#[test]
fn a_port_that_is_there_stays_what_it_is() {
    let both = [needed("a", &[(80, false)]), needed("b", &[(80, false)])];
    for exposure in [Exposure::Services, Exposure::Dedicated] {
        let before = objects(&both, exposure);
        let b = needed("b", &[(79, false), (80, false)]);
        let now = desired(
            &[b],
            &blueprint(exposure),
            &seen(&before),
            &World::default(),
        );

        let known = targets(&services(&before)[1])[0];
        let now = targets(&services(&now)[0]);
        assert_eq!(now[1], known);
        assert_ne!(now[0], known);
    }
}

#[test]
fn a_gateway_that_is_held_keeps_what_it_has_and_gets_nothing_new() {
    for exposure in [Exposure::Direct, Exposure::Services, Exposure::Dedicated] {
        let mut all = [needed("a", &[(80, false)]), needed("b", &[(80, false)])];
        let before = objects(&all, exposure);
        let mut there = seen(&before);
        all[0].is_held = true;
        all[0].ports.clear();

        let kept = desired(&all, &blueprint(exposure), &there, &World::default());
        assert_eq!(kept, before, "{exposure:?}");

        // Nor does another get its ports.
        let more = [all[0].clone(), all[1].clone(), needed("c", &[(80, false)])];
        let more = desired(&more, &blueprint(exposure), &there, &World::default());
        let mut ports: Vec<_> = services(&more).iter().flat_map(targets).collect();
        ports.sort_unstable();
        ports.dedup();
        assert!(exposure != Exposure::Services || ports.len() == 3);

        there.clear();
        let new = desired(&all[..1], &blueprint(exposure), &there, &World::default());
        assert!(new.is_empty(), "{exposure:?}: {new:?}");
    }
}

#[test]
fn a_dedicated_gateway_has_pods_that_its_service_selects() {
    let all = objects(&[needed("web", &[(80, false)])], Exposure::Dedicated);

    let deployment = &of_kind(&all, Made::Deployment)[0];
    let account = &of_kind(&all, Made::ServiceAccount)[0];
    let template = &deployment["spec"]["template"];
    let selector = services(&all)[0].spec.as_ref().unwrap().selector.clone();
    for (key, value) in selector.unwrap() {
        assert_eq!(template["metadata"]["labels"][&key], value);
    }
    for meta in [
        &deployment["metadata"],
        &template["metadata"],
        &account["metadata"],
    ] {
        assert_eq!(meta["labels"]["team"], "shop");
        assert_eq!(meta["annotations"]["cost"], "low");
    }
    assert_eq!(
        template["spec"]["serviceAccountName"],
        account["metadata"]["name"]
    );
    let container = &template["spec"]["containers"][0];
    let arguments = json!(["run", "--kubernetes", "--gateway", "edge/web"]);
    assert_eq!(container["args"], arguments);
    assert_eq!(container["image"], "example.com/gateway:7");
    assert_eq!(container["imagePullPolicy"], "IfNotPresent");
    assert!(
        container["env"]
            .as_array()
            .unwrap()
            .contains(&json!({"name": "A", "value": "b"}))
    );
    assert_eq!(slices(&all), []);
}

#[test]
fn a_dedicated_gateway_has_as_many_pods_and_as_big_as_it_asks_for() {
    let resources = |pods: Pods| {
        let web = Needed {
            pods,
            ..needed("web", &[(80, false)])
        };
        let all = objects(&[web], Exposure::Dedicated);
        let deployment = of_kind(&all, Made::Deployment).remove(0);
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        (
            deployment["spec"]["replicas"].clone(),
            container["resources"].clone(),
        )
    };
    let (replicas, default) = resources(Pods::default());
    assert_eq!(replicas, 2);
    let expected = json!({
        "requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"},
    });
    assert_eq!(default, expected);

    let asked = Pods {
        replicas: Some(5),
        cpu: Share {
            request: None,
            limit: Cpu::parse("50m").ok(),
        },
        memory: Share {
            request: Memory::parse("2Gi").ok(),
            limit: None,
        },
    };
    let (replicas, asked) = resources(asked);
    assert_eq!(replicas, 5);
    let expected = json!({
        "requests": {"cpu": "50m", "memory": "2Gi"}, "limits": {"cpu": "50m", "memory": "2Gi"},
    });
    assert_eq!(asked, expected);
}

#[test]
fn pods_of_a_dedicated_gateway_are_taken_away_one_after_the_other() {
    let all = objects(&[needed("web", &[(80, false)])], Exposure::Dedicated);

    let budget = &of_kind(&all, Made::PodDisruptionBudget)[0];
    let deployment = &of_kind(&all, Made::Deployment)[0];
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
    assert_eq!(budget["spec"]["selector"], deployment["spec"]["selector"]);
    let owner = &budget["metadata"]["ownerReferences"][0];
    assert_eq!(owner["uid"], "uid of web");
}

/// What is said once in `deploy/` and once here says the same.
#[test]
fn pods_of_a_dedicated_gateway_are_those_of_the_shipped_deployment() {
    let all = objects(&[needed("web", &[(80, false)])], Exposure::Dedicated);
    let made = &of_kind(&all, Made::Deployment)[0]["spec"]["template"]["spec"];
    let shipped = &shipped(include_str!("../../../../../deploy/deployment.yaml"))["spec"];
    let shipped = &shipped["template"]["spec"];

    assert_eq!(made["securityContext"], shipped["securityContext"]);
    assert_eq!(made["volumes"], shipped["volumes"]);
    let (made, shipped) = (&made["containers"][0], &shipped["containers"][0]);
    for field in [
        "securityContext",
        "livenessProbe",
        "readinessProbe",
        "resources",
        "volumeMounts",
    ] {
        assert_eq!(made[field], shipped[field], "{field}");
    }
}

/// The kernel starts no program whose file asks for what it could never have.
#[test]
fn containers_may_have_what_the_file_of_the_program_asks_for() {
    let image = include_str!("../../../../../deploy/Dockerfile");
    assert!(image.contains("setcap cap_net_bind_service=+ep"));
    for manifest in [
        include_str!("../../../../../deploy/deployment.yaml"),
        include_str!("../../../../../deploy/daemonset.yaml"),
    ] {
        let pod = &shipped(manifest)["spec"]["template"]["spec"];
        let capabilities = &pod["containers"][0]["securityContext"]["capabilities"];
        let expected = json!({"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]});
        assert_eq!(*capabilities, expected);
    }
}

/// The first object of a manifest.
fn shipped(manifest: &str) -> Value {
    let first = manifest.split("\n---\n").next().unwrap();
    serde_saphyr::from_str(first).unwrap()
}

#[test]
fn pods_read_the_secrets_of_their_namespace_alone() {
    let all = objects(
        &[needed("a", &[(80, false)]), needed("b", &[(80, false)])],
        Exposure::Dedicated,
    );

    let bindings = of_kind(&all, Made::RoleBinding);
    let [binding] = &*bindings else {
        panic!("{bindings:?}");
    };
    let named = |list: &Value| -> Vec<Value> {
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["name"].clone()).collect()
    };
    assert_eq!(named(&binding["metadata"]["ownerReferences"]), ["a", "b"]);
    assert_eq!(named(&binding["subjects"]), ["a-gateway", "b-gateway"]);
    assert_eq!(binding["metadata"]["namespace"], "edge");
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
        &blueprint(Exposure::Services),
        &Seen::new(),
        &world,
    );

    let (service, slice) = (&services(&all)[0], &slices(&all)[0]);
    let addresses: Vec<_> = slice
        .endpoints
        .iter()
        .flat_map(|one| &one.addresses)
        .collect();
    assert_eq!(addresses, ["10.0.1.1", "10.0.1.2"]);
    let target = i32::from(targets(service)[0]);
    assert_eq!(slice.ports.as_ref().unwrap()[0].port, Some(target));
    assert_eq!(service.spec.as_ref().unwrap().selector, None);
}

#[test]
fn addresses_of_the_load_balancer_are_published() {
    let all = objects(&[needed("a", &[(80, false)])], Exposure::Services);
    let mut service = services(&all).remove(0);
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
