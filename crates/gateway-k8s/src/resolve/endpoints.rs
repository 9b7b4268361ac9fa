//! The endpoints behind a backend.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gateway_core::model::{Backend, BackendId, BackendProtocol, BackendPurpose, Certificate};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

use super::annotations::Annotations;
use super::view::View;
use super::{Settings, backend_tls, backend_traffic, backends, traffic, x_backend};
use crate::api::XBackend;
use crate::verdict::{Problem, Reason};
use crate::world::Loaded;

/// A backend with what is wrong about its endpoints.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) backend: Option<Arc<Backend>>,
    /// What it was given to show to the backend.
    client: Option<Arc<Certificate>>,
    pub(super) warnings: Vec<Problem>,
}

impl Found {
    /// Whether it is what would come out again.
    pub(super) fn stands(&self, client: Option<&Arc<Certificate>>) -> bool {
        match (&self.client, client) {
            (Some(then), Some(now)) => Arc::ptr_eq(then, now),
            (then, now) => then.is_none() && now.is_none(),
        }
    }
}

/// Looks up a backend that some rule refers to.
///
/// A Service without endpoints is a backend with an empty set: it gets 503. There is
/// no backend where a policy asks for TLS that we cannot do: it gets 500. `client` is
/// what the gateway shows of itself.
pub(super) fn find(
    view: &View<'_>,
    settings: &Settings,
    id: &BackendId,
    client: Option<&Arc<Certificate>>,
) -> Found {
    let mut warnings = Vec::new();
    let (namespace, name) = (id.object().namespace(), id.object().name());

    let backend = if id.kind() == "Service" {
        view.get::<Service>(namespace, name).and_then(|service| {
            let transport = match id.purpose() {
                BackendPurpose::Any | BackendPurpose::Grpc => "TCP",
                BackendPurpose::Udp => "UDP",
            };
            let port = backends::port_of(service, id.port(), transport)?;
            let slices = view.owned_by::<EndpointSlice>(namespace, name);
            let port_name = port.name.as_deref();
            let addresses = addresses(&slices, (port_name, transport), settings, &mut warnings);
            let protocol = match id.purpose() {
                BackendPurpose::Grpc => BackendProtocol::H2c,
                // What connections carry is none of our business.
                BackendPurpose::Any | BackendPurpose::Udp => {
                    backends::protocol(port, true).unwrap_or_default()
                }
            };
            let backend = Backend::new(addresses).with_protocol(protocol);
            let annotations = Annotations::of(&service.metadata);
            warnings.extend(annotations.strays(traffic::OF_BACKENDS, |part| {
                backends::ports(service).any(|port| port.port.to_string() == part)
            }));
            // Where it cannot be read, routes refer to nothing.
            let backend = match traffic::sent(&annotations, id.port()).ok().flatten() {
                Some(version) => backend.with_proxy_protocol(version),
                None => backend,
            };
            let backend = backend_traffic::apply(view, namespace, name, backend);
            match backend_tls::of_port(view, namespace, name, port) {
                Ok(None) => Some(backend),
                Ok(Some(tls)) => Some(backend.with_tls(backend_tls::with_client(tls, client))),
                Err(problem) => {
                    warnings.push(problem);
                    None
                }
            }
        })
    } else {
        view.get::<XBackend>(namespace, name)
            .and_then(|found| x_backend::backend(view, settings, found, id.purpose()))
    };

    Found {
        backend: backend.map(Arc::new),
        client: client.cloned(),
        warnings,
    }
}

/// Whether a backend is spoken to over TLS.
pub(super) fn is_secured(view: &View<'_>, id: &BackendId) -> bool {
    let (namespace, name) = (id.object().namespace(), id.object().name());
    if id.kind() != "Service" {
        return false;
    }
    let service = view.get::<Service>(namespace, name);
    let port = service.and_then(|service| backends::port_of(service, id.port(), "TCP"));

    port.is_some_and(|port| backend_tls::in_force(view, namespace, name, port).is_some())
}

/// The ready endpoints; if there is none, those that still serve while they
/// terminate. Sorted, each once.
fn addresses(
    slices: &[&Loaded<EndpointSlice>],
    port_wanted: (Option<&str>, &str),
    settings: &Settings,
    warnings: &mut Vec<Problem>,
) -> BTreeSet<SocketAddr> {
    let mut ready = BTreeSet::new();
    let mut leaving = BTreeSet::new();

    for slice in slices {
        let Some(port) = port_in(slice, port_wanted) else {
            continue;
        };
        for endpoint in &slice.endpoints {
            let set = match state(endpoint) {
                State::Ready => &mut ready,
                State::Leaving => &mut leaving,
                State::Gone => continue,
            };
            match address(slice, endpoint, settings) {
                Ok(address) => {
                    set.insert(SocketAddr::new(address, port));
                }
                Err(message) => {
                    let slice = slice.metadata.name.as_deref().unwrap_or_default();
                    let message = format!("EndpointSlice {slice}: {message}");
                    warnings.push(Problem::new(Reason::UnsupportedAddress, message));
                }
            }
        }
    }

    if ready.is_empty() { leaving } else { ready }
}

enum State {
    Ready,
    Leaving,
    Gone,
}

/// Source: `EndpointConditions`, where absent means ready.
fn state(endpoint: &Endpoint) -> State {
    let conditions = endpoint.conditions.as_ref();
    let ready = conditions.and_then(|one| one.ready).unwrap_or(true);
    let serving = conditions.and_then(|one| one.serving).unwrap_or(ready);
    let terminating = conditions.and_then(|one| one.terminating).unwrap_or(false);

    if ready {
        State::Ready
    } else if serving && terminating {
        State::Leaving
    } else {
        State::Gone
    }
}

/// The port of the slice that has the name and the transport of the Service's
/// port; no name and the empty name are the same.
fn port_in(slice: &EndpointSlice, (name, transport): (Option<&str>, &str)) -> Option<u16> {
    let name = name.unwrap_or_default();
    let port = slice.ports.iter().flatten().find(|port| {
        port.name.as_deref().unwrap_or_default() == name
            && port.protocol.as_deref().unwrap_or("TCP") == transport
    })?;

    u16::try_from(port.port?).ok().filter(|port| *port != 0)
}

fn address(
    slice: &EndpointSlice,
    endpoint: &Endpoint,
    settings: &Settings,
) -> Result<IpAddr, String> {
    // Several addresses of one endpoint are the same thing; the first is to be used.
    let text = endpoint
        .addresses
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    let address: IpAddr = text.parse().map_err(|_| {
        format!(
            "{text:?} of type {} is not an IP address",
            slice.address_type
        )
    })?;

    let meant = address.to_canonical();
    if meant.is_unspecified() || meant.is_multicast() {
        return Err(format!("{address} is no address of an endpoint"));
    }
    // Whoever may write an EndpointSlice must not reach those through the gateway.
    if !settings.reach.covers(address) {
        return Err(format!(
            "{address} belongs to the machine the gateway runs on"
        ));
    }

    Ok(address)
}
