//! Builds a rule's stack, once for each change of the rule.

use std::future::ready;
use std::sync::Arc;

use gateway_filters::retry::{FailedTry, ReplayBody, SharedRetryBudget};
use gateway_filters::timeout::{
    BackendRequestTimedOut, BackendRequestTimeout, TimedOut, TimeoutBody,
};
use gateway_filters::{BackendRequestTimeoutLayer, RequestTimeoutLayer, RetryLayer, RetryPolicy};
use http::{Request, Response};
use tower::util::{Either, MapResponse};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::attached::{AllAttached, Attached, rule_scope};
use super::chain::{FilterChain, FilterChainLayer};
use super::chore::Chores;
use super::deadline::{ExchangeDeadline, tell_deadline};
use super::dispatch::Dispatch;
use super::extension::Extensions;
use super::kept::{Kept, Part, Place, Scope, Share};
use super::needs::Needs;
use super::policy::{Rescued, direct, wrap};
use super::step::{Prepared, Step, UnresolvedFilter, prepare};
use super::upstream::UpstreamService;
use super::{Backends, LiveBackend, RuleStack};
use crate::l4::StreamLayers;
use crate::model::{BackendRef, Filter, Listener, Route, Rule, Stage};
use crate::rescue::{self, NoRoute};
use crate::{Body, BoxError};

/// A rule as requests meet it.
#[derive(Debug)]
pub(crate) struct LiveRule {
    /// Everything that happens to a request of this rule.
    pub(crate) stack: RuleStack,
    /// What it has to be told before; nothing, mostly.
    pub(crate) needs: Option<Box<Needs>>,
    /// Its backends, of which some may hash requests as clients have sent them.
    pub(crate) backends: Box<[Arc<LiveBackend>]>,
    /// What its policies remember, for as long as it is there.
    _kept: Vec<Share>,
}

impl LiveRule {
    /// Whether one of its backends is told whom connections are from. Requests are spared
    /// the extension where none is.
    pub(crate) fn tells_ends(&self) -> bool {
        self.backends.iter().any(|backend| backend.tells_ends())
    }
}

/// What stacks are built from, besides rules.
#[derive(Clone, Debug)]
pub(crate) struct Assembler {
    pub(crate) backends: Backends,
    pub(crate) extensions: Arc<Extensions>,
    pub(crate) streams: Arc<StreamLayers>,
    pub(crate) kept: Kept,
    pub(crate) chores: Chores,
    /// What slow passwords of all rules may take together.
    #[cfg(feature = "bcrypt")]
    pub(crate) hashing: gateway_filters::basic_auth::Hashing,
}

impl Assembler {
    pub(crate) fn new(backends: Backends, extensions: Extensions, streams: StreamLayers) -> Self {
        Self {
            backends,
            extensions: Arc::new(extensions),
            streams: Arc::new(streams),
            kept: Kept::default(),
            chores: Chores::default(),
            #[cfg(feature = "bcrypt")]
            hashing: gateway_filters::basic_auth::Hashing::default(),
        }
    }

    /// Rule `index` of `route`, as it is at `listener`.
    pub(crate) fn assemble(&self, listener: &Listener, route: &Route, index: usize) -> LiveRule {
        let rule = &route.rules()[index];
        let attached = AllAttached::of(listener, route, index);
        let mut making = Making {
            assembler: self,
            scope: rule_scope(route, index),
            kept: Vec::new(),
        };

        LiveRule {
            stack: making.rule(rule, &attached),
            needs: Needs::of(route, rule, attached.policies()),
            backends: making.live(rule).collect(),
            _kept: making.kept,
        }
    }

    /// What becomes of requests at `listener` that no route wants, if it has policies.
    pub(crate) fn unrouted(&self, listener: &Listener) -> Option<LiveRule> {
        let attached = AllAttached::of_unrouted(listener);
        if attached.is_empty() {
            return None;
        }
        let mut making = Making {
            assembler: self,
            scope: Scope::Unrouted(listener.name().clone()),
            kept: Vec::new(),
        };

        Some(LiveRule {
            stack: making.unrouted(&attached),
            needs: Needs::of_unrouted(attached.policies()),
            backends: Box::default(),
            _kept: making.kept,
        })
    }
}

/// One rule's stack, as it is being built.
#[derive(Debug)]
pub(super) struct Making<'a> {
    assembler: &'a Assembler,
    /// Who owns what is remembered.
    scope: Scope,
    kept: Vec<Share>,
}

