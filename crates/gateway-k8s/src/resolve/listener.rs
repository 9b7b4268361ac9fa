//! Listeners of a Gateway, its own and those of ListenerSets.

use std::sync::Arc;

use gateway_core::model::{
    self, Certificate, Hostname, Protocol, SectionName, TlsMode as ModelMode,
};

use super::annotations::Annotations;
use super::certificate::Certificates;
use super::field::Field;
use super::frontend::Frontend;
use super::grants::From;
use super::matches::unsupported;
use super::route::ModelRoute;
use super::selector::Namespaces;
use super::spoken::Spoken;
use super::termination;
use super::traffic::{self, Traffic};
use super::view::View;
use crate::api::{AllowedRoutes, Listener, TlsMode};
use crate::verdict::{Problem, Reason, SupportedKind};

/// A listener as it was understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ListenerPlan {
    pub(super) name: SectionName,
    /// The ListenerSet of the Gateway that it is of, by its place; none, if it is
    /// the Gateway's own.
    pub(super) set: Option<usize>,
    /// Its place among the listeners of its object.
    pub(super) index: usize,
    pub(super) port: u16,
    /// Where it listens, if that is somewhere else.
    pub(super) behind: Behind,
    pub(super) hostname: Option<Hostname>,
    /// Nothing, if the protocol is not known.
    pub(super) spoken: Option<Spoken>,
    /// What it speaks, if it can.
    pub(super) protocol: Option<Protocol>,
    pub(super) kinds: Vec<SupportedKind>,
    /// Nothing, if what is written means nothing: then nobody is admitted.
    pub(super) namespaces: Option<Namespaces>,
    /// What is set about its connections, or its sessions.
    pub(super) traffic: Traffic,
    /// Why it is not accepted.
    pub(super) refused: Vec<Problem>,
    /// With which listeners it conflicts.
    pub(super) conflicts: Vec<Problem>,
    /// With which listener it shares names that clients could mix up, and how.
    pub(super) overlaps: Option<(Reason, String)>,
    pub(super) unresolved: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl ListenerPlan {
    pub(super) fn is_accepted(&self) -> bool {
        self.refused.is_empty() && self.conflicts.is_empty()
    }

    /// Whether clients can be served. Kinds of routes that it cannot have do not
    /// stop it from serving those it can, nor does one bad certificate of several.
    pub(super) fn is_served(&self) -> bool {
        self.is_accepted() && self.protocol.is_some() && self.behind != Behind::Missing
    }

    /// The listener of the model, with its routes; nothing, if it cannot be served.
    pub(super) fn model(
        &self,
        name: SectionName,
        routes: Vec<ModelRoute>,
    ) -> Option<model::Listener> {
        let mut requests = Vec::with_capacity(routes.len());
        let mut streams = Vec::new();
        for route in routes {
            match route {
                ModelRoute::Requests(route) => requests.push(route),
                ModelRoute::Streams(route) => streams.push(route),
            }
        }
        let listener = model::Listener::new(name, self.port, self.protocol.clone()?);
        let listener = match &self.hostname {
            Some(hostname) => listener.with_hostname(hostname.clone()),
            None => listener,
        };
        let listener = match self.behind {
            Behind::Other(port) => listener.with_bound_port(port),
            Behind::Same | Behind::Missing => listener,
        };
        let listener = self.traffic.apply(listener);

        let streams = streams.into_iter();
        Some(streams.fold(
            listener.with_routes(requests),
            model::Listener::with_stream_route,
        ))
    }

    /// The certificates that it serves.
    pub(super) fn certificates(&self) -> &[Arc<Certificate>] {
        match &self.protocol {
            Some(Protocol::Https(tls) | Protocol::Tls(ModelMode::Terminate(tls))) => {
                tls.certificates()
            }
            None
            | Some(
                Protocol::Http
                | Protocol::Tls(ModelMode::Passthrough)
                | Protocol::Tcp
                | Protocol::Udp,
            ) => &[],
        }
    }

    pub(super) fn takes(&self, group: &str, kind: &str) -> bool {
        self.kinds
            .iter()
            .any(|one| one.group == group && one.kind == kind)
    }
}

/// The port behind the one that clients use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Behind {
    /// It is the same.
    #[default]
    Same,
    /// Another.
    Other(u16),
    /// None yet.
    Missing,
}

/// What a listener depends on besides itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a, 'w> {
    pub(super) view: &'a View<'w>,
    pub(super) certificates: &'a Certificates,
    pub(super) frontend: &'a Frontend,
    /// Who refers to its certificates.
    pub(super) from: From<'a>,
    /// The place of its ListenerSet.
    pub(super) set: Option<usize>,
    /// Those of its object.
    pub(super) annotations: &'a Annotations<'a>,
}

