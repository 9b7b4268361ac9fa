//! What an API server would have refused. Files never passed one.

use std::collections::BTreeSet;

use super::field::Field;
use super::matches::unsupported;
use crate::api::{
    GrpcRouteSpec, HttpRouteFilter, HttpRouteFilterType, HttpRouteRule, HttpRouteSpec, L4RouteRule,
    ParentReference,
};
use crate::verdict::{Problem, Reason};

/// The rules that hold for an HTTPRoute as a whole.
///
/// Source: the CRD's limits and CEL rules.
pub(super) fn http_route(spec: &HttpRouteSpec) -> Vec<Problem> {
    let rules = spec.rules.as_deref();

    request_route(&Common {
        hostnames: spec.hostnames.as_deref(),
        parents: spec.parent_refs.as_deref(),
        names: each(rules, |rule| rule.name.as_deref()),
        matches: each(rules, |rule| rule.matches.as_ref().map(Vec::len)),
        has_rules: rules.is_some(),
    })
}

/// The rules that hold for a GRPCRoute as a whole.
///
/// Source: the CRD's limits and CEL rules.
pub(super) fn grpc_route(spec: &GrpcRouteSpec) -> Vec<Problem> {
    let rules = spec.rules.as_deref();
    let mut problems = request_route(&Common {
        hostnames: spec.hostnames.as_deref(),
        parents: spec.parent_refs.as_deref(),
        names: each(rules, |rule| rule.name.as_deref()),
        matches: each(rules, |rule| rule.matches.as_ref().map(Vec::len)),
        has_rules: rules.is_some(),
    });

    let at = Field::SPEC;
    for (index, rule) in rules.unwrap_or_default().iter().enumerate() {
        let at = at.item("rules", index);
        let at = at.name("matches");
        check_length(&mut problems, rule.matches.as_deref(), 64, &at);
    }

    problems
}

/// The rules that hold for a TCPRoute, a TLSRoute or a UDPRoute.
///
/// Source: the CRDs' limits and CEL rules.
pub(super) fn stream_route(
    parents_written: &[ParentReference],
    hostnames: &[String],
    rules: &[L4RouteRule],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let at = Field::SPEC;

    check(&mut problems, rules.len() == 1, || {
        let message = format!("there are {} rules, not one", rules.len());
        unsupported(message, &at.name("rules"))
    });
    check_length(&mut problems, Some(hostnames), 1024, &at.name("hostnames"));
    check_length(
        &mut problems,
        Some(parents_written),
        32,
        &at.name("parentRefs"),
    );
    for (index, rule) in rules.iter().enumerate() {
        let at = at.item("rules", index);
        let at = at.name("backendRefs");
        check_length(&mut problems, Some(&rule.backend_refs), 16, &at);
    }
    parents(&mut problems, parents_written);

    problems
}

/// What routes for requests have in common. One entry of each list per rule.
struct Common<'a> {
    hostnames: Option<&'a [String]>,
    parents: Option<&'a [ParentReference]>,
    names: Vec<Option<&'a str>>,
    matches: Vec<Option<usize>>,
    has_rules: bool,
}

fn each<'a, R, T>(rules: Option<&'a [R]>, of: impl Fn(&'a R) -> T) -> Vec<T> {
    rules.unwrap_or_default().iter().map(of).collect()
}

fn request_route(route: &Common<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let at = Field::SPEC;
    let rules = &route.names;

    check(&mut problems, !route.has_rules || !rules.is_empty(), || {
        unsupported("there is no rule", &at.name("rules"))
    });
    check_length(&mut problems, Some(rules), 16, &at.name("rules"));
    check_length(&mut problems, route.hostnames, 16, &at.name("hostnames"));
    check_length(&mut problems, route.parents, 32, &at.name("parentRefs"));

    let matches: usize = route.matches.iter().map(|count| count.unwrap_or(1)).sum();
    check(&mut problems, matches <= 128, || {
        unsupported(
            format!("its rules have {matches} matches, more than 128"),
            &at.name("rules"),
        )
    });

    let mut names = BTreeSet::new();
    for (index, name) in rules.iter().enumerate() {
        if let Some(name) = name {
            let at = at.item("rules", index);
            check(&mut problems, names.insert(*name), || {
                unsupported(format!("another rule is called {name:?}"), &at.name("name"))
            });
        }
    }
    parents(&mut problems, route.parents.unwrap_or_default());

    problems
}

