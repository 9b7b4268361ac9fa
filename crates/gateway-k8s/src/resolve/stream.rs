//! TCPRoutes, TLSRoutes and UDPRoutes.

use std::sync::Arc;

use gateway_core::model::{self, StreamRoute, StreamRouteKind, StreamTimeouts};

use super::annotations::Annotations;
use super::backends::{Purpose, Written};
use super::field::Field;
use super::grants::From;
use super::reading::Reading;
use super::route::{Converted, ModelRoute, RouteObject};
use super::view::View;
use super::{Settings, rule, traffic, validity};
use crate::api::{DefaultScope, L4RouteRule, ParentReference, TcpRoute, TlsRoute, UdpRoute};
use crate::verdict::Problem;
use crate::world::{Loaded, ObjectRef};

macro_rules! stream_routes {
    ($($kind:ident: $model:ident for $purpose:ident, hostnames: $hostnames:expr;)+) => {$(
        impl RouteObject for $kind {
            fn parents(&self) -> &[ParentReference] {
                self.spec.parent_refs.as_deref().unwrap_or_default()
            }

            fn default_scope(&self) -> Option<&DefaultScope> {
                self.spec.use_default_gateways.as_ref()
            }

            fn convert(view: &View<'_>, settings: &Settings, loaded: &Loaded<Self>) -> Converted {
                let hostnames: fn(&Self) -> &[String] = $hostnames;
                let object = ObjectRef::of(&**loaded);
                let namespace = Arc::clone(&object.namespace);
                let reading = Reading::new(view, settings, From::kind::<Self>(&namespace), false);

                convert(Parts {
                    object,
                    generation: loaded.metadata.generation,
                    kind: StreamRouteKind::$model,
                    created: super::created(&loaded.metadata),
                    annotations: Annotations::of(&loaded.metadata),
                    parents: loaded.parents(),
                    hostnames: hostnames(loaded),
                    rules: &loaded.spec.rules,
                    reading: reading.for_purpose(Purpose::$purpose),
                })
            }
        }
    )+};
}

stream_routes! {
    TcpRoute: Tcp for Connections, hostnames: |_| &[];
    TlsRoute: Tls for Connections, hostnames: |route| &route.spec.hostnames;
    UdpRoute: Udp for Datagrams, hostnames: |_| &[];
}

/// What the three kinds have in common.
struct Parts<'a, 'w> {
    object: ObjectRef,
    generation: Option<i64>,
    kind: StreamRouteKind,
    created: u64,
    annotations: Annotations<'a>,
    parents: &'a [ParentReference],
    hostnames: &'a [String],
    rules: &'a [L4RouteRule],
    reading: Reading<'a, 'w>,
}

fn convert(parts: Parts<'_, '_>) -> Converted {
    let Parts {
        object,
        generation,
        kind,
        created,
        annotations,
        parents,
        hostnames,
        rules,
        mut reading,
    } = parts;
    let mut refused = validity::stream_route(parents, hostnames, rules);
    let timeouts = timeouts(&annotations, &mut refused);
    let mut converted = Converted::new(object, generation, refused);
    converted.read_hostnames(hostnames);
    let known = match kind {
        StreamRouteKind::Tcp | StreamRouteKind::Tls => OF_CONNECTIONS,
        // The listener has the settings of sessions.
        StreamRouteKind::Udp => &[],
    };
    converted.warn_of_strays(&annotations, known);
    let route = StreamRoute::new(kind, converted.name()).with_created(created);
    let mut route = route.with_timeouts(timeouts);
    for hostname in &converted.hostnames {
        route = route.with_hostname(hostname.clone());
    }

    let at = Field::SPEC;
    // There is one: whatever else is written has been refused.
    for (index, written) in rules.iter().enumerate() {
        let at = at.item("rules", index);
        for (index, backend) in written.backend_refs.iter().enumerate() {
            let at = at.item("backendRefs", index);
            let target = match reading.backend(Written::from(backend), &at) {
                Ok(id) => model::BackendRef::new(id),
                Err(reason) => model::BackendRef::invalid(reason),
            };
            match rule::weight(backend.weight, &at.name("weight")) {
                Ok(weight) => route = route.with_backend(target.with_weight(weight)),
                Err(problem) => converted.refused.push(problem),
            }
        }
        converted.rules += 1;
    }
    converted.unresolved = reading.unresolved;
    converted.refer(reading.backends);
    converted.serve(ModelRoute::Streams(Arc::new(route)));

    converted
}

fn timeouts(annotations: &Annotations<'_>, refused: &mut Vec<Problem>) -> StreamTimeouts {
    let mut timeouts = StreamTimeouts::default();
    for (key, timeout) in [
        (CONNECT_TIMEOUT, &mut timeouts.connect),
        (IDLE_TIMEOUT, &mut timeouts.idle),
    ] {
        match annotations.whole(key).map(|one| one.read(traffic::span)) {
            Some(Ok(span)) => *timeout = span,
            Some(Err(problem)) => refused.push(problem),
            None => {}
        }
    }

    timeouts
}

/// What a TCPRoute or a TLSRoute can be told about its connections.
const OF_CONNECTIONS: &[&str] = &[CONNECT_TIMEOUT, IDLE_TIMEOUT];

const CONNECT_TIMEOUT: &str = "connect-timeout";
const IDLE_TIMEOUT: &str = "idle-timeout";
