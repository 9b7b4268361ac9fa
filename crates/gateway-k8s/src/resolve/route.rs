//! Routes as the model has them, whoever their parents are.

use std::collections::BTreeSet;
use std::sync::Arc;

use gateway_core::model::{BackendId, Hostname, ObjectName, Route, StreamRoute};

use super::Settings;
use super::annotations::Annotations;
use super::field::Field;
use super::grants::{From, Referrer};
use super::matches::{route_match, unsupported};
use super::reading::Reading;
use super::rule::{self, Read};
use super::view::View;
use crate::api::{DefaultScope, HttpRoute, HttpRouteRule, ParentReference};
use crate::verdict::Problem;
use crate::world::{Kind, Loaded, ObjectRef};

/// A kind of route.
pub(super) trait RouteObject: Kind + Referrer {
    /// Whom it asks to be attached to.
    fn parents(&self) -> &[ParentReference];

    /// Whether it asks for default Gateways.
    fn default_scope(&self) -> Option<&DefaultScope>;

    /// Reads it with everything its rules refer to.
    fn convert(view: &View<'_>, settings: &Settings, loaded: &Loaded<Self>) -> Converted;
}

/// What became of a route, apart from its parents.
#[derive(Debug, PartialEq)]
pub(super) struct Converted {
    pub(super) object: ObjectRef,
    /// That of the object which was read.
    pub(super) generation: Option<i64>,
    /// Nothing, if the object is not valid as a whole.
    pub(super) route: Option<ModelRoute>,
    /// What makes the whole object invalid.
    pub(super) refused: Vec<Problem>,
    /// Rules that are not obeyed, by their index.
    pub(super) broken: Vec<(usize, Problem)>,
    /// How many rules there are.
    pub(super) rules: usize,
    /// References that lead nowhere.
    pub(super) unresolved: Vec<Problem>,
    /// Every backend that its rules refer to, once.
    pub(super) backends: Vec<BackendId>,
    pub(super) hostnames: Vec<Hostname>,
    pub(super) warnings: Arc<Vec<Problem>>,
}

/// A route of the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ModelRoute {
    /// For requests.
    Requests(Arc<Route>),
    /// For connections or datagrams.
    Streams(Arc<StreamRoute>),
}

impl ModelRoute {
    /// Whether both are the same allocation.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Requests(one), Self::Requests(other)) => Arc::ptr_eq(one, other),
            (Self::Streams(one), Self::Streams(other)) => Arc::ptr_eq(one, other),
            (Self::Requests(_), Self::Streams(_)) | (Self::Streams(_), Self::Requests(_)) => false,
        }
    }
}

impl Converted {
    /// Of an object that nothing was read of yet.
    pub(super) fn new(object: ObjectRef, generation: Option<i64>, refused: Vec<Problem>) -> Self {
        Self {
            object,
            generation,
            route: None,
            refused,
            broken: Vec::new(),
            rules: 0,
            unresolved: Vec::new(),
            backends: Vec::new(),
            hostnames: Vec::new(),
            warnings: Arc::default(),
        }
    }

    /// What the model calls it.
    pub(super) fn name(&self) -> ObjectName {
        let ObjectRef {
            namespace, name, ..
        } = &self.object;

        ObjectName::new(Arc::clone(namespace), Arc::clone(name))
    }

    /// Warns of annotations that mean nothing, of an object for which `known` ones
    /// do.
    pub(super) fn warn_of_strays(&mut self, annotations: &Annotations<'_>, known: &[&str]) {
        let strays = annotations.strays(known, |_| false);
        Arc::make_mut(&mut self.warnings).extend(strays);
    }

    /// Reads `spec.hostnames`.
    pub(super) fn read_hostnames(&mut self, written: &[String]) {
        let at = Field::SPEC;

        self.hostnames.reserve_exact(written.len());
        for (index, text) in written.iter().enumerate() {
            match Hostname::new(text) {
                Ok(hostname) => self.hostnames.push(hostname),
                Err(error) => {
                    let at = at.item("hostnames", index);
                    self.refused.push(unsupported(error.to_string(), &at));
                }
            }
        }
    }

    /// Takes a rule that was read, and adds it to the route if it can be served.
    pub(super) fn take(&mut self, route: Route, index: usize, read: Read) -> Route {
        self.rules += 1;
        self.broken
            .extend(read.broken.into_iter().map(|problem| (index, problem)));
        self.unresolved.extend(read.unresolved);
        self.refer(read.backends);

        match read.rule {
            Some(rule) => route.with_rule(rule),
            None => route,
        }
    }

    /// Notes the backends that something refers to.
    pub(super) fn refer(&mut self, backends: Vec<BackendId>) {
        for id in backends {
            if !self.backends.contains(&id) {
                // There is mostly one, and a place for it in memory for each route.
                self.backends.reserve_exact(1);
                self.backends.push(id);
            }
        }
    }

    /// The rules that are not obeyed as they are written.
    pub(super) fn broken_rules(&self) -> BTreeSet<usize> {
        self.broken.iter().map(|(index, _)| *index).collect()
    }

    /// Whether no rule of it is obeyed as it is written, wherever it is attached.
    pub(super) fn is_refused(&self) -> bool {
        let all_broken = !self.broken.is_empty() && self.broken_rules().len() >= self.rules;
        !self.refused.is_empty() || all_broken
    }

    /// The route itself, unless the object is refused.
    pub(super) fn serve(&mut self, route: ModelRoute) {
        if self.refused.is_empty() {
            self.route = Some(route);
        }
    }
}

impl RouteObject for HttpRoute {
    fn parents(&self) -> &[ParentReference] {
        self.spec.parent_refs.as_deref().unwrap_or_default()
    }

    fn default_scope(&self) -> Option<&DefaultScope> {
        self.spec.use_default_gateways.as_ref()
    }

    fn convert(view: &View<'_>, settings: &Settings, loaded: &Loaded<Self>) -> Converted {
        let refused = super::validity::http_route(&loaded.spec);
        let mut converted = Converted::new(
            ObjectRef::of(&**loaded),
            loaded.metadata.generation,
            refused,
        );
        converted.read_hostnames(loaded.spec.hostnames.as_deref().unwrap_or_default());
        converted.warn_of_strays(&Annotations::of(&loaded.metadata), &[]);

        let namespace = Arc::clone(&converted.object.namespace);
        let from = From::kind::<Self>(&namespace);
        let mut route = Route::new(converted.name()).with_created(super::created(&loaded.metadata));
        for hostname in &converted.hostnames {
            route = route.with_hostname(hostname.clone());
        }
        let at = Field::SPEC;
        for (index, written) in rules(loaded).iter().enumerate() {
            let at = at.item("rules", index);
            let matches = written.matches.iter().flatten().enumerate();
            let matches = matches.map(|(index, one)| route_match(one, &at.item("matches", index)));
            let reading = Reading::new(view, settings, from, rule::is_one_prefix(written))
                .of_rule(route.name(), index);
            let read = rule::convert(reading, written, matches.collect(), &at);
            route = converted.take(route, index, read);
        }
        converted.serve(ModelRoute::Requests(Arc::new(route)));

        converted
    }
}

/// Without rules there is one for every request, as the CRD's default says.
fn rules(route: &HttpRoute) -> std::borrow::Cow<'_, [HttpRouteRule]> {
    match &route.spec.rules {
        Some(rules) => rules.into(),
        None => vec![HttpRouteRule::default()].into(),
    }
}