/// Reads the listeners of one object, apart from each other.
pub(super) fn plans(around: Surroundings<'_, '_>, written: &[Listener]) -> Vec<ListenerPlan> {
    let at = Field::SPEC;
    let listeners = written.iter().enumerate();

    listeners
        .map(|(index, one)| plan(around, index, one, &at.item("listeners", index)))
        .collect()
}

fn plan(
    around: Surroundings<'_, '_>,
    index: usize,
    written: &Listener,
    at: &Field<'_>,
) -> ListenerPlan {
    let spoken = Spoken::of(written);
    let mut plan = ListenerPlan {
        name: written.name.as_str().into(),
        set: around.set,
        index,
        port: u16::try_from(written.port).unwrap_or_default(),
        behind: Behind::default(),
        hostname: None,
        spoken,
        protocol: None,
        kinds: spoken.map_or(&[][..], Spoken::kinds).to_vec(),
        namespaces: None,
        traffic: Traffic::default(),
        refused: Vec::new(),
        conflicts: Vec::new(),
        overlaps: None,
        unresolved: Vec::new(),
        warnings: Vec::new(),
    };

    if plan.port == 0 {
        let message = format!("{} is not between 1 and 65535", written.port);
        plan.refused.push(unsupported(message, &at.name("port")));
    }
    hostname(&mut plan, written, &at.name("hostname"));
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
    match spoken {
        Some(spoken) => {
            protocol(&mut plan, around, spoken, written, at);
            let read = traffic::read(around.annotations, &written.name, spoken);
            plan.traffic = read.traffic;
            plan.refused.extend(read.refused);
            plan.warnings.extend(read.warnings);
        }
        None => {
            let message = format!("protocol {} is not supported", written.protocol);
            let problem = Problem::new(Reason::UnsupportedProtocol, message);
            plan.refused.insert(0, problem.at(at.name("protocol")));
        }
    }

    plan
}

fn hostname(plan: &mut ListenerPlan, written: &Listener, at: &Field<'_>) {
    let Some(text) = written.hostname.as_deref().filter(|text| !text.is_empty()) else {
        return;
    };
    let refuse = |message: String| unsupported(message, at);

    match Hostname::new(text) {
        _ if plan.spoken.is_some_and(|spoken| !spoken.has_hostnames()) => {
            let message = format!(
                "a listener of protocol {} has no hostname",
                written.protocol
            );
            plan.refused.push(refuse(message));
        }
        Ok(hostname) => plan.hostname = Some(hostname),
        Err(error) => plan.refused.push(refuse(error.to_string())),
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

/// Reads what a listener speaks, with everything that this needs.
fn protocol(
    plan: &mut ListenerPlan,
    around: Surroundings<'_, '_>,
    spoken: Spoken,
    written: &Listener,
    at: &Field<'_>,
) {
    let at = at.name("tls");
    let mode = written.tls.as_ref().and_then(|tls| tls.mode.as_ref());
    let refuse = |message: String, at: &Field<'_>| unsupported(message, at);

    match (spoken, mode) {
        (Spoken::Http | Spoken::Tcp | Spoken::Udp, _) if written.tls.is_some() => {
            let message = format!("a listener of protocol {} has no TLS", written.protocol);
            plan.refused.push(refuse(message, &at));
        }
        (Spoken::Http, _) => plan.protocol = Some(Protocol::Http),
        (Spoken::Tcp, _) => plan.protocol = Some(Protocol::Tcp),
        (Spoken::Udp, _) => plan.protocol = Some(Protocol::Udp),
        (Spoken::TlsPassthrough, _) => {
            plan.protocol = Some(Protocol::Tls(ModelMode::Passthrough));
        }
        (Spoken::Https | Spoken::TlsTerminated, Some(TlsMode::Unknown(other))) => {
            let message = format!("{other:?} is not a mode of TLS");
            plan.refused.push(refuse(message, &at.name("mode")));
        }
        (Spoken::Https, Some(TlsMode::Passthrough)) => {
            let message = "a listener of protocol HTTPS ends TLS itself".to_owned();
            let problem = refuse(message, &at.name("mode"));
            plan.refused
                .push(problem.remedy("use protocol TLS, or mode Terminate"));
        }
        (Spoken::Https | Spoken::TlsTerminated, _) => {
            let asked = around.frontend.on(plan.port);
            let tls = written.tls.as_ref();
            let Surroundings {
                view,
                certificates,
                from,
                ..
            } = around;
            let read = termination::read(view, certificates, from, tls, asked, &at);
            let termination = read.termination.as_ref().map(Arc::clone);
            plan.protocol = termination.map(|termination| match spoken {
                Spoken::Https => Protocol::Https(termination),
                _ => Protocol::Tls(ModelMode::Terminate(termination)),
            });
            plan.refused.extend(read.refused);
            plan.unresolved.extend(read.unresolved);
            plan.warnings.extend(read.warnings);
        }
    }
}
