//! What the tries of one request have in common of its body.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::BoxError;
use crate::chunks::Chunks;

/// The body, what has been read of it, and whose turn it is to read on.
pub(super) struct Shared<B> {
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
    /// Keeps at most `limit` bytes of `source`.
    pub(super) fn new(source: B, limit: usize) -> Arc<Mutex<Self>> {
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

    pub(super) fn turn(&self) -> u32 {
        self.turn
    }

    /// Begins the turn of another try, from the first byte; `None` if that is gone.
    ///
    /// With it, whoever waits for the body in the turn that ends.
    pub(super) fn next_turn(&mut self) -> Option<(u32, Option<Waker>)> {
        if !self.replayable {
            return None;
        }
        self.turn += 1;
        self.kept.seal();
        self.replay = Some(0);
        self.trailers_due = self.trailers.is_some();
        Some((self.turn, self.waker.take()))
    }

    /// The first of the bytes that are replayed, `most` at most.
    pub(super) fn first(&self, most: usize) -> Bytes {
        self.kept.first(most)
    }

    /// No other try will follow.
    pub(super) fn stop_keeping(&mut self) {
        self.replayable = false;
        // A try that still reads from it lets go of it afterwards.
        if self.replay.is_none() {
            self.kept.clear();
        }
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
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
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

    pub(super) fn is_end_stream(&self) -> bool {
        let replayed = self.replay.is_none_or(|next| self.kept.get(next).is_none());
        let source_ended = self.ended || self.source.is_end_stream();
        replayed && source_ended && !self.trailers_due
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let kept = self.replay.map_or(0, |next| self.kept.len_from(next)) as u64;
        let rest = if self.ended {
            SizeHint::with_exact(0)
        } else {
            self.source.size_hint()
        };

        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(kept));
        // HTTP/1 has no room for trailers behind a body whose length was said.
        let upper = rest.upper().filter(|_| !self.trailers_due);
        if let Some(upper) = upper.and_then(|upper| upper.checked_add(kept)) {
            hint.set_upper(upper);
        }
        hint
    }
}

/// Only the body of a try that was given up could contend for the lock.
pub(super) fn lock<B>(shared: &Mutex<Shared<B>>) -> MutexGuard<'_, Shared<B>> {
    // A source that panicked is the panic of the task that polled it; what is here
    // is whole after every step.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
