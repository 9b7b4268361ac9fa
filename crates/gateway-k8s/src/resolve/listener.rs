//! Listeners of a Gateway.

use std::sync::Arc;

use gateway_core::model::{self, Hostname, Protocol, Route, SectionName};

use super::certificate;
use super::field::Field;
use super::grants::From;
use super::matches::unsupported;
use super::selector::Namespaces;
use super::view::View;
use crate::api::{AllowedRoutes, Gateway, Listener, TlsMode};
use crate::verdict::{Problem, Reason, SupportedKind};

/// A listener as it was understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ListenerPlan {
    pub(super) name: SectionName,
    pub(super) port: u16,
    pub(super) hostname: Option<Hostname>,
    /// What it speaks, if we do.
    pub(super) protocol: Option<Protocol>,
    pub(super) kinds: Vec<SupportedKind>,
    /// Nothing, if what is written means nothing: then nobody is admitted.
    pub(super) namespaces: Option<Namespaces>,
    /// Why it is not accepted.
    pub(super) refused: Vec<Problem>,
    /// With which listeners it conflicts.
    pub(super) conflicts: Vec<Problem>,
    pub(super) unresolved: Vec<Problem>,
}

impl ListenerPlan {
    pub(super) fn is_accepted(&self) -> bool {
        self.refused.is_empty() && self.conflicts.is_empty()
    }

    /// Whether requests can be served. Kinds of routes that it cannot have do
    /// not stop it from serving those it can.
    pub(super) fn is_served(&self) -> bool {
        let harmless = |problem: &Problem| problem.reason == Reason::InvalidRouteKinds;

        self.is_accepted() && self.protocol.is_some() && self.unresolved.iter().all(harmless)
    }

    /// The listener of the model, with its routes.
    pub(super) fn model(&self, routes: Vec<Arc<Route>>) -> model::Listener {
        let listener = model::Listener::http(self.name.clone(), self.port);
        let listener = match &self.hostname {
            Some(hostname) => listener.with_hostname(hostname.clone()),
            None => listener,
        };
        listener.with_routes(routes)
    }

    pub(super) fn takes(&self, group: &str, kind: &str) -> bool {
        self.kinds
            .iter()
            .any(|one| one.group == group && one.kind == kind)
    }
}

/// Reads one listener, apart from its siblings.
pub(super) fn plan(
    view: &View<'_>,
    namespace: &str,
    written: &Listener,
    at: &Field<'_>,
) -> ListenerPlan {
    let spoken = spoken(&written.protocol);
    let mut plan = ListenerPlan {
        name: written.name.as_str().into(),
        port: u16::try_from(written.port).unwrap_or_default(),
        hostname: None,
        protocol: spoken.protocol.clone(),
        kinds: spoken.kinds.to_vec(),
        namespaces: None,
        refused: Vec::new(),
        conflicts: Vec::new(),
        unresolved: Vec::new(),
    };

    if spoken.protocol.is_none() {
        let message = format!("protocol {} is not supported", written.protocol);
        let problem = Problem::new(Reason::UnsupportedProtocol, message).at(at.name("protocol"));
        plan.refused.push(problem.remedy("use protocol HTTP"));
    }
    if plan.port == 0 {
        let message = format!("{} is not between 1 and 65535", written.port);
        plan.refused.push(unsupported(message, &at.name("port")));
    }
    match written
        .hostname
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(Hostname::new)
    {
        Some(Ok(hostname)) => plan.hostname = Some(hostname),
        Some(Err(error)) => plan
            .refused
            .push(unsupported(error.to_string(), &at.name("hostname"))),
        None => {}
    }
    if written
        .filters
        .as_ref()
        .is_some_and(|filters| filters.requests.is_some())
    {
        let at = at.name("filters");
        plan.refused
            .push(unsupported("filters of listeners are not supported", &at));
    }
    allowed_routes(
        &mut plan,
        written.allowed_routes.as_ref(),
        &at.name("allowedRoutes"),
    );
    tls(&mut plan, view, namespace, written, &at.name("tls"));

    plan
}

/// What a protocol means here.
struct Spoken {
    protocol: Option<Protocol>,
    kinds: &'static [SupportedKind],
}

/// The one list of protocols. A protocol without `protocol` is known but not
/// spoken; its references are checked all the same.
fn spoken(protocol: &str) -> Spoken {
    match protocol {
        "HTTP" => Spoken {
            protocol: Some(Protocol::Http),
            kinds: &[HTTP_ROUTE],
        },
        "HTTPS" => Spoken {
            protocol: None,
            kinds: &[HTTP_ROUTE],
        },
        _ => Spoken {
            protocol: None,
            kinds: &[],
        },
    }
}

