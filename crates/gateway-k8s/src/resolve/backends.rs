//! What a backendRef refers to.

use gateway_core::model::{BackendId, BackendProtocol, BackendPurpose, ObjectName};
use k8s_openapi::api::core::v1::{Service, ServicePort};

use super::Settings;
use super::annotations::Annotations;
use super::backend_tls;
use super::field::Field;
use super::grants::{self, From, To};
use super::traffic;
use super::view::View;
use super::x_backend;
use crate::api::{BackendObjectReference, BackendRef, HttpBackendRef, XBackend};
use crate::verdict::{Problem, Reason};

/// A reference as it is written, whatever the type of the field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    group: Option<&'a str>,
    kind: Option<&'a str>,
    namespace: Option<&'a str>,
    name: &'a str,
    port: Option<i32>,
}

impl<'a> std::convert::From<&'a HttpBackendRef> for Written<'a> {
    fn from(written: &'a HttpBackendRef) -> Self {
        Self {
            group: written.group.as_deref(),
            kind: written.kind.as_deref(),
            namespace: written.namespace.as_deref(),
            name: &written.name,
            port: written.port,
        }
    }
}

impl<'a> std::convert::From<&'a BackendObjectReference> for Written<'a> {
    fn from(written: &'a BackendObjectReference) -> Self {
        Self {
            group: written.group.as_deref(),
            kind: written.kind.as_deref(),
            namespace: written.namespace.as_deref(),
            name: &written.name,
            port: written.port,
        }
    }
}

impl<'a> std::convert::From<&'a BackendRef> for Written<'a> {
    fn from(written: &'a BackendRef) -> Self {
        Self {
            group: written.group.as_deref(),
            kind: written.kind.as_deref(),
            namespace: written.namespace.as_deref(),
            name: &written.name,
            port: written.port,
        }
    }
}

/// What a backend is to be used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// Requests, over whichever HTTP it speaks.
    Requests,
    /// Requests of gRPC, over HTTP/2.
    Grpc,
    /// Connections with anything in them.
    Connections,
    /// Datagrams.
    Datagrams,
}

impl Purpose {
    /// What carries it, as `ServicePort.protocol` spells it.
    pub(super) fn transport(self) -> &'static str {
        match self {
            Self::Requests | Self::Grpc | Self::Connections => "TCP",
            Self::Datagrams => "UDP",
        }
    }
}

/// Follows a reference to a Service or an XBackend.
///
/// # Errors
///
/// `InvalidKind`, `RefNotPermitted`, `BackendNotFound`, `UnsupportedProtocol`, in
/// this order, so that nothing is said about what may not be referred to.
pub(super) fn backend(
    view: &View<'_>,
    settings: &Settings,
    from: From<'_>,
    written: Written<'_>,
    purpose: Purpose,
    at: &Field<'_>,
) -> Result<BackendId, Problem> {
    let to = To {
        group: written.group.unwrap_or_default(),
        kind: written.kind.unwrap_or("Service"),
        namespace: written.namespace.unwrap_or(from.namespace),
        name: written.name,
    };

    match (to.group, to.kind) {
        ("", "Service") => service(view, from, to, written.port, purpose, at),
        (x_backend::GROUP, "XBackend") => {
            let permitted = grants::permit(view, from, to).map_err(|problem| problem.at(at))?;
            let found = permitted
                .read::<XBackend>(view)
                .ok_or_else(|| missing(to, at))?;
            if written.port.is_some() {
                let problem =
                    Problem::new(Reason::UnsupportedValue, "an XBackend has its own port");
                return Err(problem.at(at.name("port")).remedy("leave the port out"));
            }
            let port = x_backend::target(view, settings, found, purpose).map_err(|problem| {
                Problem::new(
                    problem.reason,
                    format!("{} {}/{}: {problem}", to.kind, to.namespace, to.name),
                )
                .at(at)
            })?;
            let id = BackendId::new("XBackend", ObjectName::new(to.namespace, to.name), port);
            Ok(match purpose {
                Purpose::Grpc => id.with_purpose(BackendPurpose::Grpc),
                Purpose::Requests | Purpose::Connections | Purpose::Datagrams => id,
            })
        }
        (group, kind) => {
            let group = if group.is_empty() {
                "the core group"
            } else {
                group
            };
            let problem = Problem::new(
                Reason::InvalidKind,
                format!("{kind:?} of {group} is no kind of backend"),
            );
            Err(problem.at(at).remedy("refer to a Service or an XBackend"))
        }
    }
}

