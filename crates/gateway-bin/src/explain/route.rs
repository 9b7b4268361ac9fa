//! Where the parts of a rule are written.

use std::borrow::Cow;

use gateway_core::model::{Route, RouteKind, RouteMatch, Rule};
use gateway_k8s::api::{GrpcRoute, GrpcRouteRule, HttpBackendRef, HttpRoute, HttpRouteRule};
use gateway_k8s::world::{ObjectRef, Place};

use crate::duration;
use crate::manifests::Manifests;

/// A rule of the model, as it is written in its HTTPRoute.
#[derive(Debug)]
pub(super) struct WrittenRule<'a> {
    manifests: &'a Manifests,
    object: ObjectRef,
    /// Its place among the rules that are written.
    pub(super) index: usize,
    rule: Option<Cow<'a, HttpRouteRule>>,
}

impl<'a> WrittenRule<'a> {
    /// Finds the rule that is `index` in the model.
    pub(super) fn find(manifests: &'a Manifests, route: &Route, index: usize) -> Self {
        let (namespace, name) = (route.name().namespace(), route.name().name());
        let world = manifests.reading.world();
        let (object, rules) = match route.kind() {
            RouteKind::Http => {
                let route = world.http_routes.get(namespace, name);
                let rules = route.and_then(|route| route.spec.rules.as_deref());
                let rules = rules.unwrap_or_default().iter().map(Cow::Borrowed);
                let object = ObjectRef::new::<HttpRoute>(namespace, name);
                (object, rules.collect::<Vec<_>>())
            }
            RouteKind::Grpc => {
                let route = world.grpc_routes.get(namespace, name);
                let rules = route.and_then(|route| route.spec.rules.as_deref());
                let rules = rules.unwrap_or_default().iter().map(as_http);
                let object = ObjectRef::new::<GrpcRoute>(namespace, name);
                (object, rules.map(Cow::Owned).collect())
            }
        };
        // A rule whose matches cannot be read is left out of the model.
        let mut kept = (0..rules.len()).filter(|index| !has_bad_match(manifests, &object, *index));
        let index = kept.nth(index).unwrap_or(index);

        Self {
            manifests,
            object,
            index,
            rule: rules.into_iter().nth(index),
        }
    }

    /// The rule itself; none if the route relies on the default rule.
    pub(super) fn written(&self) -> Option<&HttpRouteRule> {
        self.rule.as_deref()
    }

    /// When failed requests are tried again.
    pub(super) fn retry(&self) -> Option<String> {
        let retry = self.rule.as_ref()?.retry.as_ref()?;
        let attempts = retry.attempts.map_or_else(
            || "as often as by default".to_owned(),
            |attempts| format!("{attempts} times at most"),
        );
        let codes: Vec<_> = retry.codes.iter().flatten().map(i64::to_string).collect();

        Some(match codes.as_slice() {
            [] => attempts,
            codes => format!("{attempts}, also after {}", codes.join(", ")),
        })
    }

    /// One of its backends.
    pub(super) fn backend(&self, index: usize) -> Option<&HttpBackendRef> {
        self.rule.as_ref()?.backend_refs.as_ref()?.get(index)
    }

    /// Where references lead that name no namespace.
    pub(super) fn namespace(&self) -> &str {
        &self.object.namespace
    }

    /// The place of the route.
    pub(super) fn route_place(&self) -> Option<String> {
        place(self.manifests.reading.place(&self.object, ""))
    }

    /// The place of a field of the rule; of the rule itself, if it is empty.
    pub(super) fn place(&self, field: &str) -> Option<String> {
        let dot = if field.is_empty() { "" } else { "." };
        let field = format!("spec.rules[{}]{dot}{field}", self.index);

        place(self.manifests.reading.place(&self.object, &field))
    }
}

/// A rule of a GRPCRoute in the words of an HTTPRoute: but for its matches, it has
/// the same fields.
fn as_http(rule: &GrpcRouteRule) -> HttpRouteRule {
    let mut rule = rule.clone();
    rule.matches = None;
    let value = serde_json::to_value(rule).unwrap_or_default();

    serde_json::from_value(value).unwrap_or_default()
}

/// The kind of object that a route is.
pub(super) fn kind(route: &Route) -> &'static str {
    match route.kind() {
        RouteKind::Http => "HTTPRoute",
        RouteKind::Grpc => "GRPCRoute",
    }
}

pub(super) fn place(place: Option<Place>) -> Option<String> {
    place.map(|place| place.to_string())
}

fn has_bad_match(manifests: &Manifests, object: &ObjectRef, index: usize) -> bool {
    let field = format!("spec.rules[{index}].matches");
    let mut problems = manifests.resolved.verdicts.problems();

    problems.any(|(verdict, condition, problem)| {
        let of_match = |at: &str| {
            at.strip_prefix(&field)
                .is_some_and(|rest| rest.starts_with('['))
        };
        condition.is_some()
            && verdict.object == *object
            && problem.field.as_deref().is_some_and(of_match)
    })
}

/// A match in words: `path prefix /cart, method GET, header x-env "prod"`.
pub(super) fn describe(condition: Option<&RouteMatch>) -> String {
    let Some(condition) = condition else {
        return "every request".to_owned();
    };
    let mut parts = vec![format!("path {}", condition.path_match())];

    parts.extend(condition.method().map(|method| format!("method {method}")));
    for header in condition.headers() {
        parts.push(format!("header {} {}", header.name, header.value));
    }
    for query in condition.query() {
        parts.push(format!("query {} {}", query.name, query.value));
    }
    parts.join(", ")
}

/// The timeouts of a rule in words.
pub(super) fn timeouts(rule: &Rule) -> Option<String> {
    let timeouts = rule.timeouts();
    let parts = [
        timeouts
            .request
            .map(|time| format!("request {}", duration::display(time))),
        timeouts
            .backend_request
            .map(|time| format!("each try {}", duration::display(time))),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();

    (!parts.is_empty()).then(|| parts.join(", "))
}
