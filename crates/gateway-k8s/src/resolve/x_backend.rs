//! XBackends: names outside the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateway_core::model::{
    Backend, BackendProtocol, BackendPurpose, BackendTls, Hostname, ObjectName, ProxyVersion, Reach,
};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::annotations::Annotations;
use super::attach::Attached;
use super::backends::Purpose;
use super::field::Field;
use super::matches::unsupported;
use super::memo::Step;
use super::placing::Replaced;
use super::status::ancestor;
use super::view::View;
use super::{Settings, confined, traffic, x_backend_tls};
use crate::api::{ReferenceGrant, XBackend, XBackendProtocol, XBackendType};
use crate::infrastructure::Exposure;
use crate::verdict::{
    Condition, ConditionType, Decision, ParentVerdict, Problem, Reason, RouteVerdict, Verdict,
    Verdicts,
};
use crate::world::{Change, Kind, ObjectRef};

/// The API group of the experimental kinds.
pub(super) const GROUP: &str = "gateway.networking.x-k8s.io";

/// Which Gateways' routes refer to which XBackend, and how many of them.
#[derive(Debug, Default)]
pub(super) struct Ancestors {
    counts: BTreeMap<ObjectName, BTreeMap<ObjectName, usize>>,
}

impl Ancestors {
    /// Follows the routes that were looked at again, and tells every XBackend, for
    /// each Gateway whose routes refer to it, whether it can be used.
    pub(super) fn update(
        &mut self,
        step: Step<'_>,
        replaced: &[Replaced],
        verdicts: &mut Verdicts,
    ) {
        let mut again = BTreeSet::new();
        for Replaced { before, now, .. } in replaced {
            for (backend, gateway) in before.iter().flat_map(|attached| references(attached)) {
                self.remove(backend, gateway);
                again.insert(backend.clone());
            }
            for (backend, gateway) in now.iter().flat_map(|attached| references(attached)) {
                let counts = self.counts.entry(backend.clone()).or_default();
                *counts.entry(gateway.clone()).or_default() += 1;
                again.insert(backend.clone());
            }
        }
        for Change { before, now } in step.now.backends.changes(&step.before.backends) {
            let object = now.or(before).map(|object| ObjectRef::of(&**object));
            again.extend(object.map(|object| ObjectName::new(object.namespace, object.name)));
        }
        if step.touched.kinds & REFERRED != 0 {
            let all = step.now.backends.iter().map(|one| ObjectRef::of(&**one));
            again.extend(all.map(|object| ObjectName::new(object.namespace, object.name)));
        }
        for name in again {
            match self.verdict(step, &name) {
                Some(verdict) => verdicts.put(verdict),
                None => verdicts.remove(&ObjectRef::new::<XBackend>(name.namespace(), name.name())),
            }
        }
    }

    fn remove(&mut self, backend: &ObjectName, gateway: &ObjectName) {
        let Some(counts) = self.counts.get_mut(backend) else {
            return;
        };
        if let Some(count) = counts.get_mut(gateway) {
            *count -= 1;
            if *count == 0 {
                counts.remove(gateway);
            }
        }
        if counts.is_empty() {
            self.counts.remove(backend);
        }
    }

    fn verdict(&self, step: Step<'_>, name: &ObjectName) -> Option<Verdict> {
        let world = step.now;
        let confined = step.settings.exposure == Exposure::Dedicated;
        let loaded = world.backends.get(name.namespace(), name.name())?;
        let warnings = match read(&View::new(world), step.settings, loaded) {
            Ok(read) => read.warnings,
            Err(problem) => return Some(Verdict::warning(loaded, problem)),
        };
        let parents = self.counts.get(name)?.keys().map(|gateway| ParentVerdict {
            parent: ancestor(gateway),
            conditions: vec![Condition::judged(
                ConditionType::Accepted,
                Reason::Accepted,
                "the backend is used",
                if confined {
                    confined::of_backend(loaded, gateway.namespace())
                } else {
                    Vec::new()
                },
            )],
        });
        let verdict = RouteVerdict {
            parents: parents.collect(),
        };
        let decision = Decision::Backend(Arc::new(verdict));
        let verdict = Verdict::new(ObjectRef::of(&**loaded), loaded, decision);
        Some(verdict.with_warnings(&Arc::new(warnings)))
    }
}

/// The XBackends that a route refers to, each with the Gateways it does so for.
fn references(attached: &Attached) -> impl Iterator<Item = (&ObjectName, &ObjectName)> {
    let backends = attached.converted.backends.iter();
    let ours = backends.filter(|id| id.kind() == "XBackend");
    ours.flat_map(|id| {
        let gateways = attached.listeners.iter();
        gateways.map(|(gateway, _)| (id.object(), gateway))
    })
}

/// The port of an XBackend that can be used for this.
///
/// # Errors
///
/// What is not valid or not supported yet.
pub(super) fn target(
    view: &View<'_>,
    settings: &Settings,
    object: &XBackend,
    purpose: Purpose,
) -> Result<u16, Problem> {
    let read = read(view, settings, object)?;
    protocol(object.spec.protocol.as_ref(), purpose, read.tls.is_some())?;

    Ok(read.port)
}

