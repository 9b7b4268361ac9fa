//! Named after the situations of the conformance suite that need no socket.

mod backends;
mod endpoints;
mod filters;
mod gateways;
mod grants;
mod grpc;
mod infrastructure;
mod listener_sets;
mod listeners;
mod parents;
mod policies;
mod properties;
mod rules;
mod settled;
mod streams;
mod tls_listeners;
mod traffic;
mod traffic_policies;

use crate::testing::Manifests;

/// Gateway `edge/web` on port 80 for every namespace, and Service `shop/cart`.
fn shop() -> Manifests {
    Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).from_all())
        .service("shop/cart", 8080, &["10.0.0.1"])
}