impl Making<'_> {
    pub(super) fn backends(&self) -> &Backends {
        &self.assembler.backends
    }

    #[cfg(feature = "jwt")]
    pub(super) fn chores(&self) -> &Chores {
        &self.assembler.chores
    }

    #[cfg(feature = "bcrypt")]
    pub(super) fn hashing(&self) -> &gateway_filters::basic_auth::Hashing {
        &self.assembler.hashing
    }

    /// What is remembered at `place`, to be kept for as long as the rule is there.
    pub(super) fn keep<S, T>(
        &mut self,
        place: &Place,
        settings: &S,
        make: impl FnOnce(&S) -> T,
    ) -> T
    where
        S: Clone + Eq + Send + Sync + 'static,
        T: Clone + Send + Sync + 'static,
    {
        let (state, share) = self.assembler.kept.keep(place.clone(), settings, make);
        self.kept.push(share);
        state
    }

    /// From the outside to the inside: see the [module](super).
    fn rule(&mut self, rule: &Rule, attached: &AllAttached<'_>) -> RuleStack {
        let legs: Vec<_> = rule
            .backends()
            .iter()
            .enumerate()
            .map(|(index, backend)| (self.leg(rule, index, backend), backend.weight()))
            .collect();
        let dispatch = Dispatch::new(legs);
        // Inside the filters: a request passes them once, however often it is
        // tried. Each try chooses a backend anew.
        match rule.retry() {
            Some(policy) => {
                let budget = rule.retry_budget().map(|budget| {
                    let place = self.place(Part::RetryBudget, 0);
                    self.keep(&place, &budget, |budget| SharedRetryBudget::new(*budget))
                });
                self.around(rule, attached, retried(policy, budget, dispatch))
            }
            None => self.around(rule, attached, dispatch),
        }
    }

    /// The deadline, the policies and the filters of a rule around `tried`.
    ///
    /// Of whatever type that is: one type for all would make room in each request's
    /// future for what only retries need.
    fn around<S>(&mut self, rule: &Rule, attached: &AllAttached<'_>, tried: S) -> RuleStack
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let timeout = Limit {
            // It holds for filters, pauses and tries together.
            layer: RequestTimeoutLayer::new(rule.timeouts().request),
            backends: self.live(rule).collect(),
        };
        if !attached.is_empty() {
            return self.with_policies(rule, attached, timeout, RuleStack::new(tried));
        }
        match self.steps(rule.filters()) {
            Some(steps) => erase(timeout, FilterChainLayer::new(steps).layer(tried)),
            None => erase(
                timeout,
                self.extended(rule.filters(), Part::Filters, RuleStack::new(tried)),
            ),
        }
    }

    /// As [`Making::around`], where there are policies.
    fn with_policies(
        &mut self,
        rule: &Rule,
        attached: &AllAttached<'_>,
        timeout: Limit,
        tried: RuleStack,
    ) -> RuleStack {
        let inner = self.wrapped(attached.within(Stage::Backends..=Stage::Backends), tried);
        // Preflights carry nothing that says who asks, and browsers hide refusals that do
        // not say who may read them: CORS comes before whoever refuses.
        let is_cors = |filter: &&Filter| matches!(filter, Filter::Cors(_));
        let (cors, filters): (Vec<_>, Vec<_>) = rule.filters().iter().partition(is_cors);
        let filtered = self.extended(filters, Part::Filters, inner);
        let limited = self.wrapped(attached.within(Stage::Access..=Stage::Known), filtered);
        let limited = self.extended(cors, Part::Filters, limited);
        self.outermost(attached, erase(timeout, limited))
    }

    /// The policies of a listener around the answer that there is no route.
    fn unrouted(&mut self, attached: &AllAttached<'_>) -> RuleStack {
        let nowhere = service_fn(|_: Request<Body>| ready(Err(BoxError::from(NoRoute))));
        // It is an answer, and not a failure of anybody that a breaker should count.
        let answer = RuleStack::new(Rescued::new(nowhere));
        let limited = self.wrapped(attached.within(Stage::Access..=Stage::Backends), answer);
        self.outermost(attached, limited)
    }

    /// `inner` inside the policies for responses, whoever gave them.
    fn outermost(&mut self, attached: &AllAttached<'_>, inner: RuleStack) -> RuleStack {
        match attached.within(Stage::Response..=Stage::Response) {
            [] => inner,
            outermost => self.wrapped(outermost, RuleStack::new(Rescued::new(inner))),
        }
    }

    /// `inner` inside `policies`, of which the first is the outermost.
    fn wrapped(&mut self, policies: &[Attached<'_>], inner: RuleStack) -> RuleStack {
        let inwards = policies.iter().rev();
        inwards.fold(inner, |inner, one| {
            wrap(self, one.policy, &one.place, inner)
        })
    }

    /// One backend's part: its own filters, the deadline of a try, an endpoint.
    fn leg(&mut self, rule: &Rule, index: usize, backend: &BackendRef) -> Leg {
        let limit = rule.timeouts().backend_request;
        let of_retry = rule.retry().and_then(|policy| policy.try_timeout());
        let sessions = rule.sessions().map(|carrier| &**carrier);
        let others = rule.backends().len().saturating_sub(1);
        let service = self
            .backends()
            .service_with(backend.target(), sessions, others)
            .with_patience(limit.into_iter().chain(of_retry).min());
        let layer = BackendRequestTimeoutLayer::new(limit);
        let upstream: Timed = layer.layer(service).map_response(unify);

        match self.steps(backend.filters()) {
            Some(steps) => Either::Left(FilterChainLayer::new(steps).layer(upstream)),
            None => Either::Right(self.extended(
                backend.filters(),
                Part::BackendFilters(index),
                RuleStack::new(upstream),
            )),
        }
    }

    /// `filters` as one chain, if there are no layers among them.
    fn steps(&self, filters: &[Filter]) -> Option<Vec<Step>> {
        let step = |filter| match prepare(filter, self.backends()) {
            Prepared::Step(step) => Some(step),
            Prepared::Policy(_) | Prepared::Extension(_) => None,
        };
        filters.iter().map(step).collect()
    }

    /// `inner` inside `filters`, some of which are layers.
    fn extended<'f, I>(&mut self, filters: I, part: Part, inner: RuleStack) -> RuleStack
    where
        I: IntoIterator<Item = &'f Filter, IntoIter: DoubleEndedIterator + ExactSizeIterator>,
    {
        let mut stack = inner;
        let mut steps = Vec::new();
        // From the inside out: steps gather until a layer is met, which goes
        // around them.
        for (index, filter) in filters.into_iter().enumerate().rev() {
            match prepare(filter, self.backends()) {
                Prepared::Step(step) => steps.insert(0, step),
                Prepared::Policy(policy) => {
                    stack = chained(std::mem::take(&mut steps), stack);
                    stack = wrap(self, policy, &self.place(part, index), stack);
                }
                Prepared::Extension(name) => {
                    stack = chained(std::mem::take(&mut steps), stack);
                    match self.assembler.extensions.wrap(name, stack.clone()) {
                        Some(wrapped) => stack = wrapped,
                        None => steps.push(Step::Fail(UnresolvedFilter::extension(name))),
                    }
                }
            }
        }
        chained(steps, stack)
    }

    fn live(&self, rule: &Rule) -> impl Iterator<Item = Arc<LiveBackend>> {
        let backends = rule.backends().iter();
        backends.map(|backend| self.backends().of(backend.target()))
    }

    fn place(&self, part: Part, index: usize) -> Place {
        Place {
            scope: self.scope.clone(),
            part,
            index,
        }
    }
}

