//! An HTTPRoute as the model has it, whoever its parents are.

use std::collections::BTreeSet;
use std::sync::Arc;

use gateway_core::model::{BackendId, Hostname, ObjectName, Route};

use super::Settings;
use super::field::Field;
use super::grants::From;
use super::matches::unsupported;
use super::rule;
use super::view::View;
use crate::api::{HttpRoute, HttpRouteRule};
use crate::verdict::Problem;
use crate::world::{Loaded, ObjectRef};

/// What became of an HTTPRoute, apart from its parents.
#[derive(Debug, PartialEq)]
pub(super) struct Converted {
    pub(super) object: ObjectRef,
    /// Nothing, if the object is not valid as a whole.
    pub(super) route: Option<Arc<Route>>,
    /// What makes the whole object invalid.
    pub(super) refused: Vec<Problem>,
    /// Rules that are not obeyed, by their index.
    pub(super) broken: Vec<(usize, Problem)>,
    /// How many rules there are.
    pub(super) rules: usize,
    /// References that lead nowhere.
    pub(super) unresolved: Vec<Problem>,
    /// Every backend that its rules refer to.
    pub(super) backends: BTreeSet<BackendId>,
    pub(super) hostnames: Vec<Hostname>,
    pub(super) warnings: Arc<Vec<Problem>>,
}

/// Reads a route with everything its rules refer to.
pub(super) fn convert(
    view: &View<'_>,
    settings: &Settings,
    loaded: &Loaded<HttpRoute>,
) -> Converted {
    let object = ObjectRef::of(&**loaded);
    let name = ObjectName::new(Arc::clone(&object.namespace), Arc::clone(&object.name));
    let at = Field::SPEC;
    let mut converted = Converted {
        object,
        route: None,
        refused: super::validity::http_route(&loaded.spec),
        broken: Vec::new(),
        rules: 0,
        unresolved: Vec::new(),
        backends: BTreeSet::new(),
        hostnames: Vec::new(),
        warnings: Arc::default(),
    };
    for (index, text) in loaded.spec.hostnames.iter().flatten().enumerate() {
        match Hostname::new(text) {
            Ok(hostname) => converted.hostnames.push(hostname),
            Err(error) => {
                let at = at.item("hostnames", index);
                converted.refused.push(unsupported(error.to_string(), &at));
            }
        }
    }

    let mut route = Route::new(name).with_created(super::created(&loaded.metadata));
    for hostname in &converted.hostnames {
        route = route.with_hostname(hostname.clone());
    }
    for (index, written) in rules(loaded).iter().enumerate() {
        let from = From::kind::<HttpRoute>(&converted.object.namespace);
        let read = rule::convert(view, settings, from, written, &at.item("rules", index));

        converted.rules += 1;
        converted
            .broken
            .extend(read.broken.into_iter().map(|problem| (index, problem)));
        converted.unresolved.extend(read.unresolved);
        converted.backends.extend(read.backends);
        if let Some(rule) = read.rule {
            route = route.with_rule(rule);
        }
    }
    if converted.refused.is_empty() {
        converted.route = Some(Arc::new(route));
    }

    converted
}

/// Without rules there is one for every request, as the CRD's default says.
fn rules(route: &HttpRoute) -> std::borrow::Cow<'_, [HttpRouteRule]> {
    match &route.spec.rules {
        Some(rules) => rules.into(),
        None => vec![HttpRouteRule::default()].into(),
    }
}
