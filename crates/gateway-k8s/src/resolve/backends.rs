//! What a backendRef refers to.

use gateway_core::model::{BackendId, BackendProtocol, ObjectName};
use k8s_openapi::api::core::v1::{Service, ServicePort};

use super::field::Field;
use super::grants::{self, From, To};
use super::view::View;
use super::x_backend;
use crate::api::{BackendObjectReference, BackendTlsPolicy, HttpBackendRef, XBackend};
use crate::verdict::{Problem, Reason};
use crate::world::Loaded;

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

/// Follows a reference to a Service or an XBackend.
///
/// # Errors
///
/// `InvalidKind`, `RefNotPermitted`, `BackendNotFound`, `UnsupportedProtocol`, in
/// this order, so that nothing is said about what may not be referred to.
pub(super) fn backend(
    view: &View<'_>,
    from: From<'_>,
    written: Written<'_>,
    at: &Field<'_>,
) -> Result<BackendId, Problem> {
    let to = To {
        group: written.group.unwrap_or_default(),
        kind: written.kind.unwrap_or("Service"),
        namespace: written.namespace.unwrap_or(from.namespace),
        name: written.name,
    };

    match (to.group, to.kind) {
        ("", "Service") => service(view, from, to, written.port, at),
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
            let (port, _) = x_backend::target(found).map_err(|problem| {
                Problem::new(
                    problem.reason,
                    format!("{} {}/{}: {problem}", to.kind, to.namespace, to.name),
                )
                .at(at)
            })?;
            Ok(BackendId::new(
                "XBackend",
                ObjectName::new(to.namespace, to.name),
                port,
            ))
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
    let Some((number, found)) = u16::try_from(port)
        .ok()
        .and_then(|number| Some((number, port_of(service, number)?)))
    else {
        let ports = service
            .spec
            .iter()
            .flat_map(|spec| spec.ports.iter().flatten());
        let ports: Vec<_> = ports.map(|port| port.port.to_string()).collect();
        let problem = not_found(format!(
            "Service {}/{} has no TCP port {port}",
            to.namespace, to.name
        ));
        return Err(problem
            .at(at.name("port"))
            .remedy(format!("use one of its ports: {}", ports.join(", "))));
    };
    if protocol(found).is_none() {
        let spoken = found.app_protocol.as_deref().unwrap_or_default();
        let message = format!(
            "port {port} of Service {}/{} speaks {spoken:?}",
            to.namespace, to.name
        );
        return Err(Problem::new(Reason::UnsupportedProtocol, message)
            .at(at)
            .remedy("set the port's appProtocol to http, kubernetes.io/h2c or kubernetes.io/ws, or remove it"));
    }

    never_in_the_clear(view, to, at)?;

    Ok(BackendId::new(
        "Service",
        ObjectName::new(to.namespace, to.name),
        number,
    ))
}

/// Refuses a Service of which a BackendTLSPolicy says that it must be spoken to over
/// TLS, whatever port it is about: what cannot be obeyed must not be skipped.
fn never_in_the_clear(view: &View<'_>, to: To<'_>, at: &Field<'_>) -> Result<(), Problem> {
    let is_meant = |policy: &&Loaded<BackendTlsPolicy>| {
        let mut targets = policy.spec.target_refs.iter();
        targets.any(|target| target.kind == "Service" && target.name == to.name)
    };
    match view
        .in_namespace::<BackendTlsPolicy>(to.namespace)
        .into_iter()
        .find(is_meant)
    {
        None => Ok(()),
        Some(policy) => {
            let message = format!(
                "BackendTLSPolicy {} asks for TLS to Service {}/{}, which is not supported",
                policy.metadata.name.as_deref().unwrap_or_default(),
                to.namespace,
                to.name
            );
            Err(Problem::new(Reason::UnsupportedProtocol, message)
                .at(at)
                .remedy("remove the policy if the backend may be spoken to in the clear"))
        }
    }
}

/// The TCP port of that number.
pub(super) fn port_of(service: &Service, number: u16) -> Option<&ServicePort> {
    let ports = service.spec.as_ref()?.ports.as_ref()?;

    ports.iter().find(|port| {
        port.port == i32::from(number) && port.protocol.as_deref().unwrap_or("TCP") == "TCP"
    })
}

/// How the port's endpoints are spoken to; nothing, if we do not speak it.
///
/// Source: GEP-1911, and the IANA names that `appProtocol` may have.
pub(super) fn protocol(port: &ServicePort) -> Option<BackendProtocol> {
    match port.app_protocol.as_deref() {
        None | Some("" | "http" | "kubernetes.io/ws") => Some(BackendProtocol::Http1),
        Some("kubernetes.io/h2c") => Some(BackendProtocol::H2c),
        Some(_) => None,
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
