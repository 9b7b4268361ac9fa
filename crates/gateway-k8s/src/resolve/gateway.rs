//! Gateways: what they ask for, and what they get.

use std::net::IpAddr;
use std::sync::Arc;

use gateway_core::model::{self, ObjectName, Route};

use super::address::{self, Wanted};
use super::certificate;
use super::field::Field;
use super::gateway_class;
use super::grants::From;
use super::listener::{self, ListenerPlan};
use super::matches::unsupported;
use super::view::View;
use crate::api::{Gateway, GatewayClass};
use crate::verdict::{Problem, Reason};
use crate::world::{Loaded, ObjectRef};

/// A Gateway as it was understood.
#[derive(Debug, PartialEq)]
pub(super) struct GatewayPlan {
    pub(super) object: ObjectRef,
    pub(super) name: ObjectName,
    pub(super) created: u64,
    pub(super) wanted: Wanted,
    /// Where it listens; empty means everywhere.
    pub(super) addresses: Vec<IpAddr>,
    pub(super) unassigned: Option<Problem>,
    pub(super) listeners: Vec<ListenerPlan>,
    /// Why the whole is not accepted.
    pub(super) refused: Vec<Problem>,
    pub(super) unresolved: Vec<Problem>,
    pub(super) warnings: Arc<Vec<Problem>>,
}

impl GatewayPlan {
    /// Reads a Gateway, apart from others.
    pub(super) fn new(view: &View<'_>, class: &GatewayClass, loaded: &Loaded<Gateway>) -> Self {
        let object = ObjectRef::of(&**loaded);
        let (wanted, addresses) = address::wanted(loaded);
        let mut refused = parameters(class, loaded);
        refused.extend(validity(loaded));
        refused.extend(addresses);

        let at = Field::SPEC;
        let written = &loaded.spec.listeners;
        let listeners = written.iter().enumerate().map(|(index, one)| {
            listener::plan(view, &object.namespace, one, &at.item("listeners", index))
        });
        let mut listeners: Vec<_> = listeners.collect();
        listener::conflicts(&mut listeners, written);

        Self {
            name: ObjectName::new(Arc::clone(&object.namespace), Arc::clone(&object.name)),
            created: super::created(&loaded.metadata),
            wanted,
            addresses: Vec::new(),
            unassigned: None,
            listeners,
            refused,
            unresolved: client_certificate(view, &object, loaded),
            warnings: Arc::new(warnings(loaded)),
            object,
        }
    }

    /// Whether it is accepted as a whole; single listeners may not be.
    pub(super) fn is_accepted(&self) -> bool {
        self.refused.is_empty()
    }

    pub(super) fn is_served(&self) -> bool {
        self.is_accepted() && self.unassigned.is_none()
    }

    /// How many addresses it still lacks.
    pub(super) fn missing(&self) -> usize {
        (self.wanted.fixed.len() + self.wanted.any).saturating_sub(self.addresses.len())
    }

    /// The gateway of the model, with the routes of each of its listeners. Listeners
    /// that are equal to those it had `last` are those.
    pub(super) fn model(
        &self,
        routes: Vec<Vec<Arc<Route>>>,
        last: Option<&model::Gateway>,
    ) -> Option<model::Gateway> {
        if !self.is_served() || !self.listeners.iter().any(ListenerPlan::is_served) {
            return None;
        }
        let gateway = model::Gateway::new(self.name.clone());
        let addresses = self.addresses.iter().copied();
        let gateway = addresses.fold(gateway, model::Gateway::with_address);
        let served = self.listeners.iter().zip(routes);
        let served = served.filter(|(one, _)| one.is_served());

        Some(served.fold(gateway, |gateway, (listener, routes)| {
            let now = listener.model(routes);
            let mut last = last.iter().flat_map(|last| last.listeners());
            let same = last.find(|last| ***last == now).map(Arc::clone);
            gateway.with_listener(same.unwrap_or_else(|| Arc::new(now)))
        }))
    }
}

