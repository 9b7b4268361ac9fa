//! What holds for all worlds.

use std::sync::Arc;

use proptest::prelude::*;

use crate::api::{
    BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, ReferenceGrant,
    TcpRoute, TlsRoute, UdpRoute, XBackend,
};
use crate::resolve::{Resolver, Settings, resolve};
use crate::testing::{AUTHORITY, GatewayText, Manifests, RouteText, SHOP, WILD};
use crate::world::World;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

/// One change of a world.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Gateway(u8, u8),
    Route(u8, u8, u8, u8),
    Service(u8, u8, Vec<u8>),
    Grant(u8, u8),
    Namespace(u8, bool),
    Remove(u8, u8),
    Class(bool),
    XBackend(bool),
    ListenerSet(u8, u8),
    Stream(u8, u8, u8),
    Secret(u8),
    Policy(u8, u8, u8),
    Authority(bool),
}

pub(super) fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0..3u8, 0..6u8).prop_map(|(name, kind)| Edit::Gateway(name, kind)),
        (0..4u8, 0..3u8, 0..5u8, 0..5u8).prop_map(|(a, b, c, d)| Edit::Route(a, b, c, d)),
        (0..4u8, 0..3u8, prop::collection::vec(0..4u8, 0..3))
            .prop_map(|(name, kind, ends)| Edit::Service(name, kind, ends)),
        (0..2u8, 0..2u8).prop_map(|(from, to)| Edit::Grant(from, to)),
        (0..2u8, any::<bool>()).prop_map(|(name, labelled)| Edit::Namespace(name, labelled)),
        (0..12u8, 0..4u8).prop_map(|(kind, name)| Edit::Remove(kind, name)),
        prop::bool::weighted(0.8).prop_map(Edit::Class),
        any::<bool>().prop_map(Edit::XBackend),
        (0..2u8, 0..3u8).prop_map(|(name, kind)| Edit::ListenerSet(name, kind)),
        (0..4u8, 0..3u8, 0..4u8).prop_map(|(kind, parent, name)| Edit::Stream(kind, parent, name)),
        (0..3u8).prop_map(Edit::Secret),
        (0..3u8, 0..4u8, 0..3u8).prop_map(|(a, b, c)| Edit::Policy(a, b, c)),
        any::<bool>().prop_map(Edit::Authority),
    ]
}

fn namespace(name: u8) -> &'static str {
    ["a", "b"][usize::from(name % 2)]
}

pub(super) fn apply(manifests: Manifests, edit: &Edit) -> Manifests {
    match edit {
        Edit::Gateway(name, kind) => manifests.gateway(&format!("a/g{name}"), |text| gateway(text, *kind)),
        Edit::Route(name, parent, kind, backend) => {
            let own = namespace(*name);
            manifests.http_route(&format!("{own}/r{name}"), |text| {
                route(text, own, *parent, *kind, *backend)
            })
        }
        Edit::Service(name, kind, ends) => {
            let service = format!("{}/s{name}", namespace(*name));
            let protocol = [None, Some("kubernetes.io/h2c"), Some("mysql")][usize::from(*kind)];
            let ends: Vec<_> = ends.iter().map(|end| format!("10.0.0.{end}")).collect();
            let ready = |end: &String| -> (String, _) { (end.clone(), Default::default()) };
            let ends: Vec<_> = ends.iter().map(ready).collect();
            let ends = ends.iter().map(|(end, state)| (end.as_str(), Clone::clone(state)));
            manifests.bare_service(&service, 80, protocol).slice(&service, "1", ends.collect())
        }
        Edit::Grant(from, to) => {
            let grant = format!("{}/grant", namespace(*to));
            manifests.grant(&grant, ("HTTPRoute", namespace(*from)), ("Service", None))
        }
        Edit::Namespace(name, labelled) => {
            let labels: &[_] = if *labelled { &[("team", "x")] } else { &[] };
            manifests.namespace(namespace(*name), labels)
        }
        Edit::Remove(kind, name) => remove(manifests, *kind, *name),
        Edit::Class(there) if *there => manifests.yaml::<GatewayClass>(
            "{metadata: {name: gateway-rs}, spec: {controllerName: gateway-rs.dev/gateway-controller}}",
        ),
        Edit::XBackend(good) => {
            let kind = if *good { "ExternalHostname" } else { "EndpointSelector" };
            manifests.x_backend("a/x", &format!(
                "{{type: {kind}, externalHostname: {{hostname: a.com}}, port: {{number: 1}}}}"
            ))
        }
        Edit::ListenerSet(name, kind) => {
            let (parent, listeners) = [
                ("a/g0", "[{name: web, port: 90, protocol: HTTP}]"),
                ("a/g1", "[{name: t, port: 80, protocol: TCP}, {name: web, port: 80, protocol: HTTP}]"),
                ("a/g2", "[{name: s, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}]"),
            ][usize::from(*kind)];
            manifests.listener_set(&format!("{}/set{name}", namespace(*name)), parent, listeners)
        }
        Edit::Stream(kind, parent, name) => stream(manifests, *kind, *parent, *name),
        Edit::Secret(kind) => match kind {
            0 => manifests.tls_secret("a/c", SHOP),
            1 => manifests.tls_secret("a/c", WILD),
            _ => manifests.secret("a/c", "damaged", "damaged"),
        },
        Edit::Policy(name, target, kind) => {
            let validation = [
                "hostname: a.test, wellKnownCACertificates: System",
                "hostname: a.test, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]",
                "hostname: '*', wellKnownCACertificates: System",
            ][usize::from(*kind)];
            let own = namespace(*target);
            manifests.yaml::<BackendTlsPolicy>(&format!(
                "{{metadata: {{namespace: {own}, name: p{name}}}, spec: {{targetRefs: [{{group: '', \
                 kind: Service, name: s{target}}}], validation: {{{validation}}}}}}}"
            ))
        }
        Edit::Authority(good) => {
            let text = if *good { AUTHORITY } else { "none" };
            manifests.config_map("a/ca", "ca.crt", text).config_map("b/ca", "ca.crt", text)
        }
        Edit::Class(_) => manifests.without::<GatewayClass>("gateway-rs"),
    }
}

