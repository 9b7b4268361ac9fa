//! The body that the main backend reads.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::pipe::Sender;

pin_project! {
    /// A body that leaves a copy of every frame for each mirror.
    ///
    /// It is the inner body in all other respects: it never waits for a mirror.
    /// Dropping it before its end, or an error of the inner body, ends the mirrors'
    /// bodies in an error.
    pub struct TeeBody<B> {
        #[pin]
        inner: B,
        mirrors: Vec<Sender>,
    }
}

impl<B> TeeBody<B> {
    pub(super) fn new(inner: B, mirrors: Vec<Sender>) -> Self {
        Self { inner, mirrors }
    }

    /// The inner body, if no mirror wants a copy of it.
    ///
    /// Whoever erases bodies to one type can so avoid erasing this one.
    ///
    /// # Errors
    ///
    /// The body itself, if there is a mirror.
    pub fn try_into_inner(self) -> Result<B, Self> {
        if self.mirrors.is_empty() {
            Ok(self.inner)
        } else {
            Err(self)
        }
    }
}

impl<B> Body for TeeBody<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let polled = ready!(this.inner.as_mut().poll_frame(cx));
        if this.mirrors.is_empty() {
            return Poll::Ready(polled);
        }

        match &polled {
            Some(Ok(frame)) => {
                // A backend that knows the length may not ask for the end.
                let ended = this.inner.is_end_stream();
                let complete = this.inner.size_hint().exact() == Some(0);
                for mirror in this.mirrors {
                    mirror.send(frame);
                    mirror.set_complete(complete);
                    if ended {
                        mirror.finish();
                    }
                }
            }
            Some(Err(_)) => this.mirrors.iter_mut().for_each(Sender::abort),
            None => this.mirrors.iter_mut().for_each(Sender::finish),
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: fmt::Debug> fmt::Debug for TeeBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeeBody")
            .field("inner", &self.inner)
            .field("mirrors", &self.mirrors.len())
            .finish()
    }
}
