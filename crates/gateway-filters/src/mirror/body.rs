//! The body that a mirror reads.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::pipe::Receiver;
use crate::BoxError;

/// The copy of a body, for a mirror.
///
/// It gives what the main backend has read. It ends in
/// [`MirrorFellBehind`](super::MirrorFellBehind) or
/// [`MirroredBodyAborted`](super::MirroredBodyAborted) if it cannot be whole.
/// Dropping it stops the copying.
#[derive(Debug)]
pub struct MirrorBody {
    /// None if there is nothing to copy.
    receiver: Option<Receiver>,
    remaining: SizeHint,
}

impl MirrorBody {
    pub(super) fn empty() -> Self {
        Self {
            receiver: None,
            remaining: SizeHint::with_exact(0),
        }
    }

    pub(super) fn new(receiver: Receiver, size: SizeHint) -> Self {
        Self {
            receiver: Some(receiver),
            remaining: size,
        }
    }

    fn note(&mut self, read: usize) {
        let read = read as u64;
        let mut remaining = SizeHint::new();
        remaining.set_lower(self.remaining.lower().saturating_sub(read));
        if let Some(upper) = self.remaining.upper() {
            remaining.set_upper(upper.saturating_sub(read));
        }
        self.remaining = remaining;
    }
}

impl Body for MirrorBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(receiver) = &mut self.receiver else {
            return Poll::Ready(None);
        };
        let polled = receiver.poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let read = frame.data_ref().map_or(0, Bytes::len);
                self.note(read);
            }
            // The end is told once, as others tell it.
            Poll::Ready(Some(Err(_)) | None) => *self = Self::empty(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.receiver.as_ref().is_none_or(Receiver::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining
    }
}