/// The rules that hold for one rule of an HTTPRoute.
pub(super) fn http_rule(rule: &HttpRouteRule, at: &Field<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();

    check_length(
        &mut problems,
        rule.matches.as_deref(),
        64,
        &at.name("matches"),
    );
    check_length(
        &mut problems,
        rule.filters.as_deref(),
        16,
        &at.name("filters"),
    );
    check_length(
        &mut problems,
        rule.backend_refs.as_deref(),
        16,
        &at.name("backendRefs"),
    );
    let filters = rule.filters.as_deref().unwrap_or_default();
    let redirect = filters
        .iter()
        .position(|one| one.r#type == HttpRouteFilterType::RequestRedirect);
    if let Some(index) = redirect
        && rule.backend_refs.iter().flatten().next().is_some()
    {
        let message = "a rule that redirects has no backends";
        let problem = Problem::new(Reason::IncompatibleFilters, message);
        problems.push(
            problem
                .at(at.item("filters", index))
                .remedy("remove the filter or the backendRefs"),
        );
    }
    problems.extend(filters_together(filters, at));
    for (index, backend) in rule.backend_refs.iter().flatten().enumerate() {
        let at = at.item("backendRefs", index);
        check_length(
            &mut problems,
            backend.filters.as_deref(),
            16,
            &at.name("filters"),
        );
        problems.extend(filters_together(
            backend.filters.as_deref().unwrap_or_default(),
            &at,
        ));
    }

    problems
}

/// Filters of one list that exclude each other, or themselves.
fn filters_together(filters: &[HttpRouteFilter], at: &Field<'_>) -> Vec<Problem> {
    use HttpRouteFilterType::{
        Cors, RequestHeaderModifier, RequestRedirect, ResponseHeaderModifier, UrlRewrite,
    };
    let once = [
        RequestHeaderModifier,
        ResponseHeaderModifier,
        RequestRedirect,
        UrlRewrite,
        Cors,
    ];
    let mut problems = Vec::new();

    for (index, filter) in filters.iter().enumerate() {
        let before = filters[..index].iter().map(|one| &one.r#type);
        let clash = before
            .into_iter()
            .find(|before| match (*before, &filter.r#type) {
                (UrlRewrite, RequestRedirect) | (RequestRedirect, UrlRewrite) => true,
                (before, this) => before == this && once.contains(this),
            });
        if let Some(before) = clash {
            let message = format!("{} cannot follow {before}", filter.r#type);
            let problem = Problem::new(Reason::IncompatibleFilters, message);
            problems.push(
                problem
                    .at(at.item("filters", index))
                    .remedy("remove one of the two"),
            );
        }
    }

    problems
}

/// Two references to one parent need a section or a port that tells them apart.
fn parents(problems: &mut Vec<Problem>, parents: &[ParentReference]) {
    let at = Field::SPEC;
    let same = |one: &ParentReference, other: &ParentReference| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        one.name == other.name
            && text(&one.namespace) == text(&other.namespace)
            && one.kind.as_deref().unwrap_or("Gateway")
                == other.kind.as_deref().unwrap_or("Gateway")
            && text(&one.section_name) == text(&other.section_name)
            && one.port == other.port
    };

    for (index, parent) in parents.iter().enumerate() {
        check(
            problems,
            !parents[..index].iter().any(|other| same(parent, other)),
            || {
                let problem =
                    unsupported("names the same parent twice", &at.item("parentRefs", index));
                problem.remedy("tell them apart by sectionName or port")
            },
        );
    }
}

fn check_length<T>(problems: &mut Vec<Problem>, list: Option<&[T]>, limit: usize, at: &Field<'_>) {
    check(
        problems,
        list.is_none_or(|list| list.len() <= limit),
        || unsupported(format!("has more than {limit} entries"), at),
    );
}

fn check(problems: &mut Vec<Problem>, holds: bool, problem: impl FnOnce() -> Problem) {
    if !holds {
        problems.push(problem());
    }
}