fn service(
    view: &View<'_>,
    from: From<'_>,
    to: To<'_>,
    port: Option<i32>,
    purpose: Purpose,
    at: &Field<'_>,
) -> Result<BackendId, Problem> {
    let permitted = grants::permit(view, from, to).map_err(|problem| problem.at(at))?;
    let service = permitted
        .read::<Service>(view)
        .ok_or_else(|| missing(to, at))?;
    let not_found = |message: String| Problem::new(Reason::BackendNotFound, message);

    if is_external_name(service) {
        let message = format!(
            "Service {}/{} is of type ExternalName",
            to.namespace, to.name
        );
        let problem = Problem::new(Reason::InvalidKind, message);
        return Err(problem
            .at(at)
            .remedy("use an XBackend of type ExternalHostname"));
    }
    let Some(port) = port else {
        let problem = not_found("names no port of the Service".to_owned());
        return Err(problem.at(at.name("port")));
    };
    let (number, found) = find_port(service, port, purpose)
        .map_err(|problem| describe(problem, service, to, port, at))?;
    traffic::sent(&Annotations::of(&service.metadata), number).map_err(|problem| {
        let message = format!("Service {}/{}: {problem}", to.namespace, to.name);
        Problem::new(Reason::UnsupportedProtocol, message)
            .at(at)
            .remedy("correct the annotation")
    })?;
    let secured = backend_tls::in_force(view, to.namespace, to.name, found).is_some();
    let plain = protocol(found, secured);
    if plain.is_none() && matches!(purpose, Purpose::Requests | Purpose::Grpc) {
        let spoken = found.app_protocol.as_deref().unwrap_or_default();
        let message = format!(
            "port {port} of Service {}/{} speaks {spoken:?}",
            to.namespace, to.name
        );
        return Err(Problem::new(Reason::UnsupportedProtocol, message)
            .at(at)
            .remedy("set the port's appProtocol to http, kubernetes.io/h2c or kubernetes.io/ws, or remove it; https and kubernetes.io/wss need a BackendTLSPolicy"));
    }

    let id = BackendId::new("Service", ObjectName::new(to.namespace, to.name), number);
    Ok(match purpose {
        Purpose::Grpc if plain != Some(BackendProtocol::H2c) => {
            id.with_purpose(BackendPurpose::Grpc)
        }
        Purpose::Datagrams => id.with_purpose(BackendPurpose::Udp),
        Purpose::Requests | Purpose::Grpc | Purpose::Connections => id,
    })
}

/// Why a Service has no such port.
enum NoPort {
    /// It has none of that number.
    Unknown,
    /// It has one, for another transport.
    Transport(String),
}

fn find_port(
    service: &Service,
    port: i32,
    purpose: Purpose,
) -> Result<(u16, &ServicePort), NoPort> {
    let number = u16::try_from(port).map_err(|_| NoPort::Unknown)?;
    if let Some(found) = port_of(service, number, purpose.transport()) {
        return Ok((number, found));
    }

    let mut others = ports(service).filter(|one| one.port == port);
    Err(match others.next() {
        Some(other) => NoPort::Transport(transport_of(other).to_owned()),
        None => NoPort::Unknown,
    })
}

fn describe(problem: NoPort, service: &Service, to: To<'_>, port: i32, at: &Field<'_>) -> Problem {
    let at = at.name("port");

    match problem {
        NoPort::Unknown => {
            let known: Vec<_> = ports(service).map(|port| port.port.to_string()).collect();
            let message = format!("Service {}/{} has no port {port}", to.namespace, to.name);
            let problem = Problem::new(Reason::BackendNotFound, message).at(at);
            problem.remedy(format!("use one of its ports: {}", known.join(", ")))
        }
        NoPort::Transport(other) => {
            let message = format!(
                "port {port} of Service {}/{} is for {other}",
                to.namespace, to.name
            );
            let problem = Problem::new(Reason::UnsupportedProtocol, message).at(at);
            problem.remedy("set the port's protocol as the route needs it, TCP or UDP")
        }
    }
}

pub(super) fn ports(service: &Service) -> impl Iterator<Item = &ServicePort> {
    let spec = service.spec.iter();

    spec.flat_map(|spec| spec.ports.iter().flatten())
}

/// What carries a port. TCP if nothing is written.
fn transport_of(port: &ServicePort) -> &str {
    port.protocol.as_deref().unwrap_or("TCP")
}

/// The port of that number and transport.
pub(super) fn port_of<'a>(
    service: &'a Service,
    number: u16,
    transport: &str,
) -> Option<&'a ServicePort> {
    ports(service).find(|port| port.port == i32::from(number) && transport_of(port) == transport)
}

/// How the port's endpoints are spoken to; nothing, if we do not speak it.
/// `secured` tells whether it is over TLS, which some names ask for.
///
/// Source: GEP-1911, and the IANA names that `appProtocol` may have.
pub(super) fn protocol(port: &ServicePort, secured: bool) -> Option<BackendProtocol> {
    let name = port.app_protocol.as_deref().unwrap_or_default();
    // Names of IANA are the same in any case (RFC 6335, section 5.1), others are not.
    let is = |service: &str| name.eq_ignore_ascii_case(service);
    match name {
        "" | "kubernetes.io/ws" => Some(BackendProtocol::Http1),
        "kubernetes.io/h2c" => Some(BackendProtocol::H2c),
        "kubernetes.io/wss" if secured => Some(BackendProtocol::Http1),
        _ if is("http") || (is("https") && secured) => Some(BackendProtocol::Http1),
        _ => None,
    }
}

/// Such a Service is an alias that anybody may point anywhere.
pub(super) fn is_external_name(service: &Service) -> bool {
    let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());

    kind == Some("ExternalName")
}

fn missing(to: To<'_>, at: &Field<'_>) -> Problem {
    let message = format!("there is no {} {}/{}", to.kind, to.namespace, to.name);

    Problem::new(Reason::BackendNotFound, message).at(at)
}
