//! Routes and their rules.

use std::sync::Arc;
use std::time::Duration;

use gateway_filters::{RetryBudget, RetryPolicy};
use gateway_lb::persistence::SessionCarrier;

use super::{
    BackendId, BackendRef, Filter, Hostname, ObjectName, Policies, Policy, PolicySet, RouteMatch,
    RuleRef, SectionName, add,
};

/// Rules for requests to some hostnames.
///
/// Source: `HTTPRoute`, `GRPCRoute`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    kind: RouteKind,
    name: ObjectName,
    created: u64,
    hostnames: Vec<Hostname>,
    rules: Vec<Rule>,
    policies: Policies,
}

impl Route {
    /// A route for every hostname of its listeners, without rules.
    pub fn new(name: impl Into<ObjectName>) -> Self {
        Self {
            kind: RouteKind::Http,
            name: name.into(),
            created: 0,
            hostnames: Vec::new(),
            rules: Vec::new(),
            policies: Policies::default(),
        }
    }

    /// Says which kind of object it was. `HTTPRoute` by default.
    #[must_use]
    pub fn with_kind(mut self, kind: RouteKind) -> Self {
        self.kind = kind;
        self
    }

    /// When the object was made, in seconds since 1970; of two matches that are
    /// otherwise equal the older route's wins. 0 by default.
    #[must_use]
    pub fn with_created(mut self, seconds: u64) -> Self {
        self.created = seconds;
        self
    }

    /// Adds a hostname.
    #[must_use]
    pub fn with_hostname(mut self, hostname: Hostname) -> Self {
        add(&mut self.hostnames, hostname);
        self
    }

    /// Adds a rule after those it has.
    #[must_use]
    pub fn with_rule(mut self, rule: Rule) -> Self {
        add(&mut self.rules, rule);
        self
    }

    /// Adds a policy for the requests of all its rules together, wherever it is attached.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        add(&mut self.policies.own, policy);
        self
    }

    /// Adds policies that it has in common with others, around its own.
    #[must_use]
    pub fn with_policies(mut self, policies: impl Into<Arc<PolicySet>>) -> Self {
        add(&mut self.policies.shared, policies.into());
        self
    }

    /// Shows `edit` each backend that it leads to, with those that get copies, and keeps what
    /// it makes of them.
    #[must_use]
    pub fn with_edited_backends(mut self, mut edit: impl FnMut(&mut BackendId)) -> Self {
        for rule in &mut self.rules {
            for backend in &mut rule.backends {
                backend.edit_backends(&mut edit);
            }
            for filter in &mut rule.filters {
                filter.edit_backend(&mut edit);
            }
        }
        self
    }

    /// Its policies.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The kind of object that it was. Routes of different kinds may be namesakes.
    pub fn kind(&self) -> RouteKind {
        self.kind
    }

    /// What it is called.
    pub fn name(&self) -> &ObjectName {
        &self.name
    }

    /// When it was made, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// Its own hostnames; none means all of the listener's.
    pub fn hostnames(&self) -> &[Hostname] {
        &self.hostnames
    }

    /// Its rules, in their written order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Names rule `index`.
    pub fn rule_ref(&self, index: usize) -> RuleRef {
        let name = self.rules.get(index).and_then(|rule| rule.name.clone());

        RuleRef {
            route: self.name.clone(),
            index,
            name,
        }
    }
}

/// The kind of object that a route was.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RouteKind {
    /// `HTTPRoute`.
    #[default]
    Http,
    /// `GRPCRoute`: its method matches are path matches here, as every gRPC call
    /// is a request for `/service/method`.
    Grpc,
}

/// What happens to requests that one of its matches describes.
///
/// Source: `HTTPRouteRule`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rule {
    name: Option<SectionName>,
    matches: Vec<RouteMatch>,
    filters: Vec<Filter>,
    backends: Vec<BackendRef>,
    timeouts: Timeouts,
    retry: Option<Arc<RetryPolicy>>,
    retry_budget: Option<RetryBudget>,
    sessions: Option<Arc<SessionCarrier>>,
    policies: Policies,
}

impl Rule {
    /// A rule for every request, without backends: it answers 500 unless a
    /// filter answers first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the rule.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<SectionName>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a match; a request needs only one of them.
    #[must_use]
    pub fn with_match(mut self, condition: RouteMatch) -> Self {
        add(&mut self.matches, condition);
        self
    }

    /// Adds a filter after those it has.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        add(&mut self.filters, filter);
        self
    }

    /// Adds a backend.
    #[must_use]
    pub fn with_backend(mut self, backend: BackendRef) -> Self {
        add(&mut self.backends, backend);
        self
    }

    /// Sets its timeouts. None by default.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Tries failed requests again. Off by default.
    #[must_use]
    pub fn with_retry(mut self, retry: impl Into<Arc<RetryPolicy>>) -> Self {
        self.retry = Some(retry.into());
        self
    }

    /// Limits its retries, all together, to a share of its requests. Without a limit by default;
    /// that of a [`Backend`](super::Backend) holds besides.
    #[must_use]
    pub fn with_retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = Some(budget);
        self
    }

    /// Sends the requests of one session to one endpoint of the backend that their weights
    /// choose. There are no sessions by default.
    ///
    /// A session is one of a backend: of several backends, each begins its own.
    #[must_use]
    pub fn with_sessions(mut self, carrier: impl Into<SessionCarrier>) -> Self {
        self.sessions = Some(Arc::new(carrier.into()));
        self
    }

    /// What carries its sessions.
    pub fn sessions(&self) -> Option<&Arc<SessionCarrier>> {
        self.sessions.as_ref()
    }

    /// Adds a policy. What it remembers belongs to this rule: to its name, or else to its place
    /// in the route.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        add(&mut self.policies.own, policy);
        self
    }

    /// Adds policies that it has in common with others, around its own.
    #[must_use]
    pub fn with_policies(mut self, policies: impl Into<Arc<PolicySet>>) -> Self {
        add(&mut self.policies.shared, policies.into());
        self
    }

    /// Its policies.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The share of its requests that may be tried again.
    pub fn retry_budget(&self) -> Option<RetryBudget> {
        self.retry_budget
    }

    /// Its name.
    pub fn name(&self) -> Option<&SectionName> {
        self.name.as_ref()
    }

    /// Its matches; none means that every request matches.
    pub fn matches(&self) -> &[RouteMatch] {
        &self.matches
    }

    /// Its filters, in their written order.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// Its backends.
    pub fn backends(&self) -> &[BackendRef] {
        &self.backends
    }

    /// Its timeouts.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Whether and how failed requests are tried again.
    pub fn retry(&self) -> Option<&Arc<RetryPolicy>> {
        self.retry.as_ref()
    }
}

/// How long the gateway waits. `None` means no limit, which is the default.
///
/// Source: `HTTPRouteTimeouts`, where `0s` is `None` here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timeouts {
    /// Limits the whole exchange with the client, retries included.
    pub request: Option<Duration>,
    /// Limits one attempt at a backend; retries each start it again.
    pub backend_request: Option<Duration>,
}