fn stream(manifests: Manifests, kind: u8, parent: u8, name: u8) -> Manifests {
    let own = namespace(name);
    let parent = match parent {
        0 => "{namespace: a, name: g0}",
        1 => "{namespace: a, name: g1, sectionName: tcp}",
        _ => "{kind: ListenerSet, namespace: a, name: set0}",
    };
    let text = format!(
        "{{metadata: {{namespace: {own}, name: r{name}}}, spec: {{parentRefs: [{parent}], \
         rules: [{{backendRefs: [{{name: s{name}, port: 80}}]}}]}}}}"
    );
    match kind {
        0 => manifests.yaml::<TcpRoute>(&text),
        1 => manifests.yaml::<TlsRoute>(&text),
        2 => manifests.yaml::<UdpRoute>(&text),
        _ => manifests.yaml::<GrpcRoute>(&text),
    }
}

fn open(text: GatewayText) -> GatewayText {
    text.spec(|spec| {
        let all = serde_json::json!({"namespaces": {"from": "All"}});
        spec.allowed_listeners = serde_json::from_value(all).unwrap();
    })
}

fn gateway(text: GatewayText, kind: u8) -> GatewayText {
    match kind {
        4 => open(text)
            .http(80)
            .from_all()
            .listener("{name: tcp, port: 99, protocol: TCP}")
            .from_all()
            .listener("{name: udp, port: 99, protocol: UDP}")
            .from_all(),
        5 => open(text)
            .listener("{name: s, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}")
            .from_all()
            .listener(
                "{name: pass, port: 443, protocol: TLS, hostname: a.test, tls: {mode: Passthrough}}",
            )
            .from_all()
            .spec(|spec| {
                spec.tls = serde_json::from_value(serde_json::json!({
                    "backend": {"clientCertificateRef": {"name": "c"}},
                    "frontend": {"default": {"validation": {"caCertificateRefs": [
                        {"group": "", "kind": "ConfigMap", "name": "ca"}]}}},
                }))
                .unwrap();
            }),
        0 => text.http(80).from_all(),
        1 => text.created(5).http_for("web", 80, "*.example.com"),
        2 => text
            .address("{value: 127.0.0.9}")
            .http(81)
            .allowed_routes("{namespaces: {from: Selector, selector: {matchLabels: {team: x}}}}"),
        _ => text
            .listener("{name: bad, port: 1, protocol: INVALID}")
            .http(82),
    }
}

