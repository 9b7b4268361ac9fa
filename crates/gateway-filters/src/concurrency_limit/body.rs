//! The body of a response, which keeps its place until it ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::OwnedSemaphorePermit;

use crate::answer_body::AnswerBody;

pin_project! {
    /// The body of a backend's response, or of the limit's own answer.
    ///
    /// Its request is being served until it has ended, fails or is dropped.
    #[derive(Debug)]
    pub struct LimitedBody<B> {
        #[pin]
        inner: AnswerBody<B>,
        permit: Option<OwnedSemaphorePermit>,
    }
}

impl<B> LimitedBody<B> {
    pub(super) fn new(inner: B, permit: Option<OwnedSemaphorePermit>) -> Self
    where
        B: Body,
    {
        // Nothing more will be read of a body that has ended already.
        let permit = permit.filter(|_| !inner.is_end_stream());
        Self {
            inner: AnswerBody::inner(inner),
            permit,
        }
    }

    pub(super) fn answer(inner: AnswerBody<B>) -> Self {
        Self {
            inner,
            permit: None,
        }
    }

    /// The body without its place, if it has none any more.
    ///
    /// # Errors
    ///
    /// The body itself, if its end is still to be waited for.
    pub fn try_into_answer(self) -> Result<AnswerBody<B>, Self> {
        match self.permit {
            None => Ok(self.inner),
            Some(_) => Err(self),
        }
    }
}

/// A body that was made here, and has no place: so that a layer outside can answer.
impl<B> From<Bytes> for LimitedBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self::answer(AnswerBody::from(bytes))
    }
}

impl<B> Default for LimitedBody<B> {
    fn default() -> Self {
        Self::answer(AnswerBody::default())
    }
}

impl<B> Body for LimitedBody<B>
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

        if !matches!(frame, Some(Ok(_))) {
            *this.permit = None;
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
