//! The body under the same deadline as the head.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::deadline::Deadline;
use super::error::TimedOut;
use crate::BoxError;

pin_project! {
    /// A response body that ends with a `T` if it is not complete in time.
    ///
    /// Dropping it drops the inner body and the timer.
    pub struct TimeoutBody<B, T> {
        #[pin]
        inner: B,
        watch: Watch,
        error: PhantomData<fn() -> T>,
    }
}

impl<B, T> TimeoutBody<B, T> {
    pub(super) fn new(inner: B, deadline: Option<Deadline>) -> Self {
        let watch = match deadline {
            Some(deadline) => Watch::On {
                deadline,
                sleep: None,
            },
            None => Watch::Off,
        };
        Self {
            inner,
            watch,
            error: PhantomData,
        }
    }

    /// The inner body, if no time limit applies to it any more.
    ///
    /// That is so when there was no limit, or when nothing of the body is left.
    /// Whoever erases bodies to one type can so avoid erasing this one.
    ///
    /// # Errors
    ///
    /// The body itself, if it has yet to be watched.
    pub fn try_into_inner(self) -> Result<B, Self>
    where
        B: Body,
    {
        match self.watch {
            Watch::Off => Ok(self.inner),
            Watch::On { .. } if self.inner.is_end_stream() => Ok(self.inner),
            Watch::On { .. } | Watch::Over => Err(self),
        }
    }
}

/// A body that was made here, and has no limit: so that a layer outside can answer.
impl<B: From<Bytes>, T> From<Bytes> for TimeoutBody<B, T> {
    fn from(bytes: Bytes) -> Self {
        Self::new(B::from(bytes), None)
    }
}

impl<B: Default, T> Default for TimeoutBody<B, T> {
    fn default() -> Self {
        Self::new(B::default(), None)
    }
}

impl<B, T> Body for TimeoutBody<B, T>
where
    B: Body,
    B::Error: Into<BoxError>,
    T: TimedOut,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();

        let (deadline, sleep) = match this.watch {
            Watch::Off => return this.inner.poll_frame(cx).map_err(Into::into),
            Watch::On { deadline, sleep } => (*deadline, sleep),
            Watch::Over => return Poll::Ready(None),
        };

        // By the clock, for a body that always has a frame never waits. One that
        // had ended before may still say so.
        if !deadline.has_passed() || this.inner.is_end_stream() {
            if let Poll::Ready(frame) = this.inner.poll_frame(cx) {
                return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
            }
            let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline.at)));
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }

        *this.watch = Watch::Over;
        Poll::Ready(Some(Err(T::after(deadline.limit).into())))
    }

    fn is_end_stream(&self) -> bool {
        match self.watch {
            Watch::Off | Watch::On { .. } => self.inner.is_end_stream(),
            Watch::Over => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: fmt::Debug, T> fmt::Debug for TimeoutBody<B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutBody")
            .field("inner", &self.inner)
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum Watch {
    Off,
    // The timer is boxed because few bodies wait: the others stay small, and
    // `Unpin` if the inner body is.
    On {
        deadline: Deadline,
        sleep: Option<Pin<Box<Sleep>>>,
    },
    /// The error has been given.
    Over,
}