fn route(text: RouteText, own: &str, parent: u8, kind: u8, backend: u8) -> RouteText {
    let text = text.parent(&format!("a/g{parent}"));
    let text = match kind {
        0 => text,
        1 => text.hostname("shop.example.com"),
        2 => text
            .rule("{matches: [{path: {type: RegularExpression, value: '('}}]}")
            .rule("{}"),
        3 => text.backend_ref("{group: gateway.networking.x-k8s.io, kind: XBackend, name: x}"),
        _ => text.rule("{filters: [{type: CORS, cors: {}}]}"),
    };
    let target = if backend == 4 { "b" } else { own };
    text.backend(&format!("{target}/s{backend}"), 80)
}

fn remove(manifests: Manifests, kind: u8, name: u8) -> Manifests {
    let own = namespace(name);
    match kind {
        0 => manifests.without::<Gateway>(&format!("a/g{name}")),
        1 => manifests.without::<HttpRoute>(&format!("{own}/r{name}")),
        2 => manifests.without::<Service>(&format!("{own}/s{name}")),
        3 => manifests.without::<EndpointSlice>(&format!("{own}/s{name}-1")),
        5 => manifests.without::<XBackend>("a/x"),
        7 => manifests.without::<Secret>("a/c"),
        8 => manifests.without::<ConfigMap>("a/ca"),
        9 => manifests.without::<ListenerSet>(&format!("{own}/set{name}")),
        10 => manifests.without::<BackendTlsPolicy>(&format!("{own}/p{name}")),
        11 => manifests.without::<TcpRoute>(&format!("{own}/r{name}")),
        4 => manifests.without::<ReferenceGrant>(&format!("{own}/grant")),
        _ => manifests.without::<Namespace>(own),
    }
}

/// The same objects, put in one by one in another order.
fn shuffled(world: &World, seed: usize) -> World {
    type Step = Box<dyn Fn(&mut World)>;
    let mut steps: Vec<Step> = Vec::new();
    macro_rules! kinds {
        ($($kind:ty),+) => {$(
            for object in world.objects::<$kind>().iter().cloned() {
                steps.push(Box::new(move |world| { world.insert::<$kind>(object.clone()); }));
            }
        )+};
    }
    kinds!(
        GatewayClass,
        Gateway,
        HttpRoute,
        ReferenceGrant,
        Service,
        EndpointSlice,
        Namespace,
        Secret,
        XBackend,
        ListenerSet,
        GrpcRoute,
        TcpRoute,
        TlsRoute,
        UdpRoute,
        BackendTlsPolicy,
        ConfigMap
    );

    let mut other = World::default();
    let count = steps.len().max(1);
    // A step that is coprime with every smaller count visits each place once.
    let stride = [1, 101, 103, 107, 109][seed % 5];
    for index in 0..steps.len() {
        steps[(index * stride + seed) % count](&mut other);
    }
    other
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What was used again is what would have been worked out, after any edits.
    #[test]
    fn memory_changes_nothing(edits in prop::collection::vec(edits(), 1..25)) {
        let settings = Settings::folder();
        let mut resolver = Resolver::new(settings.clone());
        let mut manifests = Manifests::new();

        for edit in &edits {
            manifests = apply(manifests, edit);
            // What was good once is an input, too.
            let mut anew = resolver.anew();
            let remembered = resolver.resolve(manifests.world());
            prop_assert_eq!(remembered, anew.resolve(manifests.world()));
        }
    }

    /// A configuration is a function of the set of objects.
    #[test]
    fn order_does_not_matter(
        edits in prop::collection::vec(edits(), 1..25),
        seed in 0..100usize,
    ) {
        let manifests = edits.iter().fold(Manifests::new(), apply);
        let settings = Settings::folder();
        let other = shuffled(manifests.world(), seed);

        prop_assert_eq!(resolve(manifests.world(), &settings), resolve(&other, &settings));
    }

    /// Objects that are bad, unknown or of others change no route that has
    /// nothing to do with them.
    #[test]
    fn bad_objects_hurt_nobody_else(edits in prop::collection::vec(edits(), 0..15), word in "\\PC{0,6}") {
        let good = |manifests: Manifests| {
            manifests
                .gateway("own/own", |gateway| gateway.http(7777))
                .service("own/own", 80, &["10.9.9.9"])
                .http_route("own/own", |route| route.parent("own/own").backend("own/own", 80))
        };
        let bad = edits.iter().filter(|edit| !matches!(edit, Edit::Class(_)));
        let manifests = bad.fold(good(Manifests::new()), apply)
            .http_route("own/bad", |route| {
                let parent = format!("{{name: {}}}", serde_json::json!(word));
                route.parent_ref(&parent).hostname(&word).backend_ref(&parent)
            })
            .gateway("other/bad", |gateway| {
                gateway.listener("{name: x, port: -1, protocol: ''}").address("{type: x, value: y}")
            });

        let alone = good(Manifests::new()).resolve();
        let among = manifests.resolve();

        prop_assert_eq!(alone.model("own/own"), among.model("own/own"));
        prop_assert_eq!(alone.backend("own/own", 80), among.backend("own/own", 80));
        prop_assert_eq!(alone.route("own/own").verdict, among.route("own/own").verdict);
        prop_assert_eq!(alone.gateway("own/own").verdict, among.gateway("own/own").verdict);
    }
}

