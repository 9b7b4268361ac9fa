//! An endpoint that was picked for a request.

use std::ops::Deref;
use std::sync::Arc;

use super::hashed::Entered;
use super::peak_ewma::Timed;
use crate::endpoint::Endpoint;

/// The [`Endpoint`] picked for one request, and the request's place among those in flight.
///
/// Hold it until the response has been read to its end. Dropping it, on any thread, ends the
/// request in the eyes of the [`Balancer`](super::Balancer), which may be gone by then.
#[derive(Debug)]
#[must_use = "a pick that is dropped is no longer counted"]
pub struct Pick {
    endpoint: Endpoint,
    hold: Hold,
}

impl Pick {
    pub(super) fn new(endpoint: Endpoint, hold: Hold) -> Self {
        Self { endpoint, hold }
    }

    /// Tells how the endpoint has answered, as soon as the head of the response is there or it
    /// is known that none will come.
    ///
    /// [`Algorithm::PeakEwma`](super::Algorithm::PeakEwma) learns from it; to others it makes no
    /// difference. A pick that is dropped without counts as one that nobody waited for.
    /// [`Balancer::answered`](super::Balancer::answered) calls it too.
    pub fn answered(&mut self, outcome: Outcome) {
        match &mut self.hold {
            Hold::Timed(timed) => timed.answered(outcome),
            Hold::None | Hold::Counted { .. } | Hold::Bounded { .. } => {}
        }
    }
}

/// How an endpoint has answered a request. Complete: either it has done its work or it has not.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Outcome {
    /// There was an answer, and it does not speak against the endpoint.
    Success,
    /// There was no answer, or one that says that the endpoint is not well, such as 503.
    Failure,
}

impl Deref for Pick {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// What a request keeps until it is over, only to drop it then.
#[derive(Debug)]
pub(super) enum Hold {
    None,
    Counted {
        _endpoint: InFlight,
    },
    Bounded {
        _endpoint: Entered,
        _total: InFlight,
    },
    Timed(Timed),
}

/// Counts the requests in flight to one endpoint, mostly those of one thread.
///
/// The table keeps one handle and each request has another, so the reference count
/// that the sharing needs anyway is also the count of requests: nothing else has to be written.
#[derive(Debug, Default)]
pub(super) struct InFlight(Arc<()>);

impl InFlight {
    /// The handle for one more request.
    pub(super) fn enter(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// How many requests are in flight. Only the table may ask.
    pub(super) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}
