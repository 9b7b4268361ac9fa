//! The body of the client's request, which tries read one after the other.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::body::{ReplayBody, TryGivenUp};
use super::shared::{Shared, lock};
use crate::BoxError;

/// The side of the body that stays with the retry, which lends it to each try. Whoever has to
/// read a body before it is sent on does so by a try of their own.
pub(crate) enum Origin<B> {
    /// There is no body, hence nothing to lend.
    Empty,
    Shared(Lender<B>),
}

impl<B> Origin<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Keeps at most `limit` bytes of `source`; and the body for the first try.
    pub(crate) fn new(source: B, limit: usize) -> (Self, ReplayBody<B>) {
        if source.is_end_stream() {
            return (Self::Empty, ReplayBody::direct(source));
        }
        let shared = Shared::new(source, limit);
        let body = ReplayBody::shared(Borrower {
            shared: Arc::clone(&shared),
            turn: 0,
        });
        (Self::Shared(Lender { shared }), body)
    }

    /// The body for one more try, from its first byte; `None` if that is gone.
    ///
    /// From now on, the body of the try before fails.
    pub(crate) fn restart(&self) -> Option<ReplayBody<B>> {
        match self {
            Self::Empty => Some(ReplayBody::empty()),
            Self::Shared(lender) => lender.restart().map(ReplayBody::shared),
        }
    }

    /// The first bytes that tries before the [last one](Self::restart) have read, `most` at most.
    pub(crate) fn first(&self, most: usize) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Shared(lender) => lock(&lender.shared).first(most),
        }
    }
}

/// Keeps what tries have read. Dropping it, for no try will follow, stops that.
pub(crate) struct Lender<B> {
    shared: Arc<Mutex<Shared<B>>>,
}

impl<B> Lender<B> {
    fn restart(&self) -> Option<Borrower<B>> {
        let (turn, waker) = lock(&self.shared).next_turn()?;
        // The connection of the try before learns that its request is void.
        if let Some(waker) = waker {
            waker.wake();
        }
        Some(Borrower {
            shared: Arc::clone(&self.shared),
            turn,
        })
    }
}

impl<B> Drop for Lender<B> {
    fn drop(&mut self) {
        lock(&self.shared).stop_keeping();
    }
}

/// The turn of one try at reading the body.
pub(super) struct Borrower<B> {
    shared: Arc<Mutex<Shared<B>>>,
    turn: u32,
}

impl<B> Borrower<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    pub(super) fn poll_frame(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut shared = lock(&self.shared);
        if shared.turn() != self.turn {
            return Poll::Ready(Some(Err(TryGivenUp.into())));
        }
        shared.poll_frame(cx)
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let shared = lock(&self.shared);
        shared.turn() == self.turn && shared.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        lock(&self.shared).size_hint()
    }
}

impl<B> fmt::Debug for Borrower<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrower")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