/// An endpoint of a backend, within the time that one try has.
type Timed = MapResponse<
    BackendRequestTimeout<UpstreamService>,
    fn(Response<TimeoutBody<Body, BackendRequestTimedOut>>) -> Response<Body>,
>;

type Leg = Either<FilterChain<Timed>, RuleStack>;

/// The deadline of a rule's exchanges, and whom they are for.
struct Limit {
    layer: RequestTimeoutLayer,
    backends: Box<[Arc<LiveBackend>]>,
}

fn erase<S>(timeout: Limit, inner: S) -> RuleStack
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let Limit { layer, backends } = timeout;
    RuleStack::prepared(
        move |request| tell_deadline(layer, &backends, request),
        ExchangeDeadline::new(inner, layer).map_response(unify),
    )
}

fn chained(steps: Vec<Step>, stack: RuleStack) -> RuleStack {
    if steps.is_empty() {
        stack
    } else {
        RuleStack::new(FilterChainLayer::new(steps).layer(stack))
    }
}

/// `inner`, tried again when it fails.
fn retried<S>(
    policy: &RetryPolicy,
    budget: Option<SharedRetryBudget>,
    inner: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send>
+ Clone
+ Send
+ Sync
+ use<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let replayed = inner.map_request(|request: Request<ReplayBody<Body>>| request.map(direct));

    let layer = RetryLayer::new(*policy, rescue::failed_try as fn(&BoxError) -> FailedTry);
    match budget {
        Some(budget) => layer.with_budget(budget).layer(replayed),
        None => layer.without_budget().layer(replayed),
    }
}

/// A body that nothing watches any more needs no wrapper.
fn unify<T: TimedOut>(response: Response<TimeoutBody<Body, T>>) -> Response<Body> {
    response.map(|body| body.try_into_inner().unwrap_or_else(Body::new))
}
