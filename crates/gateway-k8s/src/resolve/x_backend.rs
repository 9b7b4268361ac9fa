//! XBackends: names outside the cluster.

use std::net::Ipv4Addr;

use gateway_core::model::{Backend, BackendProtocol, Hostname};

use super::field::Field;
use super::matches::unsupported;
use crate::api::{XBackend, XBackendProtocol, XBackendTlsMode, XBackendType};
use crate::verdict::{Problem, Reason};

/// The API group of the experimental kinds.
pub(super) const GROUP: &str = "gateway.networking.x-k8s.io";

/// The port and the backend that an XBackend stands for.
///
/// # Errors
///
/// What is not valid or not supported yet.
pub(super) fn target(object: &XBackend) -> Result<(u16, Backend), Problem> {
    let spec = &object.spec;
    let at = Field::SPEC;

    match &spec.r#type {
        XBackendType::ExternalHostname => {}
        XBackendType::EndpointSelector => {
            let problem = unsupported("endpointSelector is not supported", &at.name("type"));
            return Err(problem.remedy("refer to a Service with this selector"));
        }
        XBackendType::Unknown(other) => {
            let message = format!("{other:?} is not a type of XBackend");
            return Err(unsupported(message, &at.name("type")));
        }
    }
    if let Some(tls) = &spec.tls
        && tls.mode != XBackendTlsMode::None
    {
        let message = format!("TLS with backends ({}) is not supported", tls.mode);
        return Err(
            Problem::new(Reason::UnsupportedProtocol, message).at(at.name("tls").name("mode"))
        );
    }
    if spec.session_persistence.is_some() {
        return Err(unsupported(
            "only a backend of type EndpointSelector can have it",
            &at.name("sessionPersistence"),
        ));
    }

    let host = spec
        .external_hostname
        .as_ref()
        .map(|external| external.hostname.as_str());
    let host = hostname(host.unwrap_or_default())?;
    let port = spec
        .port
        .number
        .and_then(|number| u16::try_from(number).ok());
    let port = port.filter(|port| *port != 0).ok_or_else(|| {
        unsupported(
            "there is no port between 1 and 65535",
            &at.name("port").name("number"),
        )
    })?;
    let backend =
        Backend::dns(host.as_str(), port).with_protocol(protocol(spec.protocol.as_ref())?);

    Ok((port, backend))
}

fn hostname(text: &str) -> Result<Hostname, Problem> {
    let at = Field::SPEC;
    let at = at.name("externalHostname");
    let refuse = |message: String| unsupported(message, &at.name("hostname"));
    let host = Hostname::new(text).map_err(|error| refuse(error.to_string()))?;

    // The names of the cluster are for Services, whose references need grants.
    if host.is_wildcard() || text.parse::<Ipv4Addr>().is_ok() || text.ends_with(".cluster.local") {
        return Err(refuse(format!(
            "{text:?} is not a name outside the cluster"
        )));
    }

    Ok(host)
}

fn protocol(written: Option<&XBackendProtocol>) -> Result<BackendProtocol, Problem> {
    match written {
        None | Some(XBackendProtocol::Http | XBackendProtocol::Http11) => {
            Ok(BackendProtocol::Http1)
        }
        Some(XBackendProtocol::H2c) => Ok(BackendProtocol::H2c),
        Some(other) => {
            let message = format!("{other} is not spoken with backends");
            let problem = Problem::new(Reason::UnsupportedProtocol, message);
            Err(problem
                .at(Field::SPEC.name("protocol"))
                .remedy("use HTTP, HTTP11 or H2C"))
        }
    }
}
