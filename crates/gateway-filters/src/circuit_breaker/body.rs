//! The body of a response that a breaker watches.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::call::Call;
use crate::answer_body::AnswerBody;

pin_project! {
    /// The body of a backend's response, or of the breaker's own answer.
    ///
    /// Dropping it ends the call: one of gRPC whose status has not come counts neither way.
    pub struct BreakerBody<B> {
        #[pin]
        inner: AnswerBody<B>,
        // None if nothing of the call is still open.
        call: Option<Call>,
    }
}

impl<B> BreakerBody<B> {
    pub(super) fn new(inner: B, call: Option<Call>) -> Self {
        Self {
            inner: AnswerBody::inner(inner),
            call,
        }
    }

    pub(super) fn answer(inner: AnswerBody<B>) -> Self {
        Self { inner, call: None }
    }

    /// The body without the breaker, if that has nothing left to learn from it.
    ///
    /// # Errors
    ///
    /// The body itself, if its end has yet to be seen.
    pub fn try_into_answer(self) -> Result<AnswerBody<B>, Self> {
        match self.call {
            None => Ok(self.inner),
            Some(_) => Err(self),
        }
    }
}

/// A body that was made here, and is not watched: so that a layer outside can answer.
impl<B> From<Bytes> for BreakerBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self::answer(AnswerBody::from(bytes))
    }
}

impl<B> Default for BreakerBody<B> {
    fn default() -> Self {
        Self::answer(AnswerBody::default())
    }
}

impl<B> Body for BreakerBody<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));

        match &frame {
            Some(Ok(frame)) => {
                if let (Some(call), Some(trailers)) = (this.call.as_mut(), frame.trailers_ref()) {
                    call.trailers(trailers);
                }
            }
            Some(Err(_)) => {
                if let Some(mut call) = this.call.take() {
                    call.failed();
                }
            }
            None => *this.call = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: fmt::Debug> fmt::Debug for BreakerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerBody")
            .field("inner", &self.inner)
            .field("watched", &self.call.is_some())
            .finish()
    }
}
