//! An endpoint that was picked for a request.

use std::ops::Deref;
use std::sync::Arc;

use crate::endpoint::Endpoint;

/// The [`Endpoint`] picked for one request, and the request's place among those in flight.
///
/// Hold it until the response has been read to its end. Dropping it, on any thread, ends the
/// request in the eyes of the [`Balancer`](super::Balancer), which may be gone by then.
#[derive(Debug)]
#[must_use = "a pick that is dropped is no longer counted"]
pub struct Pick {
    endpoint: Endpoint,
    // Held only to be dropped.
    _in_flight: Option<InFlight>,
}

impl Pick {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            _in_flight: None,
        }
    }

    pub(super) fn counted(endpoint: Endpoint, in_flight: InFlight) -> Self {
        Self {
            endpoint,
            _in_flight: Some(in_flight),
        }
    }
}

impl Deref for Pick {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// Counts the requests in flight from one thread to one endpoint.
///
/// The table of the thread keeps one handle and each request has another, so the reference count
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