/// Neither a class nor a Gateway can have parameters, so none can be found.
fn parameters(class: &GatewayClass, gateway: &Gateway) -> Vec<Problem> {
    let mut problems = gateway_class::parameters(class);
    for problem in &mut problems {
        problem.message = format!("its GatewayClass is not accepted: {problem}");
        problem.field = Some(Field::SPEC.name("gatewayClassName").to_string());
    }

    let infrastructure = gateway.spec.infrastructure.as_ref();
    if let Some(reference) = infrastructure.and_then(|one| one.parameters_ref.as_ref()) {
        let message = format!(
            "{} {} is no kind of parameters",
            reference.kind, reference.name
        );
        let at = Field::SPEC;
        let at = at.name("infrastructure");
        let problem = Problem::new(Reason::InvalidParameters, message).at(at.name("parametersRef"));
        problems.push(problem.remedy("remove parametersRef"));
    }

    problems
}

/// What an API server would have refused.
fn validity(gateway: &Gateway) -> Vec<Problem> {
    let listeners = &gateway.spec.listeners;
    let invalid = |message: String| Problem::new(Reason::Invalid, message);
    let at = Field::SPEC;
    let mut problems = Vec::new();

    if !(1..=64).contains(&listeners.len()) {
        let message = format!("there are {} listeners, not 1 to 64", listeners.len());
        problems.push(invalid(message).at(at.name("listeners")));
    }
    if gateway
        .spec
        .addresses
        .as_ref()
        .is_some_and(|addresses| addresses.len() > 16)
    {
        problems.push(invalid("has more than 16 entries".to_owned()).at(at.name("addresses")));
    }
    for (index, listener) in listeners.iter().enumerate() {
        if listeners[..index]
            .iter()
            .any(|other| other.name == listener.name)
        {
            let message = format!("another listener is called {:?}", listener.name);
            let at = at.item("listeners", index);
            problems.push(invalid(message).at(at.name("name")));
        }
    }

    problems
}

fn client_certificate(view: &View<'_>, object: &ObjectRef, gateway: &Gateway) -> Vec<Problem> {
    let tls = gateway.spec.tls.as_ref();
    let backend = tls.and_then(|tls| tls.backend.as_ref());
    let Some(reference) = backend.and_then(|one| one.client_certificate_ref.as_ref()) else {
        return Vec::new();
    };
    let from = From::kind::<Gateway>(&object.namespace);
    let reason = Reason::InvalidClientCertificateRef;
    let at = Field::SPEC;
    let at = at.name("tls.backend.clientCertificateRef");

    certificate::check(view, from, reference, reason, &at)
        .err()
        .into_iter()
        .collect()
}

/// Fields that are not obeyed, where the API has no condition to say so.
fn warnings(gateway: &Gateway) -> Vec<Problem> {
    let spec = &gateway.spec;
    let tls = spec.tls.as_ref();
    let mut problems = Vec::new();
    let at = Field::SPEC;
    let mut warn = |present: bool, field: Field<'_>, message: &str| {
        if present {
            problems.push(unsupported(message, &field));
        }
    };

    warn(
        tls.is_some_and(|tls| tls.frontend.is_some()),
        at.name("tls.frontend"),
        "certificates of clients are not supported",
    );
    warn(
        tls.is_some_and(|tls| tls.backend.is_some()),
        at.name("tls.backend"),
        "TLS with backends is not supported",
    );
    warn(
        spec.default_scope
            .as_ref()
            .is_some_and(|scope| scope.as_str() != "None"),
        at.name("defaultScope"),
        "a Gateway cannot be a default Gateway",
    );
    let listeners = spec
        .allowed_listeners
        .as_ref()
        .and_then(|one| one.namespaces.as_ref());
    let from = listeners.and_then(|one| one.from.as_ref());
    warn(
        from.is_some_and(|from| from.as_str() != "None"),
        at.name("allowedListeners"),
        "ListenerSets are not supported",
    );
    let infrastructure = spec.infrastructure.as_ref();
    warn(
        infrastructure.is_some_and(|one| one.labels.is_some() || one.annotations.is_some()),
        at.name("infrastructure"),
        "no objects are made for a Gateway that could be labelled or annotated",
    );

    problems
}