fn allowed_routes(plan: &mut ListenerPlan, written: Option<&AllowedRoutes>, at: &Field<'_>) {
    match Namespaces::read(written.and_then(|written| written.namespaces.as_ref())) {
        Ok(namespaces) => plan.namespaces = Some(namespaces),
        Err(message) => plan
            .refused
            .push(unsupported(message, &at.name("namespaces"))),
    }
    let Some(asked) = written.and_then(|written| written.kinds.as_ref()) else {
        return;
    };
    if asked.is_empty() {
        return;
    }

    let mut kinds = Vec::new();
    for (index, one) in asked.iter().enumerate() {
        let group = one.group.as_deref().unwrap_or(super::GATEWAY_GROUP);
        let mut possible = plan.kinds.iter();
        match possible.find(|kind| kind.group == group && kind.kind == one.kind) {
            Some(kind) if !kinds.contains(kind) => kinds.push(*kind),
            Some(_) => {}
            None => {
                let message = format!(
                    "routes of kind {} cannot be attached to this listener",
                    one.kind
                );
                let problem = Problem::new(Reason::InvalidRouteKinds, message);
                plan.unresolved.push(problem.at(at.item("kinds", index)));
            }
        }
    }
    plan.kinds = kinds;
}

fn tls(
    plan: &mut ListenerPlan,
    view: &View<'_>,
    namespace: &str,
    written: &Listener,
    at: &Field<'_>,
) {
    let Some(tls) = &written.tls else {
        return;
    };
    if matches!(written.protocol.as_str(), "HTTP" | "TCP" | "UDP") {
        let message = format!("a listener of protocol {} has no TLS", written.protocol);
        plan.refused.push(unsupported(message, at));
        return;
    }
    if tls.mode == Some(TlsMode::Passthrough) {
        return;
    }

    for (index, reference) in tls.certificate_refs.iter().flatten().enumerate() {
        let from = From::kind::<Gateway>(namespace);
        let at = at.item("certificateRefs", index);
        if let Err(problem) =
            certificate::check(view, from, reference, Reason::InvalidCertificateRef, &at)
        {
            plan.unresolved.push(problem);
        }
    }
}

/// Finds listeners of one Gateway that cannot be told apart, and says so on each
/// of them: the API forbids to choose a winner.
pub(super) fn conflicts(plans: &mut [ListenerPlan], written: &[Listener]) {
    let found: Vec<_> = (0..plans.len())
        .map(|index| {
            let mut others = (0..plans.len()).filter(|other| *other != index);
            others.find_map(|other| conflict(plans, written, index, other))
        })
        .collect();

    for (plan, problem) in plans.iter_mut().zip(found) {
        plan.conflicts.extend(problem);
    }
}

fn conflict(
    plans: &[ListenerPlan],
    written: &[Listener],
    one: usize,
    other: usize,
) -> Option<Problem> {
    let (mine, theirs) = (
        transport(&written[one].protocol)?,
        transport(&written[other].protocol)?,
    );
    let at = Field::SPEC;
    let at = at.item("listeners", one);
    let name = &plans[other].name;

    if written[one].port != written[other].port || mine.0 != theirs.0 {
        None
    } else if mine.1 != theirs.1 {
        let message = format!(
            "listener {name} speaks {} on port {}",
            written[other].protocol, written[other].port
        );
        let problem = Problem::new(Reason::ProtocolConflict, message);
        Some(problem.at(at.name("protocol")).remedy("use another port"))
    } else if written[one].protocol == written[other].protocol
        && plans[one].hostname == plans[other].hostname
    {
        let message = format!("listener {name} has the same port, protocol and hostname");
        let problem = Problem::new(Reason::HostnameConflict, message);
        Some(
            problem
                .at(at)
                .remedy("give one of them another port or hostname"),
        )
    } else {
        None
    }
}

/// What carries a protocol, and with which others it can share a port.
fn transport(protocol: &str) -> Option<(&'static str, &'static str)> {
    match protocol {
        "HTTP" => Some(("TCP", "HTTP")),
        "HTTPS" | "TLS" => Some(("TCP", "TLS")),
        "TCP" => Some(("TCP", "TCP")),
        "UDP" => Some(("UDP", "UDP")),
        _ => None,
    }
}

const HTTP_ROUTE: SupportedKind = SupportedKind {
    group: super::GATEWAY_GROUP,
    kind: "HTTPRoute",
};