#[test]
fn what_did_not_change_is_the_same_allocation() {
    let world = (0..20).fold(
        Manifests::new().gateway("a/g", |gateway| gateway.http(80)),
        |world, index| {
            let name = format!("a/r{index}");
            world
                .service(&name, 80, &["10.0.0.1"])
                .http_route(&name, |route| route.parent("a/g").backend(&name, 80))
        },
    );
    let mut resolver = Resolver::new(Settings::folder());
    let before = resolver.resolve(world.world());
    let changed = world
        .http_route("a/r7", |route| {
            route.parent("a/g").hostname("a.com").backend("a/r7", 80)
        })
        .service("a/r9", 80, &["10.0.0.2"]);
    let after = resolver.resolve(changed.world());

    let routes = |index: usize| {
        let of = |resolved: &crate::resolve::Resolved| {
            let listener = &resolved.configuration.gateways()[0].listeners()[0];
            Arc::clone(&listener.routes()[index])
        };
        Arc::ptr_eq(&of(&before), &of(&after))
    };
    let same = (0..20).filter(|index| routes(*index)).count();
    assert_eq!(same, 19);
    let pairs = before
        .configuration
        .backends()
        .iter()
        .zip(after.configuration.backends());
    let same = pairs
        .filter(|((_, one), (_, other))| Arc::ptr_eq(one, other))
        .count();
    assert_eq!(same, 19);
}

/// Three thousand routes, each with a backend of its own.
fn many() -> Manifests {
    (0..3000).fold(
        Manifests::new().gateway("a/g", |gateway| gateway.http(80)),
        |world, index| {
            let name = format!("a/r{index}");
            world
                .service(&name, 80, &["10.0.0.1"])
                .http_route(&name, |route| route.parent("a/g").backend(&name, 80))
        },
    )
}

#[test]
fn one_edit_is_worked_out_once() {
    let world = many();
    let mut resolver = Resolver::new(Settings::folder());

    resolver.resolve(world.world());
    assert_eq!(resolver.worked(), 9000);

    resolver.resolve(world.world());
    assert_eq!(resolver.worked(), 0);

    let world = world.http_route("a/r7", |route| {
        route.parent("a/g").hostname("a.com").backend("a/r7", 80)
    });
    resolver.resolve(world.world());
    assert_eq!(resolver.worked(), 2);

    // The route asks the Service for its port; the endpoints are the backend's.
    let world = world.service("a/r7", 80, &["10.0.0.2"]);
    resolver.resolve(world.world());
    assert_eq!(resolver.worked(), 2);

    let world = world.without::<Service>("a/r9");
    resolver.resolve(world.world());
    assert_eq!(resolver.worked(), 2);
}