/// The backend that an XBackend stands for; nothing, if it cannot be used.
pub(super) fn backend(
    view: &View<'_>,
    settings: &Settings,
    object: &XBackend,
    purpose: BackendPurpose,
) -> Option<Backend> {
    let read = read(view, settings, object).ok()?;
    let purpose = match purpose {
        BackendPurpose::Grpc => Purpose::Grpc,
        // What connections carry is none of our business.
        BackendPurpose::Any | BackendPurpose::Udp => Purpose::Requests,
    };
    let protocol = protocol(object.spec.protocol.as_ref(), purpose, read.tls.is_some());

    let backend = Backend::dns(read.host.as_str(), read.port).with_reach(settings.reach);
    let backend = backend.with_protocol(protocol.unwrap_or_default());
    let backend = match read.tls {
        Some(tls) => backend.with_tls(tls),
        None => backend,
    };
    Some(match read.proxy_protocol {
        Some(version) => backend.with_proxy_protocol(version),
        None => backend,
    })
}

/// An XBackend, whatever it is used for.
struct Read {
    port: u16,
    host: Hostname,
    tls: Option<BackendTls>,
    proxy_protocol: Option<ProxyVersion>,
    warnings: Vec<Problem>,
}

fn read(view: &View<'_>, settings: &Settings, object: &XBackend) -> Result<Read, Problem> {
    let (port, host) = place(settings, object)?;
    let annotations = Annotations::of(&object.metadata);
    let mut warnings = annotations.strays(traffic::OF_BACKENDS, |part| part == port.to_string());
    let tls = x_backend_tls::read(view, object).map_err(|problem| {
        // What routes are told of their references has a few reasons only.
        let unusable = Problem::new(Reason::UnsupportedProtocol, problem.message.clone());
        Problem {
            field: problem.field,
            remedy: problem.remedy,
            ..unusable
        }
    })?;
    let tls = tls.map(|(tls, unresolved)| {
        warnings.extend(unresolved);
        tls
    });

    Ok(Read {
        port,
        host,
        tls,
        proxy_protocol: traffic::sent(&annotations, port)?,
        warnings,
    })
}

/// The port and the name that an XBackend stands for, whatever it is used for.
///
/// # Errors
///
/// What is not valid or not supported yet.
fn place(settings: &Settings, object: &XBackend) -> Result<(u16, Hostname), Problem> {
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
    let host = hostname(settings, host.unwrap_or_default())?;
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

    Ok((port, host))
}

fn hostname(settings: &Settings, text: &str) -> Result<Hostname, Problem> {
    let at = Field::SPEC;
    let at = at.name("externalHostname");
    let refuse = |message: String| unsupported(message, &at.name("hostname"));
    let host = Hostname::new(text).map_err(|error| refuse(error.to_string()))?;

    let is_inside = match settings.reach {
        Reach::Anywhere => is_below(&host, "cluster.local"),
        Reach::Outside => is_of_the_cluster(&host),
    };
    if host.is_wildcard() || is_inside {
        let problem = refuse(format!("{text:?} is not a name outside the cluster"));
        return Err(problem.remedy("write the whole name of a host outside, or refer to a Service"));
    }

    Ok(host)
}

/// Whether it is a name that pods of a cluster have for Services, which are for references that
/// need grants, or for themselves.
fn is_of_the_cluster(host: &Hostname) -> bool {
    !host.as_str().contains('.') || is_below(host, "cluster.local") || is_below(host, "svc")
}

fn is_below(host: &Hostname, domain: &str) -> bool {
    let labels = host.as_str().strip_suffix(domain);
    labels.is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

/// How requests are sent to it. For connections, whatever a protocol of TCP is.
///
/// Source: `BackendSpec` of XBackend, with its rules on protocols and TLS.
fn protocol(
    written: Option<&XBackendProtocol>,
    purpose: Purpose,
    secured: bool,
) -> Result<BackendProtocol, Problem> {
    use XBackendProtocol::{Grpc, H2c, Http, Http2, Http11, Mcp, Tcp, Unknown, Wss};
    let at = Field::SPEC;
    let refuse = |message: String, remedy: &str| {
        let problem = Problem::new(Reason::UnsupportedProtocol, message);
        Err(problem.at(at.name("protocol")).remedy(remedy))
    };

    match (purpose, written.unwrap_or(&Http)) {
        (Purpose::Datagrams, _) => {
            let message = "an XBackend takes no datagrams".to_owned();
            refuse(message, "refer to a Service")
        }
        (_, other @ Unknown(_)) => refuse(format!("{other} is no protocol"), "use HTTP or TCP"),
        (_, H2c) if secured => refuse(
            "H2C is spoken without TLS".to_owned(),
            "use HTTP2, or tls.mode None",
        ),
        (_, other @ (Http2 | Wss)) if !secured => refuse(
            format!("{other} is spoken over TLS"),
            "set tls.mode to ServerOnly or ClientAndServer",
        ),
        (Purpose::Connections, _) | (Purpose::Requests, Http | Http11 | Wss) => {
            Ok(BackendProtocol::Http1)
        }
        (Purpose::Requests, H2c | Http2 | Grpc) | (Purpose::Grpc, Http | H2c | Http2 | Grpc) => {
            Ok(BackendProtocol::H2c)
        }
        (Purpose::Requests | Purpose::Grpc, other @ (Http11 | Mcp | Tcp | Wss)) => refuse(
            format!("{other} is not spoken with backends of this route"),
            "use HTTP, HTTP11, HTTP2, H2C or GRPC",
        ),
    }
}

/// What an XBackend refers to.
const REFERRED: u64 = ConfigMap::BIT | Secret::BIT | ReferenceGrant::BIT;
