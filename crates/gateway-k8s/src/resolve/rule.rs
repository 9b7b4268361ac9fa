//! One rule of a route for requests.

use std::time::Duration;

use gateway_core::model::{BackendId, BackendRef, Filter, RouteMatch, Rule, Timeouts};

use super::backend_traffic;
use super::backends::Written;
use super::duration;
use super::field::Field;
use super::filters;
use super::matches::unsupported;
use super::reading::Reading;
use super::sessions;
use super::view::View;
use crate::api::{HttpBackendRef, HttpRouteMatch, HttpRouteRule, HttpRouteTimeouts, PathMatchType};
use crate::verdict::Problem;

/// A rule, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Nothing, if no request can be compared with its matches.
    pub(super) rule: Option<Rule>,
    /// Why the rule is not obeyed as it is written.
    pub(super) broken: Vec<Problem>,
    pub(super) unresolved: Vec<Problem>,
    pub(super) backends: Vec<BackendId>,
}

/// Reads a rule whose matches were read.
///
/// A rule that matches requests but cannot be obeyed stays, and answers 500: if
/// it were left out, its requests would fall to a wider rule, which may lack the
/// very filter that protects them.
pub(super) fn convert(
    mut reading: Reading<'_, '_>,
    written: &HttpRouteRule,
    matches: Vec<Result<RouteMatch, Problem>>,
    at: &Field<'_>,
) -> Read {
    let mut read = Read::default();
    let mut rule = Rule::new();
    let mut matched = true;

    if let Some(name) = &written.name {
        rule = rule.with_name(name.as_str());
    }
    for condition in matches {
        match condition {
            Ok(condition) => rule = rule.with_match(condition),
            Err(problem) => {
                matched = false;
                read.broken.push(problem);
            }
        }
    }

    for filter in reading.filters(written.filters.as_deref(), at) {
        rule = rule.with_filter(filter);
    }
    for (index, backend) in written.backend_refs.iter().flatten().enumerate() {
        rule = rule.with_backend(backend_ref(
            &mut reading,
            backend,
            &at.item("backendRefs", index),
        ));
    }
    let Reading {
        view,
        broken,
        unresolved,
        backends,
        owner,
        ..
    } = reading;
    read.broken.extend(broken);
    read.unresolved = unresolved;
    read.backends = backends;

    rule = limited(rule, view, written, &mut read, at);
    if let Some(written) = &written.session_persistence {
        match sessions::carrier(written, &owner, &at.name("sessionPersistence")) {
            Ok(carrier) => rule = rule.with_sessions(carrier),
            Err(problem) => read.broken.push(problem),
        }
    }
    read.broken.extend(super::validity::http_rule(written, at));

    if let (Some(first), true) = (read.broken.first(), matched) {
        rule = failing(&rule, first);
    }
    read.rule = matched.then_some(rule);

    read
}

/// The rule with its timeouts and retries.
fn limited(
    mut rule: Rule,
    view: &View<'_>,
    written: &HttpRouteRule,
    read: &mut Read,
    at: &Field<'_>,
) -> Rule {
    match timeouts(written.timeouts.as_ref(), &at.name("timeouts")) {
        Ok(timeouts) => rule = rule.with_timeouts(timeouts),
        Err(problem) => read.broken.push(problem),
    }
    match filters::retry(written.retry.as_ref(), &at.name("retry")) {
        Ok(Some(retry)) => {
            rule = rule.with_retry(retry);
            if let Some(budget) = backend_traffic::budget_of_rule(view, &read.backends) {
                rule = rule.with_retry_budget(budget);
            }
        }
        Ok(None) => {}
        Err(problem) => read.broken.push(problem),
    }
    rule
}

/// Whether every request of the rule was matched by the one same prefix, so that
/// it is known what `replacePrefixMatch` replaces.
pub(super) fn is_one_prefix(written: &HttpRouteRule) -> bool {
    let is_prefix = |one: &HttpRouteMatch| {
        let kind = one.path.as_ref().and_then(|path| path.r#type.as_ref());
        kind.is_none_or(|kind| *kind == PathMatchType::PathPrefix)
    };

    match written.matches.as_deref().unwrap_or_default() {
        [] => true,
        [one] => is_prefix(one),
        _ => false,
    }
}

/// The rule with its matches, answering 500.
fn failing(rule: &Rule, problem: &Problem) -> Rule {
    let mut failing = Rule::new().with_filter(Filter::Invalid(problem.to_string().into()));
    if let Some(name) = rule.name() {
        failing = failing.with_name(name.clone());
    }

    rule.matches()
        .iter()
        .cloned()
        .fold(failing, Rule::with_match)
}

fn backend_ref(
    reading: &mut Reading<'_, '_>,
    written: &HttpBackendRef,
    at: &Field<'_>,
) -> BackendRef {
    let backend = match reading.backend(Written::from(written), at) {
        Ok(id) => BackendRef::new(id),
        Err(reason) => BackendRef::invalid(reason),
    };
    let weight = weight(written.weight, &at.name("weight")).unwrap_or_else(|problem| {
        reading.broken.push(problem);
        0
    });
    let filters = reading.filters(written.filters.as_deref(), at);

    filters
        .into_iter()
        .fold(backend.with_weight(weight), BackendRef::with_filter)
}

/// Reads a weight. 1 if nothing is written.
pub(super) fn weight(written: Option<i32>, at: &Field<'_>) -> Result<u32, Problem> {
    let weight = written.unwrap_or(1);
    let read = u32::try_from(weight).ok();

    read.filter(|weight| *weight <= MAX_WEIGHT)
        .ok_or_else(|| unsupported(format!("{weight} is not between 0 and {MAX_WEIGHT}"), at))
}

fn timeouts(written: Option<&HttpRouteTimeouts>, at: &Field<'_>) -> Result<Timeouts, Problem> {
    let Some(written) = written else {
        return Ok(Timeouts::default());
    };
    let timeouts = Timeouts {
        request: timeout(written.request.as_deref(), &at.name("request"))?,
        backend_request: timeout(
            written.backend_request.as_deref(),
            &at.name("backendRequest"),
        )?,
    };

    match (timeouts.request, timeouts.backend_request) {
        (Some(request), Some(backend)) if backend > request => {
            let problem = unsupported(
                "is longer than the request timeout",
                &at.name("backendRequest"),
            );
            Err(problem)
        }
        _ => Ok(timeouts),
    }
}

/// `0s` switches a timeout off.
fn timeout(text: Option<&str>, at: &Field<'_>) -> Result<Option<Duration>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let read = duration::parse(text)
        .ok_or_else(|| unsupported(format!("{text:?} is not a duration such as 1s500ms"), at))?;

    Ok(Some(read).filter(|timeout| !timeout.is_zero()))
}

const MAX_WEIGHT: u32 = 1_000_000;
