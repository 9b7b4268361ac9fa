//! Gateways: what they ask for, and what they get.

use std::net::IpAddr;
use std::sync::Arc;

use gateway_core::model::{self, Certificate, ObjectName, SectionName};

use super::Settings;
use super::address::{self, Wanted};
use super::annotations::Annotations;
use super::certificate::{self, Certificates};
use super::confined;
use super::conflicts;
use super::field::Field;
use super::frontend::Frontend;
use super::gateway_class;
use super::grants::From;
use super::listener::{self, ListenerPlan, Surroundings};
use super::listener_set::{self, ByGateway, SetPlan};
use super::matches::unsupported;
use super::pods;
use super::route::ModelRoute;
use super::view::View;
use crate::api::{Gateway, GatewayClass, ListenerSet};
use crate::infrastructure::{Exposure, Published};
use crate::verdict::{Problem, Reason};
use crate::world::{Loaded, ObjectRef};

/// A Gateway as it was understood.
#[derive(Debug, PartialEq)]
pub(super) struct GatewayPlan {
    pub(super) object: ObjectRef,
    pub(super) name: ObjectName,
    pub(super) class: Arc<str>,
    pub(super) created: u64,
    pub(super) wanted: Wanted,
    /// Where it listens; empty means everywhere.
    pub(super) addresses: Vec<IpAddr>,
    pub(super) unassigned: Option<Problem>,
    /// What its Service says, if clients come through one.
    pub(super) published: Option<Published>,
    /// Why clients cannot come, though it is served.
    pub(super) unreachable: Option<Problem>,
    /// Its own, and then those of its ListenerSets, in the order of precedence.
    pub(super) listeners: Vec<ListenerPlan>,
    pub(super) sets: Vec<SetPlan>,
    /// What it shows to backends that ask who it is.
    pub(super) client_certificate: Option<Arc<Certificate>>,
    /// Whether it lets clients in that show no valid certificate.
    pub(super) insecure: bool,
    /// Why the whole is not accepted.
    pub(super) refused: Vec<Problem>,
    pub(super) unresolved: Vec<Problem>,
    pub(super) warnings: Arc<Vec<Problem>>,
}

/// What Gateways depend on besides themselves.
#[derive(Debug)]
pub(super) struct Planning<'a, 'w> {
    pub(super) settings: &'a Settings,
    pub(super) view: &'a View<'w>,
    pub(super) certificates: &'a Certificates,
    pub(super) sets: &'a ByGateway<'w>,
}

impl GatewayPlan {
    /// Reads a Gateway, apart from others.
    pub(super) fn new(
        planning: &Planning<'_, '_>,
        class: &GatewayClass,
        loaded: &Loaded<Gateway>,
    ) -> Self {
        let object = ObjectRef::of(&**loaded);
        let view = planning.view;
        let (wanted, addresses) = address::wanted(loaded);
        let tls = loaded.spec.tls.as_ref();
        let written = tls.and_then(|tls| tls.frontend.as_ref());
        let confined = planning.settings.exposure == Exposure::Dedicated;
        let frontend = Frontend::read(view, &object.namespace, written, confined);
        let mut refused = parameters(class, loaded);
        refused.extend(validity(loaded));
        refused.extend(addresses);
        refused.extend(frontend.refused.iter().cloned());

        let client = client_certificate(planning, &object, loaded);
        let mut plan = Self {
            name: ObjectName::new(Arc::clone(&object.namespace), Arc::clone(&object.name)),
            class: loaded.spec.gateway_class_name.as_str().into(),
            created: super::created(&loaded.metadata),
            wanted,
            addresses: Vec::new(),
            unassigned: None,
            published: None,
            unreachable: None,
            listeners: Vec::new(),
            sets: Vec::new(),
            client_certificate: client.certificate,
            insecure: frontend.is_insecure(),
            refused,
            unresolved: client.problem.into_iter().collect(),
            warnings: Arc::default(),
            object,
        };
        plan.read_listeners(planning, &frontend, loaded);
        if confined {
            confined::confine(&mut plan, loaded, planning.sets);
        }
        let mut warnings = warnings(planning.settings, loaded);
        let own = plan.listeners.iter().filter(|one| one.set.is_none());
        warnings.extend(own.flat_map(|one| one.warnings.iter().cloned()));
        plan.warnings = Arc::new(warnings);

        plan
    }

