//! From EndpointSlices to addresses.

use std::net::SocketAddr;

use gateway_core::model::Endpoints;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{EndpointConditions, EndpointSlice};

use crate::resolve::Settings;
use crate::testing::{Manifests, Outcome};

fn cart() -> Manifests {
    Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).from_all())
        .bare_service("shop/cart", 8080, None)
        .http_route("shop/cart", |route| {
            route.parent("edge/web").backend("shop/cart", 8080)
        })
}

fn addresses(outcome: &Outcome) -> Vec<String> {
    let backend = outcome.backend("shop/cart", 8080).expect("a backend");
    let Endpoints::Static(endpoints) = backend.endpoints() else {
        panic!("{backend:?}");
    };
    endpoints
        .iter()
        .map(|one| SocketAddr::to_string(&one.address()))
        .collect()
}

fn state(ready: bool, serving: bool, terminating: bool) -> EndpointConditions {
    EndpointConditions {
        ready: Some(ready),
        serving: Some(serving),
        terminating: Some(terminating),
    }
}

#[test]
fn httproute_service_types() {
    let headless = |service: &mut Service| {
        let spec = service.spec.get_or_insert_default();
        spec.cluster_ip = Some("None".to_owned());
    };
    let plain = cart().slice(
        "shop/cart",
        "a",
        vec![("10.0.0.1", state(true, true, false))],
    );
    let expected = ["10.0.0.1:3000"];

    assert_eq!(addresses(&plain.resolve()), expected);
    assert_eq!(
        addresses(&plain.edit("shop/cart", headless).resolve()),
        expected
    );
}

#[test]
fn slices_are_put_together_and_each_address_counts_once() {
    let ready = || state(true, true, false);
    let outcome = cart()
        .slice(
            "shop/cart",
            "a",
            vec![("10.0.0.2", ready()), ("10.0.0.1", ready())],
        )
        .slice(
            "shop/cart",
            "b",
            vec![("10.0.0.2", ready()), ("fd00::1", ready())],
        )
        .resolve();

    assert_eq!(
        addresses(&outcome),
        ["10.0.0.1:3000", "10.0.0.2:3000", "[fd00::1]:3000"]
    );
}

#[test]
fn who_terminates_serves_only_if_nobody_is_ready() {
    let leaving = vec![
        ("10.0.0.1", state(false, true, true)),
        ("10.0.0.2", state(false, false, true)),
        ("10.0.0.3", state(false, false, false)),
    ];
    let alone = cart().slice("shop/cart", "a", leaving);
    let beside = alone.clone().slice(
        "shop/cart",
        "b",
        vec![("10.0.0.9", state(true, true, false))],
    );

    assert_eq!(addresses(&alone.resolve()), ["10.0.0.1:3000"]);
    assert_eq!(addresses(&beside.resolve()), ["10.0.0.9:3000"]);
}

#[test]
fn a_service_without_endpoints_is_an_empty_backend() {
    let outcome = cart().resolve();

    assert!(addresses(&outcome).is_empty());
    outcome
        .route("shop/cart")
        .accepts(crate::verdict::ConditionType::ResolvedRefs);
}

#[test]
fn the_port_of_a_slice_is_found_by_name() {
    let outcome = cart()
        .slice(
            "shop/cart",
            "a",
            vec![("10.0.0.1", state(true, true, false))],
        )
        .edit::<Service>("shop/cart", |service| {
            let ports = service.spec.as_mut().and_then(|spec| spec.ports.as_mut());
            ports.unwrap()[0].name = Some("web".to_owned());
        })
        .edit::<EndpointSlice>("shop/cart-a", |slice| {
            let ports = slice.ports.as_mut().unwrap();
            let mut other = ports[0].clone();
            ports[0].name = Some("admin".to_owned());
            other.name = Some("web".to_owned());
            other.port = Some(4000);
            ports.push(other);
        })
        .resolve();

    assert_eq!(addresses(&outcome), ["10.0.0.1:4000"]);
}

#[test]
fn endpoints_on_this_machine_are_refused_in_a_cluster_only() {
    let odd = [
        "127.0.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "::ffff:127.0.0.1",
    ];
    let endpoints = odd
        .iter()
        .map(|address| (*address, state(true, true, false)));
    let world = cart().slice("shop/cart", "a", endpoints.collect());

    assert_eq!(addresses(&world.resolve()).len(), 5);

    let outcome = world.settings(Settings::cluster()).resolve();
    assert!(addresses(&outcome).is_empty());
    assert_eq!(outcome.warnings::<Service>("shop/cart").len(), 5);
}

#[test]
fn what_is_no_address_is_left_out_and_told() {
    let ready = || state(true, true, false);
    let texts = [
        "cart.example.com",
        "0.0.0.0",
        "::ffff:0.0.0.0",
        "224.0.0.1",
        "",
        "10.0.0.1",
    ];
    let endpoints = texts.iter().map(|text| (*text, ready()));
    let outcome = cart()
        .slice("shop/cart", "a", endpoints.collect())
        .resolve();

    assert_eq!(addresses(&outcome), ["10.0.0.1:3000"]);
    assert_eq!(outcome.warnings::<Service>("shop/cart").len(), 5);
}
