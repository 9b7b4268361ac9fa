use std::collections::BTreeMap;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use proptest::prelude::*;

use super::{Kind, ObjectRef, World};
use crate::api::{GatewayClass, HttpRoute};

fn route(namespace: &str, name: &str) -> HttpRoute {
    let mut route = HttpRoute::default();
    route.metadata.namespace = Some(namespace.to_owned());
    route.metadata.name = Some(name.to_owned());
    route
}

fn slice(name: &str, service: &str) -> EndpointSlice {
    let mut slice = EndpointSlice::default();
    slice.metadata.namespace = Some("shop".to_owned());
    slice.metadata.name = Some(name.to_owned());
    slice.metadata.labels = Some(BTreeMap::from([(
        "kubernetes.io/service-name".to_owned(),
        service.to_owned(),
    )]));
    slice
}

fn names<'a, T: Kind>(objects: impl Iterator<Item = &'a super::Loaded<T>>) -> Vec<String> {
    objects
        .map(|object| ObjectRef::of(&**object).to_string())
        .collect()
}

#[test]
fn objects_come_out_by_namespace_and_name() {
    let world = World::default()
        .with(route("shop", "b"))
        .with(route("edge", "z"))
        .with(route("shop", "a"));

    let all = names(world.http_routes.iter());

    assert_eq!(
        all,
        ["HTTPRoute edge/z", "HTTPRoute shop/a", "HTTPRoute shop/b"]
    );
    assert_eq!(
        names(world.http_routes.in_namespace("edge")),
        ["HTTPRoute edge/z"]
    );
}

#[test]
fn cluster_scoped_kinds_have_an_empty_namespace() {
    let mut class = GatewayClass::default();
    class.metadata.name = Some("ours".to_owned());

    let world = World::default().with(class);

    let found = world.gateway_classes.get("", "ours").expect("was put in");
    assert_eq!(ObjectRef::of(&**found).to_string(), "GatewayClass ours");
}

#[test]
fn slices_are_found_by_their_service() {
    let mut world = World::default()
        .with(slice("web-1", "web"))
        .with(slice("web-2", "web"))
        .with(slice("api-1", "api"));

    world.insert(slice("web-2", "api"));
    world.remove::<EndpointSlice>("shop", "api-1");

    let of = |service| names(world.endpoint_slices.owned_by("shop", service));
    assert_eq!(of("web"), ["EndpointSlice shop/web-1"]);
    assert_eq!(of("api"), ["EndpointSlice shop/web-2"]);
}

#[test]
fn a_clone_does_not_see_later_changes() {
    let mut world = World::default()
        .with(route("shop", "a"))
        .with(route("edge", "a"));
    let before = world.clone();

    world.insert(route("shop", "b"));

    assert_eq!(before.http_routes.len(), 2);
    assert_eq!(world.http_routes.len(), 3);
    let (old, new) = (&before.http_routes, &world.http_routes);
    assert!(!old.same(new));
    let untouched = |objects: &super::Objects<HttpRoute>| {
        objects.get("edge", "a").cloned().expect("is in both")
    };
    assert!(untouched(old).same(&untouched(new)));
}

#[test]
fn removing_what_is_not_there_changes_nothing() {
    let mut world = World::default().with(route("shop", "a"));
    let before = world.clone();

    assert!(world.remove::<HttpRoute>("shop", "b").is_none());

    assert!(before.http_routes.same(&world.http_routes));
}

proptest! {
    /// What is in a world depends on the last word about each name, and on
    /// nothing else; the index by Service says the same as a scan.
    #[test]
    fn the_last_word_counts(steps in prop::collection::vec((0..4u8, 0..3u8, any::<bool>()), 0..40)) {
        let mut world = World::default();
        let mut expected = BTreeMap::new();

        for (name, service, put) in steps {
            let (name, service) = (name.to_string(), service.to_string());
            if put {
                world.insert(slice(&name, &service));
                expected.insert(name, service);
            } else {
                world.remove::<EndpointSlice>("shop", &name);
                expected.remove(&name);
            }
        }

        let slices = &world.endpoint_slices;
        prop_assert_eq!(slices.len(), expected.len());
        prop_assert_eq!(slices.is_empty(), expected.is_empty());
        for (name, service) in &expected {
            let owned = slices.owned_by("shop", service);
            prop_assert_eq!(owned.filter(|s| s.metadata.name.as_ref() == Some(name)).count(), 1);
        }
        let owned: usize = (0..3).map(|s: u8| slices.owned_by("shop", &s.to_string()).count()).sum();
        prop_assert_eq!(owned, expected.len());
    }
}
