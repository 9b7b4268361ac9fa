//! Builds a rule's stack, once for each change of the rule.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_filters::retry::{FailedTry, ReplayBody};
use gateway_filters::timeout::{
    BackendRequestTimedOut, BackendRequestTimeout, TimedOut, TimeoutBody,
};
use gateway_filters::{BackendRequestTimeoutLayer, RequestTimeoutLayer, RetryLayer, RetryPolicy};
use http::{Request, Response};
use tower::util::{Either, MapResponse};
use tower::{Layer, Service, ServiceExt};

use super::chain::{FilterChain, FilterChainLayer};
use super::deadline::ExchangeDeadline;
use super::dispatch::Dispatch;
use super::extension::Extensions;
use super::step::{Prepared, Step, UnresolvedFilter, prepare};
use super::upstream::UpstreamService;
use super::{Backends, RuleStack};
use crate::l4::StreamLayers;
use crate::model::{BackendRef, Filter, Rule};
use crate::rescue;
use crate::{Body, BoxError};

/// A rule as requests meet it.
#[derive(Debug)]
pub(crate) struct LiveRule {
    /// Everything that happens to a request of this rule.
    pub(crate) stack: RuleStack,
    /// Whether a filter asks what the router knows. Requests of other rules are
    /// spared the extension.
    pub(crate) wants_context: bool,
    tells_ends: Arc<AtomicBool>,
}

impl LiveRule {
    /// Whether some backend is told whom connections are from. Requests are spared the
    /// extension where none is.
    pub(crate) fn tells_ends(&self) -> bool {
        self.tells_ends.load(Ordering::Relaxed)
    }
}

/// What stacks are built from, besides rules.
#[derive(Clone, Debug)]
pub(crate) struct Assembler {
    pub(crate) backends: Backends,
    pub(crate) extensions: Arc<Extensions>,
    pub(crate) streams: Arc<StreamLayers>,
}

impl Assembler {
    pub(crate) fn assemble(&self, rule: &Rule) -> LiveRule {
        let of_backends = rule.backends().iter().flat_map(BackendRef::filters);
        let wants_context = rule.filters().iter().chain(of_backends).any(wants_context);

        LiveRule {
            stack: self.rule(rule),
            wants_context,
            tells_ends: Arc::clone(self.backends.tell_ends()),
        }
    }

    /// From the outside to the inside: the deadline of the request, the rule's
    /// filters as they are written, retries, the choice of a backend.
    fn rule(&self, rule: &Rule) -> RuleStack {
        // Outermost: it holds for filters, pauses and tries together.
        let timeout = RequestTimeoutLayer::new(rule.timeouts().request);
        let legs = rule
            .backends()
            .iter()
            .map(|backend| (self.leg(rule, backend), backend.weight()));
        let dispatch = Dispatch::new(legs);
        // Inside the filters: a request passes them once, however often it is
        // tried. Each try chooses a backend anew.
        match rule.retry() {
            Some(policy) => self.around(rule, timeout, retried(policy, dispatch)),
            None => self.around(rule, timeout, dispatch),
        }
    }

    /// The deadline and the filters of a rule around `tried`.
    ///
    /// Of whatever type that is: one type for all would make room in each request's
    /// future for what only retries need.
    fn around<S>(&self, rule: &Rule, timeout: RequestTimeoutLayer, tried: S) -> RuleStack
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        match self.steps(rule.filters()) {
            Some(steps) => erase(timeout, FilterChainLayer::new(steps).layer(tried)),
            None => erase(
                timeout,
                self.extended(rule.filters(), RuleStack::new(tried)),
            ),
        }
    }

    /// One backend's part: its own filters, the deadline of a try, an endpoint.
    fn leg(&self, rule: &Rule, backend: &BackendRef) -> Leg {
        let layer = BackendRequestTimeoutLayer::new(rule.timeouts().backend_request);
        let upstream: Timed = layer
            .layer(self.backends.service(backend.target()))
            .map_response(unify);

        match self.steps(backend.filters()) {
            Some(steps) => Either::Left(FilterChainLayer::new(steps).layer(upstream)),
            None => Either::Right(self.extended(backend.filters(), RuleStack::new(upstream))),
        }
    }

    /// `filters` as one chain, if no layer of somebody else's is among them.
    fn steps(&self, filters: &[Filter]) -> Option<Vec<Step>> {
        let step = |filter| match prepare(filter, &self.backends) {
            Prepared::Step(step) => Some(step),
            Prepared::Extension(_) => None,
        };
        filters.iter().map(step).collect()
    }

    /// `inner` inside `filters`, some of which are layers of somebody else's.
    fn extended(&self, filters: &[Filter], inner: RuleStack) -> RuleStack {
        let mut stack = inner;
        let mut steps = Vec::new();
        // From the inside out: steps gather until a layer is met, which goes
        // around them.
        for filter in filters.iter().rev() {
            match prepare(filter, &self.backends) {
                Prepared::Step(step) => steps.insert(0, step),
                Prepared::Extension(name) => {
                    stack = chained(std::mem::take(&mut steps), stack);
                    match self.extensions.wrap(name, stack.clone()) {
                        Some(wrapped) => stack = wrapped,
                        None => steps.push(Step::Fail(UnresolvedFilter::extension(name))),
                    }
                }
            }
        }
        chained(steps, stack)
    }
}

/// An endpoint of a backend, within the time that one try has.
type Timed = MapResponse<
    BackendRequestTimeout<UpstreamService>,
    fn(Response<TimeoutBody<Body, BackendRequestTimedOut>>) -> Response<Body>,
>;

type Leg = Either<FilterChain<Timed>, RuleStack>;

fn erase<S>(timeout: RequestTimeoutLayer, inner: S) -> RuleStack
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    RuleStack::new(ExchangeDeadline::new(inner, timeout).map_response(unify))
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

    RetryLayer::new(*policy, rescue::failed_try as fn(&BoxError) -> FailedTry).layer(replayed)
}

/// Most requests are sent once with the body they came with.
fn direct(body: ReplayBody<Body>) -> Body {
    match body.try_into_inner() {
        Ok(inner) => inner,
        Err(shared) => Body::new(shared),
    }
}

/// A body that nothing watches any more needs no wrapper.
fn unify<T: TimedOut>(response: Response<TimeoutBody<Body, T>>) -> Response<Body> {
    response.map(|body| body.try_into_inner().unwrap_or_else(Body::new))
}

fn wants_context(filter: &Filter) -> bool {
    match filter {
        Filter::RequestRedirect(_) | Filter::UrlRewrite(_) | Filter::Extension(_) => true,
        Filter::RequestHeaderModifier(_)
        | Filter::ResponseHeaderModifier(_)
        | Filter::RequestMirror(_)
        | Filter::Cors(_)
        | Filter::Invalid(_) => false,
    }
}