/// A sample of each kind, as JSON.
fn samples() -> Vec<serde_json::Value> {
    let manifests = Manifests::new()
        .gateway("a/g", |gateway| {
            gateway
                .http_for("web", 80, "*.a.com")
                .from_all()
                .listener("{name: tls, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: s}]}}")
                .address("{type: IPAddress, value: 10.0.0.1}")
        })
        .service("a/s", 80, &["10.0.0.1"])
        .secret("a/s", "x", "y")
        .grant("a/x", ("HTTPRoute", "b"), ("Service", Some("s")))
        .x_backend("a/x", "{type: ExternalHostname, externalHostname: {hostname: a.com}, port: {number: 1}}")
        .http_route("a/r", |route| {
            route.section("a/g", "web").hostname("b.a.com").backend("a/s", 80).rule(
                "{name: n, matches: [{path: {type: Exact, value: /a}, method: GET, \
                 headers: [{name: a, value: b}]}], timeouts: {request: 1s}, retry: {attempts: 1, codes: [500]}, \
                 filters: [{type: RequestMirror, requestMirror: {backendRef: {name: s, port: 80}, percent: 5}}, \
                 {type: CORS, cors: {allowOrigins: ['*'], maxAge: 5}}, \
                 {type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /b}}}]}",
            )
        });
    let manifests = (0..4).fold(manifests, |manifests, kind| stream(manifests, kind, 0, 0));
    let manifests = [
        Edit::ListenerSet(0, 2),
        Edit::Policy(0, 0, 1),
        Edit::Authority(true),
    ]
    .iter()
    .fold(manifests, apply);
    let world = manifests.world();
    let mut samples = Vec::new();
    macro_rules! kinds {
        ($($kind:ty),+) => {$(
            for object in world.objects::<$kind>().iter() {
                let mut sample = serde_json::to_value(&**object).unwrap();
                sample["is"] = stringify!($kind).into();
                samples.push(sample);
            }
        )+};
    }
    kinds!(
        GatewayClass,
        Gateway,
        HttpRoute,
        ReferenceGrant,
        Service,
        EndpointSlice,
        Secret,
        XBackend,
        ListenerSet,
        GrpcRoute,
        TcpRoute,
        TlsRoute,
        UdpRoute,
        BackendTlsPolicy,
        ConfigMap
    );
    samples
}

/// Replaces the value at a leaf, counted in writing order.
fn replace_leaf(value: &mut serde_json::Value, left: &mut usize, by: &serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => {
            items
                .iter_mut()
                .for_each(|item| replace_leaf(item, left, by));
        }
        serde_json::Value::Object(entries) => {
            let entries = entries.iter_mut().filter(|(name, _)| *name != "is");
            entries.for_each(|(_, entry)| replace_leaf(entry, left, by));
        }
        leaf => {
            if *left == 0 {
                *leaf = by.clone();
            }
            *left = left.wrapping_sub(1);
        }
    }
}

fn put(world: &mut World, sample: serde_json::Value) {
    macro_rules! kinds {
        ($($kind:ty),+) => {
            match sample["is"].as_str() {
                $(Some(stringify!($kind)) => {
                    if let Ok(object) = serde_json::from_value::<$kind>(sample) {
                        world.insert::<$kind>(object);
                    }
                })+
                other => panic!("{other:?}"),
            }
        };
    }
    kinds!(
        GatewayClass,
        Gateway,
        HttpRoute,
        ReferenceGrant,
        Service,
        EndpointSlice,
        Secret,
        XBackend,
        ListenerSet,
        GrpcRoute,
        TcpRoute,
        TlsRoute,
        UdpRoute,
        BackendTlsPolicy,
        ConfigMap
    );
}

fn leaves() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        "\\PC{0,6}".prop_map(Into::into),
        Just("a".repeat(300).into()),
        Just("::1".into()),
        Just("All".into()),
        any::<i64>().prop_map(Into::into),
        (-1..70000i64).prop_map(Into::into),
        any::<bool>().prop_map(Into::into),
    ]
}

proptest! {
    /// Whatever is written in a field, nothing panics, and what is served can be
    /// told from what is not.
    #[test]
    fn any_value_of_any_field_is_survived(
        changes in prop::collection::vec((0..16usize, 0..60usize, leaves()), 1..4),
    ) {
        let mut samples = samples();
        let count = samples.len();
        for (sample, leaf, value) in changes {
            let mut left = leaf;
            replace_leaf(&mut samples[sample % count], &mut left, &value);
        }
        let mut world = World::default();
        samples.into_iter().for_each(|sample| put(&mut world, sample));

        for settings in [Settings::folder(), Settings::cluster()] {
            let mut resolved = resolve(&world, &settings);
            resolved.verdicts.programmed(&[]);
            for (_, condition, problem) in resolved.verdicts.problems() {
                prop_assert!(!problem.message.is_empty());
                prop_assert!(condition.is_none_or(|one| !one.message().is_empty()));
            }
        }
    }
}
