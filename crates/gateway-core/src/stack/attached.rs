//! The policies that hold for a rule, wherever they are attached.

use super::kept::{Part, Place, RuleName, Scope};
use crate::model::{Listener, Policies, Policy, PolicySet, Route, Stage, StreamRoute};

/// A policy and where its state is kept.
#[derive(Debug)]
pub(crate) struct Attached<'a> {
    pub(crate) place: Place,
    pub(crate) policy: &'a Policy,
}

/// Every policy that holds for a rule: by stage, then from the listener inwards, then as they
/// are written.
#[derive(Debug)]
pub(crate) struct AllAttached<'a>(Vec<Attached<'a>>);

impl<'a> AllAttached<'a> {
    pub(crate) fn of(listener: &'a Listener, route: &'a Route, index: usize) -> Self {
        let mut all = of_listener(listener);
        let scope = Scope::Route(route.kind(), route.name().clone());
        add_policies(&mut all, route.policies(), &scope);
        add_policies(
            &mut all,
            route.rules()[index].policies(),
            &rule_scope(route, index),
        );

        all.sort_by_key(|attached| attached.policy.stage());
        Self(all)
    }

    /// Likewise, for requests at `listener` that no route wants.
    pub(crate) fn of_unrouted(listener: &'a Listener) -> Self {
        let mut all = of_listener(listener);
        all.sort_by_key(|attached| attached.policy.stage());
        Self(all)
    }

    /// Likewise, for the connections or sessions of `route`.
    pub(crate) fn of_stream(listener: &'a Listener, route: &'a StreamRoute) -> Self {
        let mut all = of_listener(listener);
        let scope = Scope::Stream(route.kind(), route.name().clone());
        add_policies(&mut all, route.policies(), &scope);

        all.sort_by_key(|attached| attached.policy.stage());
        Self(all)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Attached<'a>> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of some stages, the outermost first.
    pub(crate) fn within(&self, stages: std::ops::RangeInclusive<Stage>) -> &[Attached<'a>] {
        let stage = |attached: &Attached<'_>| attached.policy.stage();
        let begin = self.0.partition_point(|one| stage(one) < *stages.start());
        let end = self.0.partition_point(|one| stage(one) <= *stages.end());
        &self.0[begin..end]
    }

    pub(crate) fn policies(&self) -> impl Iterator<Item = &'a Policy> {
        self.0.iter().map(|attached| attached.policy)
    }
}

/// Who owns what a rule remembers.
pub(crate) fn rule_scope(route: &Route, index: usize) -> Scope {
    let name = match route.rules()[index].name() {
        Some(name) => RuleName::Named(name.clone()),
        None => RuleName::At(index),
    };
    Scope::Rule(route.kind(), route.name().clone(), name)
}

fn of_listener(listener: &Listener) -> Vec<Attached<'_>> {
    let mut all = Vec::new();
    let sets = listener.policies().iter();
    sets.for_each(|set| add_set(&mut all, set));
    all
}

fn add_policies<'a>(all: &mut Vec<Attached<'a>>, policies: &'a Policies, owner: &Scope) {
    policies.shared().iter().for_each(|set| add_set(all, set));
    add(all, policies.own(), owner);
}

fn add_set<'a>(all: &mut Vec<Attached<'a>>, set: &'a PolicySet) {
    add(all, set.policies(), &Scope::Set(set.name().clone()));
}

fn add<'a>(all: &mut Vec<Attached<'a>>, policies: &'a [Policy], owner: &Scope) {
    let attached = policies.iter().enumerate().map(|(index, policy)| Attached {
        place: Place {
            scope: owner.clone(),
            part: Part::Policies,
            index,
        },
        policy,
    });
    all.extend(attached);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use gateway_filters::{AccessControl, Csrf, Fault, RateLimit};

    use super::*;
    use crate::model::Rule;

    fn limit(requests: u32) -> Policy {
        Policy::RateLimit(Arc::new(
            RateLimit::new(requests, Duration::from_secs(1)).unwrap(),
        ))
    }

    #[test]
    fn stages_come_first_and_then_levels() {
        let csrf = Policy::Csrf(Arc::new(Csrf::new()));
        let fault = Policy::Fault(Arc::new(Fault::new()));
        let access = Policy::Access(Arc::new(AccessControl::new()));
        let set = PolicySet::new("edge").with(csrf.clone()).with(limit(1));
        let listener = Listener::http("web", 80).with_policies(set);
        let rule = Rule::new()
            .with_policy(limit(3))
            .with_policy(access.clone());
        let route = Route::new("shop")
            .with_policy(fault.clone())
            .with_policy(limit(2))
            .with_rule(rule);

        let all = AllAttached::of(&listener, &route, 0);

        let expected = [access, limit(1), limit(2), limit(3), fault, csrf];
        assert!(all.policies().eq(&expected), "{all:?}");
        let limits = all.within(Stage::Limits..=Stage::Faults);
        assert_eq!(limits.len(), 4);
    }
}
