//! The body of the client's request, which tries read one after the other.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::body::{ReplayBody, TryGivenUp};
use crate::BoxError;
use crate::chunks::Chunks;

/// The side of the body that stays with the retry, which lends it to each try.
pub(super) enum Origin<B> {
    /// There is no body, hence nothing to lend.
    Empty,
    Shared(Lender<B>),
}

impl<B> Origin<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Keeps at most `limit` bytes of `source`; and the body for the first try.
    pub(super) fn new(source: B, limit: usize) -> (Self, ReplayBody<B>) {
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
    pub(super) fn restart(&self) -> Option<ReplayBody<B>> {
        match self {
            Self::Empty => Some(ReplayBody::empty()),
            Self::Shared(lender) => lender.restart().map(ReplayBody::shared),
        }
    }
}

/// Keeps what tries have read. Dropping it, for no try will follow, stops that.
pub(super) struct Lender<B> {
    shared: Arc<Mutex<Shared<B>>>,
}

impl<B> Lender<B> {
    fn restart(&self) -> Option<Borrower<B>> {
        let mut shared = lock(&self.shared);
        if !shared.replayable {
            return None;
        }
        shared.turn += 1;
        shared.kept.seal();
        shared.replay = Some(0);
        shared.trailers_due = shared.trailers.is_some();
        let turn = shared.turn;
        let waker = shared.waker.take();
        drop(shared);

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
        // Only the body of a try that was given up could contend for the lock.
        let mut shared = lock(&self.shared);
        if shared.turn != self.turn {
            return Poll::Ready(Some(Err(TryGivenUp.into())));
        }
        shared.poll_frame(cx)
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let shared = lock(&self.shared);
        shared.turn == self.turn && shared.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        lock(&self.shared).size_hint()
    }
}

struct Shared<B> {
    source: B,
    /// Nothing more will come from `source`.
    ended: bool,
    kept: Chunks,
    limit: usize,
    /// `kept` is all that has been read.
    replayable: bool,
    trailers: Option<HeaderMap>,
    /// The current try has yet to see `trailers`.
    trailers_due: bool,
    /// The chunk of `kept` that the current try reads next, before `source`.
    replay: Option<usize>,
    /// Counts the tries; only the latest may read.
    turn: u32,
    waker: Option<Waker>,
}

impl<B> Shared<B> {
    fn new(source: B, limit: usize) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            source,
            ended: false,
            kept: Chunks::default(),
            limit,
            replayable: true,
            trailers: None,
            trailers_due: false,
            replay: None,
            turn: 0,
            waker: None,
        }))
    }

    fn keep(&mut self, data: &Bytes) {
        if !self.replayable {
            return;
        }
        if data.len() > self.limit - self.kept.len() {
            self.stop_keeping();
        } else {
            self.kept.push(data);
        }
    }

    fn stop_keeping(&mut self) {
        self.replayable = false;
        // A try that still reads from it lets go of it afterwards.
        if self.replay.is_none() {
            self.kept.clear();
        }
    }

    /// The next kept chunk that the current try has not seen.
    fn replayed(&mut self) -> Option<Bytes> {
        let next = self.replay.as_mut()?;
        if let Some(chunk) = self.kept.get(*next) {
            *next += 1;
            return Some(chunk.clone());
        }
        self.replay = None;
        if !self.replayable {
            self.kept.clear();
        }
        None
    }
}

impl<B> Shared<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(chunk) = self.replayed() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if self.ended {
            let due = std::mem::take(&mut self.trailers_due);
            let trailers = self.trailers.clone().filter(|_| due);
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        }
        let polled = Pin::new(&mut self.source).poll_frame(cx);
        if polled.is_pending() {
            self.wait(cx.waker());
        }
        let frame = ready!(polled).transpose().map_err(Into::into);
        self.note(&frame);
        Poll::Ready(frame.transpose())
    }

    /// Remembers what the source gave, for the tries to come.
    fn note(&mut self, frame: &Result<Option<Frame<Bytes>>, BoxError>) {
        match frame {
            Ok(Some(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.keep(data);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.ended = true;
                    self.trailers = self.replayable.then(|| trailers.clone());
                }
            }
            Ok(None) => self.ended = true,
            Err(_) => {
                self.ended = true;
                self.stop_keeping();
            }
        }
    }

    fn wait(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }

    fn is_end_stream(&self) -> bool {
        let replayed = self.replay.is_none_or(|next| self.kept.get(next).is_none());
        let source_ended = self.ended || self.source.is_end_stream();
        replayed && source_ended && !self.trailers_due
    }

    fn size_hint(&self) -> SizeHint {
        let kept = self.replay.map_or(0, |next| self.kept.len_from(next)) as u64;
        let rest = if self.ended {
            SizeHint::with_exact(0)
        } else {
            self.source.size_hint()
        };

        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(kept));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(kept)) {
            hint.set_upper(upper);
        }
        hint
    }
}

impl<B> fmt::Debug for Borrower<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrower")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

fn lock<B>(shared: &Mutex<Shared<B>>) -> MutexGuard<'_, Shared<B>> {
    // A source that panicked is the panic of the task that polled it; what is here
    // is whole after every step.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
