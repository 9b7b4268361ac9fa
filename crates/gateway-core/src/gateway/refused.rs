//! Policies that cannot hold where they are attached.

use crate::model::{
    Configuration, Gateway, Listener, ObjectName, Policy, Protocol, SectionName, StreamRouteKind,
    UnfitPolicy,
};

/// A policy that cannot hold for the connections or sessions of a place. Nothing is
/// forwarded there.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a policy{} cannot hold at listener {listener} of gateway {gateway}", of(.route))]
#[non_exhaustive]
pub struct RefusedPolicy {
    /// The gateway.
    pub gateway: ObjectName,
    /// The listener, of the gateway.
    pub listener: SectionName,
    /// Whose policy it is; none if the listener's own.
    pub route: Option<ObjectName>,
    /// What it cannot do.
    #[source]
    pub reason: UnfitPolicy,
}

fn of(route: &Option<ObjectName>) -> String {
    let route = route.as_ref();
    route.map_or_else(String::new, |route| format!(" of route {route}"))
}

/// All of them, in the order of the configuration.
pub(super) fn refused_policies(configuration: &Configuration) -> Vec<RefusedPolicy> {
    let mut all = Vec::new();
    for gateway in configuration.gateways() {
        for listener in gateway.listeners() {
            if let Some(kinds) = kinds(listener.protocol()) {
                of_listener(&mut all, gateway, listener, kinds);
            }
        }
    }
    all
}

/// The routes that a listener has for what is not HTTP, if it has such.
fn kinds(protocol: &Protocol) -> Option<&'static [StreamRouteKind]> {
    match protocol {
        Protocol::Http | Protocol::Https(_) => None,
        Protocol::Tls(_) => Some(&[StreamRouteKind::Tls, StreamRouteKind::Tcp]),
        Protocol::Tcp => Some(&[StreamRouteKind::Tcp]),
        Protocol::Udp => Some(&[StreamRouteKind::Udp]),
    }
}

fn of_listener(
    all: &mut Vec<RefusedPolicy>,
    gateway: &Gateway,
    listener: &Listener,
    kinds: &[StreamRouteKind],
) {
    let mut check = |policy: &Policy, route: Option<&ObjectName>, kind| {
        if let Err(reason) = policy.for_streams(kind) {
            all.push(RefusedPolicy {
                gateway: gateway.name().clone(),
                listener: listener.name().clone(),
                route: route.cloned(),
                reason,
            });
        }
    };
    let own = listener.policies().iter().flat_map(|set| set.policies());
    own.for_each(|policy| check(policy, None, kinds[0]));

    let routes = listener.stream_routes().iter();
    for route in routes.filter(|route| kinds.contains(&route.kind())) {
        let policies = route.policies().iter();
        policies.for_each(|policy| check(policy, Some(route.name()), route.kind()));
    }
}
