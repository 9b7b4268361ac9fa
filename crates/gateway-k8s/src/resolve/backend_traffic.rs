//! XBackendTrafficPolicies: how much retries may add, and what carries sessions.

use std::time::Duration;

use gateway_core::model::{Backend, BackendId, SessionCarrier};
use gateway_filters::{Fraction, RetryBudget};

use super::duration;
use super::field::Field;
use super::matches::unsupported;
use super::sessions;
use super::view::View;
use crate::api::{BackendTrafficTarget, RetryConstraint, XBackendTrafficPolicy};
use crate::verdict::Problem;
use crate::world::Loaded;

/// What a policy means, whomever it is for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Judged {
    budget: Option<RetryBudget>,
    sessions: Option<SessionCarrier>,
    /// Why it is not obeyed, no part of it.
    pub(super) refused: Vec<Problem>,
}

/// `backend`, which is Service `name`, as the policy in force for it wants it.
///
/// One that is refused changes nothing: neither retries nor sessions protect anybody.
pub(super) fn apply(view: &View<'_>, namespace: &str, name: &str, backend: Backend) -> Backend {
    let Some(policy) = in_force(view, namespace, name) else {
        return backend;
    };
    let judged = judge(policy);
    if !judged.refused.is_empty() {
        return backend;
    }
    let backend = match judged.budget {
        Some(budget) => backend.with_retry_budget(budget),
        None => backend,
    };
    match judged.sessions {
        Some(sessions) => backend.with_sessions(sessions),
        None => backend,
    }
}

/// How much the retries of a rule may add to its requests: what a policy allows that says
/// nothing else; unless one of its backends has a policy that says how much.
pub(super) fn budget_of_rule(view: &View<'_>, backends: &[BackendId]) -> Option<RetryBudget> {
    let is_constrained = |id: &BackendId| {
        let service = id.object();
        let policy = in_force(view, service.namespace(), service.name());
        let judged = policy.filter(|_| id.kind() == "Service").map(judge);
        judged.is_some_and(|judged| judged.refused.is_empty() && judged.budget.is_some())
    };
    (!backends.iter().any(is_constrained)).then_some(BUDGET)
}

/// The policy for a Service: of several the oldest, then the one whose name comes first.
pub(super) fn in_force<'w>(
    view: &View<'w>,
    namespace: &str,
    service: &str,
) -> Option<&'w Loaded<XBackendTrafficPolicy>> {
    let policies = view.in_namespace::<XBackendTrafficPolicy>(namespace);
    let is_meant = |target: &BackendTrafficTarget| is_service(target) && target.name == service;

    // In the order of their names, of which the first is kept.
    policies
        .into_iter()
        .filter(|policy| policy.spec.target_refs.iter().any(is_meant))
        .min_by_key(|policy| super::created(&policy.metadata))
}

/// Whether a target is a Service.
pub(super) fn is_service(target: &BackendTrafficTarget) -> bool {
    target.group.is_empty() && target.kind == "Service"
}

/// Reads a policy.
pub(super) fn judge(policy: &Loaded<XBackendTrafficPolicy>) -> Judged {
    let (spec, at) = (&policy.spec, Field::SPEC);
    let mut judged = Judged::default();

    if let Some(written) = &spec.retry_constraint {
        match budget(written, &at.name("retryConstraint")) {
            Ok(budget) => judged.budget = Some(budget),
            Err(problem) => judged.refused.push(problem),
        }
    }
    if let Some(written) = &spec.session_persistence {
        let (namespace, name) = (&policy.metadata.namespace, &policy.metadata.name);
        let owner = format!(
            "XBackendTrafficPolicy {}/{}",
            namespace.as_deref().unwrap_or_default(),
            name.as_deref().unwrap_or_default()
        );
        match sessions::carrier(written, &owner, &at.name("sessionPersistence")) {
            Ok(sessions) => judged.sessions = Some(sessions),
            Err(problem) => judged.refused.push(problem),
        }
    }
    judged
}

/// Reads a budget: 20 percent, or ten a second, unless something else is written.
///
/// Source: `RetryConstraint` (GEP-3388).
fn budget(written: &RetryConstraint, at: &Field<'_>) -> Result<RetryBudget, Problem> {
    let mut budget = BUDGET;

    if let Some(written) = &written.budget {
        let at = at.name("budget");
        if let Some(percent) = written.percent {
            let share = u32::try_from(percent).ok();
            let share = share.and_then(|percent| Fraction::from_percent(percent).ok());
            let share = share.ok_or_else(|| {
                unsupported(format!("{percent} is no percentage"), &at.name("percent"))
            })?;
            budget = budget.with_share(share);
        }
        if interval(written.interval.as_deref(), HELD, &at)? != HELD {
            let problem = unsupported("only 10s is supported", &at.name("interval"));
            return Err(problem.remedy("leave it out"));
        }
    }
    if let Some(written) = &written.min_retry_rate {
        let at = at.name("minRetryRate");
        let second = Duration::from_secs(1);
        let whole = interval(written.interval.as_deref(), second, &at)?.as_secs();
        let count = written.count.unwrap_or(10);
        let rate = u64::try_from(count).ok().filter(|_| whole > 0);
        let rate = rate.filter(|count| count.is_multiple_of(whole));
        let rate = rate.and_then(|count| u32::try_from(count / whole).ok());
        let rate = rate.ok_or_else(|| {
            unsupported(
                "only rates of so many in each second are supported",
                &at.name("count"),
            )
        })?;
        budget = budget.with_min_per_second(rate);
    }
    Ok(budget)
}

/// What `RetryConstraint` is by default: 20 percent, or ten a second.
const BUDGET: RetryBudget = RetryBudget::new().with_min_per_second(10);
/// For how long a budget holds.
const HELD: Duration = Duration::from_secs(10);

fn interval(
    written: Option<&str>,
    otherwise: Duration,
    at: &Field<'_>,
) -> Result<Duration, Problem> {
    let Some(text) = written else {
        return Ok(otherwise);
    };
    duration::parse(text).ok_or_else(|| {
        let message = format!("{text:?} is not a duration such as 10s");
        unsupported(message, &at.name("interval"))
    })
}
