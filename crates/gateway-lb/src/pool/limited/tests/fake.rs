//! Connections without sockets.

use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::pool::codec::{Http1Connection, Http1Outcome};
use crate::pool::destination::Destination;
use crate::pool::error::UpstreamError;
use crate::pool::http1::Outgoing;
use crate::pool::limited::Place;
use crate::pool::upgrade::UpgradedTransport;

/// A connection that does nothing but be there.
pub(super) struct Fake {
    pub(super) destination: Destination,
    pub(super) place: Option<Place>,
    pub(super) since: Instant,
}

impl Http1Connection<()> for Fake {
    fn destination(&self) -> &Destination {
        &self.destination
    }

    fn is_used_up(&self) -> bool {
        false
    }

    fn take_place(&mut self) -> Option<Place> {
        self.place.take()
    }

    fn idle_since(&self) -> Instant {
        self.since
    }

    fn is_alive(&mut self) -> bool {
        true
    }

    fn park(&mut self) -> bool {
        true
    }

    fn is_request_sent(&self) -> bool {
        true
    }

    fn send(&mut self, _: Outgoing<()>) {
        unreachable!("there is nobody to send to")
    }

    fn poll_exchange(&mut self, _: &mut Context<'_>) -> Poll<Http1Outcome<()>> {
        unreachable!("nothing was sent")
    }

    fn poll_body(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        unreachable!("nothing was sent")
    }

    fn take_whole_body(&mut self) -> Option<Bytes> {
        None
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }

    fn into_upgraded(self: Box<Self>) -> UpgradedTransport {
        unreachable!("nothing was sent")
    }
}
