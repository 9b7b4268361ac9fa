//! The queue between the main body and one mirror's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use crate::BoxError;
use crate::chunks::Chunks;

/// The mirror was slower than the main backend by more bytes than are queued.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("mirror is more than {limit} bytes behind")]
pub struct MirrorFellBehind {
    /// How many bytes would have been queued.
    pub limit: usize,
}

/// The main backend did not get the whole body, so the mirror cannot either.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("mirrored request ended before its body")]
pub struct MirroredBodyAborted;

/// A pipe that holds at most `limit` bytes.
pub(super) fn pipe(limit: usize) -> (Sender, Receiver) {
    let shared = Arc::new(Mutex::new(Shared {
        queue: Chunks::default(),
        trailers: None,
        end: None,
        gone: false,
        waker: None,
    }));
    let sender = Sender {
        shared: Arc::clone(&shared),
        limit,
        complete: false,
        open: true,
    };
    (sender, Receiver { shared })
}

/// The end that is fed by the main body. It never waits.
///
/// Dropping it before the body is known to be complete fails the mirror's body.
#[derive(Debug)]
pub(super) struct Sender {
    shared: Arc<Mutex<Shared>>,
    limit: usize,
    complete: bool,
    open: bool,
}

impl Sender {
    pub(super) fn send(&mut self, frame: &Frame<Bytes>) {
        if !self.open {
            return;
        }
        let mut shared = lock(&self.shared);
        if shared.gone {
            self.open = false;
            return;
        }
        if let Some(data) = frame.data_ref() {
            if data.len() > self.limit - shared.queue.len() {
                shared.queue.clear();
                drop(shared);
                return self.end(End::FellBehind(MirrorFellBehind { limit: self.limit }));
            }
            shared.queue.push(data);
        } else if let Some(trailers) = frame.trailers_ref() {
            shared.trailers = Some(trailers.clone());
        }
        wake(shared);
    }

    /// Notes whether the main body is whole if nothing more is read of it.
    pub(super) fn set_complete(&mut self, complete: bool) {
        self.complete = complete;
    }

    /// Ends the mirror's body after what is queued.
    pub(super) fn finish(&mut self) {
        self.end(End::Complete);
    }

    /// Ends the mirror's body in an error.
    pub(super) fn abort(&mut self) {
        self.end(End::Aborted);
    }

    fn end(&mut self, end: End) {
        if std::mem::take(&mut self.open) {
            let mut shared = lock(&self.shared);
            shared.end = Some(end);
            wake(shared);
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.complete {
            self.finish();
        } else {
            self.abort();
        }
    }
}

/// The end that the mirror reads.
#[derive(Debug)]
pub(super) struct Receiver {
    shared: Arc<Mutex<Shared>>,
}

impl Receiver {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut shared = lock(&self.shared);
        if let Some(chunk) = shared.queue.pop() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if let Some(trailers) = shared.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        match shared.end {
            Some(End::Complete) => Poll::Ready(None),
            Some(End::Aborted) => Poll::Ready(Some(Err(MirroredBodyAborted.into()))),
            Some(End::FellBehind(error)) => Poll::Ready(Some(Err(error.into()))),
            None => {
                match &mut shared.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    None => shared.waker = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let shared = lock(&self.shared);
        let complete = matches!(shared.end, Some(End::Complete));
        complete && shared.queue.is_empty() && shared.trailers.is_none()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.gone = true;
        // Now, not when the main body is read next.
        shared.queue.clear();
    }
}

#[derive(Debug)]
struct Shared {
    queue: Chunks,
    trailers: Option<HeaderMap>,
    end: Option<End>,
    /// Nobody reads any more.
    gone: bool,
    waker: Option<Waker>,
}

/// Why nothing more will be sent.
#[derive(Clone, Copy, Debug)]
enum End {
    Complete,
    Aborted,
    FellBehind(MirrorFellBehind),
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Nothing that can panic is done under the lock.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes the mirror, if it waits, and not under the lock.
fn wake(mut shared: MutexGuard<'_, Shared>) {
    let waker = shared.waker.take();
    drop(shared);
    if let Some(waker) = waker {
        waker.wake();
    }
}
