//! What users are told.

use serde_json::{Value, json};

use crate::cluster::{Cluster, root};
use crate::patience::{PATIENCE, secs, throughout, within};
use crate::replica::Replica;
use crate::scene::{Scene, condition, is_so};

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn the_shop_of_the_front_page_is_served_and_told_so() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "shop");
    let replica = Replica::of(&scene);
    let shop = root().join("examples/kubernetes/shop.yaml");
    let shop = shop.display().to_string();

    cluster.kubectl(&[
        "apply",
        "--namespace",
        &scene.namespace,
        "--filename",
        &shop,
    ]);

    let address = scene.address("edge");
    assert!(address.starts_with(&scene.addresses()), "{address}");
    scene.served(&format!("http://{address}/shop"), &scene.namespace);
    assert_eq!(scene.fetch(&format!("http://{address}/")).status, 404);

    let gateway = scene.get("Gateway", "edge").expect("is there");
    for condition in ["Accepted", "Programmed", "ResolvedRefs"] {
        let listener = &gateway["status"]["listeners"][0];
        assert!(is_so(&gateway, &gateway["status"], condition, "True"));
        assert!(is_so(&gateway, listener, condition, "True"), "{listener}");
    }
    within(PATIENCE, "the route is counted", || {
        let gateway = scene.get("Gateway", "edge")?;
        (gateway["status"]["listeners"][0]["attachedRoutes"] == 1).then_some(())
    });
    let route = scene.get("HTTPRoute", "shop").expect("is there");
    for condition in ["Accepted", "ResolvedRefs"] {
        let parent = &route["status"]["parents"][0];
        assert!(is_so(&route, parent, condition, "True"), "{parent}");
    }
    assert_eq!(replica.metric("gateway_config_problems", "error"), 0.0);
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_broken_route_says_field_and_remedy_wherever_it_is_looked_at() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "broken");
    let _replica = Replica::of(&scene);
    scene.gateway("edge");
    scene.route("shop", "edge", "missing");

    let message = within(PATIENCE, "the route's condition", || {
        let route = scene.get("HTTPRoute", "shop")?;
        let found = condition(&route, &route["status"]["parents"][0], "ResolvedRefs")?;
        assert_eq!(found["status"], "False");
        assert_eq!(found["reason"], "BackendNotFound");
        Some(found["message"].as_str()?.to_owned())
    });
    assert!(
        message.contains("spec.rules[0].backendRefs[0]"),
        "{message}"
    );
    let remedies = ["create", "correct"];
    assert!(
        remedies.iter().any(|one| message.contains(one)),
        "{message}"
    );

    let event = within(PATIENCE, "the route's Event", || {
        let mut events = scene.list("Event").into_iter();
        events.find(|event| event["regarding"]["name"] == "shop")
    });
    assert_eq!(event["type"], "Warning");
    let note = event["note"].as_str().unwrap_or_default();
    assert!(note.contains("spec.rules[0].backendRefs[0]"), "{note}");

    let described = cluster.kubectl(&[
        "describe",
        "httproute",
        "shop",
        "--namespace",
        &scene.namespace,
    ]);
    let place = "spec.rules[0].backendRefs[0]";
    assert!(described.matches(place).count() >= 2, "{described}");

    let expected = scene.backend("missing");
    let address = scene.address("edge");
    scene.served(&format!("http://{address}/shop"), &expected);
    within(PATIENCE, "the route is well", || {
        let route = scene.get("HTTPRoute", "shop")?;
        is_so(
            &route,
            &route["status"]["parents"][0],
            "ResolvedRefs",
            "True",
        )
        .then_some(())
    });
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn what_another_controller_wrote_is_kept() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "others");
    let _replica = Replica::of(&scene);
    scene.gateway("edge");
    scene.backend("echo");
    scene.route("shop", "edge", "echo");
    scene.accepted("HTTPRoute", "shop");
    let foreign = json!({
        "parentRef": {"name": "another"},
        "controllerName": "example.com/another",
        "conditions": [{
            "type": "Accepted", "status": "True", "reason": "Accepted", "message": "mine",
            "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z",
        }],
    });
    let route = scene.get("HTTPRoute", "shop").expect("is there");
    let mut parents = route["status"]["parents"].clone();
    parents
        .as_array_mut()
        .expect("is a list")
        .push(foreign.clone());
    let told = json!({"status": {"parents": parents}});
    cluster.api().merge(&route, "/status", &told);

    // Now it has something to write: the backend is gone.
    scene.route("shop", "edge", "missing");

    let parents = within(PATIENCE, "a status of the new generation", || {
        let route = scene.get("HTTPRoute", "shop")?;
        let parents = route["status"]["parents"].as_array()?.clone();
        let own = |one: &Value| is_so(&route, one, "ResolvedRefs", "False");
        parents.iter().any(own).then_some(parents)
    });
    assert_eq!(parents.len(), 2);
    assert!(
        parents
            .iter()
            .any(|one| one["conditions"] == foreign["conditions"]
                && one["controllerName"] == foreign["controllerName"]),
        "{parents:#?}"
    );
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn an_idle_cluster_gets_no_writes() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "idle");
    let replica = Replica::of(&scene);
    scene.gateway("edge");
    scene.backend("echo");
    for number in 0..10 {
        scene.route(&format!("route-{number}"), "edge", "echo");
    }
    within(PATIENCE, "all routes are counted", || {
        let gateway = scene.get("Gateway", "edge")?;
        (gateway["status"]["listeners"][0]["attachedRoutes"] == 10).then_some(())
    });
    for number in 0..10 {
        scene.accepted("HTTPRoute", &format!("route-{number}"));
    }
    within(PATIENCE, "the Gateway has its Service", || {
        scene.get("EndpointSlice", "edge-gateway-ipv4")
    });

    let kinds = ["Gateway", "HTTPRoute", "Service", "EndpointSlice", "Event"];
    let versions = || -> Vec<_> {
        let objects = kinds.iter().flat_map(|kind| scene.list(kind));
        objects
            .map(|object| {
                let metadata = &object["metadata"];
                (
                    metadata["name"].clone(),
                    metadata["resourceVersion"].clone(),
                )
            })
            .collect()
    };
    let before = versions();
    let is_idle = || versions() == before;
    // The count lags a little behind.
    throughout(secs(5), "nothing is written", is_idle);
    let writes = replica.writes();
    throughout(secs(12), "nothing is written", is_idle);
    assert_eq!(replica.writes(), writes);
    assert!(writes > 10.0, "{writes}: the routes and the Gateway");
    assert_eq!(replica.metric("gateway_status_writes_total", "failed"), 0.0);
    assert!(before.iter().any(|(name, _)| *name == "edge"));
}
