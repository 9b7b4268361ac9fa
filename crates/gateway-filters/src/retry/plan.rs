//! What a request needs to be sent again.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, request};
use http_body::Body;

use super::backoff;
use super::body::ReplayBody;
use super::budget::{SharedRetryBudget, Spent};
use super::classify::{FailedTry, retries_error, retries_response};
use super::endpoints::TriedEndpoints;
use super::origin::Origin;
use super::policy::RetryPolicy;
use crate::tunnel::asks_for_tunnel;

/// Says that a request is being repeated, and for which time, counted from 1.
///
/// An extension of every request that a [`Retry`](super::Retry) sends, but the
/// first. Which endpoints the tries before went to is in
/// [`TriedEndpoints`](super::TriedEndpoints).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryAttempt(pub u32);

/// The service, head and body for the tries after the first.
pub(super) struct Plan<S, C, B> {
    pub(super) inner: S,
    classify: C,
    policy: RetryPolicy,
    head: request::Parts,
    tried: TriedEndpoints,
    origin: Origin<B>,
    /// The body of the try that follows the pause.
    next: Option<ReplayBody<B>>,
    retries: u32,
    tunnel: bool,
    budget: Option<SharedRetryBudget>,
}

impl<S, C, B> Plan<S, C, B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// A plan for `request`; and the request of the first try.
    pub(super) fn new(
        inner: S,
        classify: C,
        policy: RetryPolicy,
        budget: Option<SharedRetryBudget>,
        request: Request<B>,
    ) -> (Self, Request<ReplayBody<B>>) {
        let (mut head, body) = request.into_parts();
        if let Some(budget) = &budget {
            budget.earn();
        }
        let tunnel = asks_for_tunnel(&head.method, &head.headers);
        // A tunnel is not opened again once a byte of it has been read.
        let limit = if tunnel { 0 } else { policy.body_limit() };
        let (origin, body) = Origin::new(body, limit);
        let (tried, kept) = (TriedEndpoints::default(), head.clone());
        head.extensions.insert(tried.clone());

        let plan = Self {
            inner,
            classify,
            policy,
            head: kept,
            tried,
            origin,
            next: None,
            retries: 0,
            tunnel,
            budget,
        };
        (plan, Request::from_parts(head, body))
    }

    /// How long to pause before another try; `None` if there will be none.
    ///
    /// With the pause begins the turn of the next try: the body of the last fails.
    pub(super) fn after<R, E>(&mut self, outcome: &Result<Response<R>, E>) -> Option<Duration>
    where
        C: Fn(&E) -> FailedTry,
    {
        if self.retries == self.policy.attempts() || !self.wants_retry(outcome) {
            return None;
        }
        self.begin_retry()
    }

    /// How long the try that begins now has, until it is [given up](Self::give_up) for another.
    pub(super) fn try_timeout(&self) -> Option<Duration> {
        let another = !self.tunnel && self.retries < self.policy.attempts();
        self.policy.try_timeout().filter(|_| another)
    }

    /// As [`after`](Self::after), for a try that takes too long.
    pub(super) fn give_up(&mut self) -> Option<Duration> {
        self.begin_retry()
    }

    fn begin_retry(&mut self) -> Option<Duration> {
        let spent = self.spend()?;
        let Some(next) = self.origin.restart() else {
            spent.into_iter().for_each(Spent::give_back);
            return None;
        };
        self.next = Some(next);
        self.retries += 1;
        Some(backoff::pause(&self.policy, self.retries - 1))
    }

    /// Leave of every budget that has a say.
    fn spend(&self) -> Option<Vec<Spent>> {
        let charged = self.tried.charged();
        let mut spent = Vec::new();
        for budget in self.budget.iter().chain(&charged) {
            match budget.spend() {
                Some(leave) => spent.push(leave),
                None => {
                    spent.into_iter().for_each(Spent::give_back);
                    return None;
                }
            }
        }
        Some(spent)
    }

    /// The request of the try for which [`after`](Self::after) paused.
    pub(super) fn request(&mut self) -> Option<Request<ReplayBody<B>>> {
        let mut head = self.head.clone();
        head.extensions.insert(self.tried.clone());
        head.extensions.insert(RetryAttempt(self.retries));
        Some(Request::from_parts(head, self.next.take()?))
    }

    fn wants_retry<R, E>(&self, outcome: &Result<Response<R>, E>) -> bool
    where
        C: Fn(&E) -> FailedTry,
    {
        match outcome {
            Ok(response) => retries_response(&self.policy, self.tunnel, response),
            Err(error) => retries_error(&self.policy, self.tunnel, (self.classify)(error)),
        }
    }
}