    fn read_listeners(
        &mut self,
        planning: &Planning<'_, '_>,
        frontend: &Frontend,
        loaded: &Loaded<Gateway>,
    ) {
        let annotations = Annotations::of(&loaded.metadata);
        let own = Surroundings {
            view: planning.view,
            certificates: planning.certificates,
            frontend,
            from: From::kind::<Gateway>(&self.object.namespace),
            set: None,
            annotations: &annotations,
        };
        let mut listeners = listener::plans(own, &loaded.spec.listeners);

        for (index, set) in planning.sets.of(&self.name).iter().enumerate() {
            let plan = listener_set::plan(planning.view, loaded, self.is_accepted(), set);
            if plan.is_taken() {
                let annotations = Annotations::of(&set.metadata);
                let around = Surroundings {
                    annotations: &annotations,
                    from: From::kind::<ListenerSet>(&plan.object.namespace),
                    set: Some(index),
                    ..own
                };
                listeners.extend(listener::plans(around, &set.spec.listeners));
            }
            self.sets.push(plan);
        }
        conflicts::find(&mut listeners, &self.sets);
        conflicts::find_overlaps(&mut listeners, &self.sets);
        conflicts::settle_traffic(&mut listeners, &self.sets);
        self.listeners = listeners;
    }

    /// The namespace of the object that a listener is written in.
    pub(super) fn namespace_of(&self, listener: &ListenerPlan) -> &str {
        let set = listener.set.and_then(|set| self.sets.get(set));

        set.map_or(self.name.namespace(), |set| set.name.namespace())
    }

    /// The listeners of one of its ListenerSets, or its own.
    pub(super) fn listeners_of(
        &self,
        set: Option<usize>,
    ) -> impl Iterator<Item = (usize, &ListenerPlan)> {
        let all = self.listeners.iter().enumerate();

        all.filter(move |(_, listener)| listener.set == set)
    }

    /// What they are called, for a person who has to choose one.
    pub(super) fn names_of(&self, set: Option<usize>) -> String {
        let names: Vec<_> = self
            .listeners_of(set)
            .map(|(_, one)| format!("{} (port {})", one.name, one.port))
            .collect();

        names.join(", ")
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

    /// Listeners of different objects may be namesakes.
    fn model_name(&self, listener: &ListenerPlan) -> SectionName {
        match listener.set.and_then(|set| self.sets.get(set)) {
            Some(set) => format!("{}/{}", set.name, listener.name).as_str().into(),
            None => listener.name.clone(),
        }
    }

    /// The gateway of the model, with the routes of each of its listeners. Listeners
    /// that are equal to those it had `last` are those.
    pub(super) fn model(
        &self,
        routes: Vec<Vec<ModelRoute>>,
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
            let Some(now) = listener.model(self.model_name(listener), routes) else {
                return gateway;
            };
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

fn client_certificate(
    planning: &Planning<'_, '_>,
    object: &ObjectRef,
    gateway: &Gateway,
) -> certificate::Found {
    let tls = gateway.spec.tls.as_ref();
    let backend = tls.and_then(|tls| tls.backend.as_ref());
    let Some(reference) = backend.and_then(|one| one.client_certificate_ref.as_ref()) else {
        return certificate::Found::default();
    };
    let from = From::kind::<Gateway>(&object.namespace);
    let reason = Reason::InvalidClientCertificateRef;
    let at = Field::SPEC;
    let at = at.name("tls.backend.clientCertificateRef");

    planning
        .certificates
        .find(planning.view, from, reference, reason, &at)
}

/// Fields that are not obeyed, where the API has no condition to say so.
fn warnings(settings: &Settings, gateway: &Gateway) -> Vec<Problem> {
    let spec = &gateway.spec;
    let mut problems = Vec::new();
    let at = Field::SPEC;
    let mut warn = |present: bool, field: Field<'_>, message: &str| {
        if present {
            problems.push(unsupported(message, &field));
        }
    };

    warn(
        spec.default_scope
            .as_ref()
            .is_some_and(|scope| scope.as_str() != "None"),
        at.name("defaultScope"),
        "a Gateway cannot be a default Gateway",
    );
    let infrastructure = spec.infrastructure.as_ref();
    warn(
        !settings.infrastructure
            && infrastructure.is_some_and(|one| one.labels.is_some() || one.annotations.is_some()),
        at.name("infrastructure"),
        "no objects are made for a Gateway that could be labelled or annotated",
    );
    problems.extend(listener_set::invalid_admission(
        spec.allowed_listeners.as_ref(),
    ));
    let meta = &gateway.metadata;
    problems.extend(listener_set::strays(meta, &spec.listeners, pods::OF_PODS));
    problems.extend(pods::problems(meta, settings));

    problems
}
