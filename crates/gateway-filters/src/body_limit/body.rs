//! A body that counts.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::error::{RequestTooLarge, ResponseTooLarge};
use crate::BoxError;

/// Whose body it is. The list is complete: an exchange has two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// The client's.
    Request,
    /// The backend's.
    Response,
}

pin_project! {
    /// A body that fails when it turns out longer than allowed.
    ///
    /// The frame that would go beyond the limit is not passed on. Dropping it drops the inner
    /// body.
    pub struct CountedBody<B> {
        #[pin]
        inner: B,
        count: Count,
    }
}

enum Count {
    /// It is known to be within the limit.
    Off,
    On {
        left: u64,
        limit: u64,
        side: Side,
        // Tells the future of the exchange, which a request's body is read apart from.
        told: Option<Arc<AtomicBool>>,
    },
    /// The error has been given.
    Over,
}

impl<B> CountedBody<B> {
    pub(super) fn uncounted(inner: B) -> Self {
        Self {
            inner,
            count: Count::Off,
        }
    }

    pub(super) fn counted(inner: B, limit: u64, side: Side, told: Option<Arc<AtomicBool>>) -> Self {
        Self {
            inner,
            count: Count::On {
                left: limit,
                limit,
                side,
                told,
            },
        }
    }

    /// The inner body, if it is not counted: it is known to be within the limit, or there is none.
    ///
    /// Whoever erases bodies to one type can so avoid erasing this one.
    ///
    /// # Errors
    ///
    /// The body itself, if it has to be counted.
    pub fn try_into_inner(self) -> Result<B, Self> {
        match self.count {
            Count::Off => Ok(self.inner),
            Count::On { .. } | Count::Over => Err(self),
        }
    }
}

/// A body that was made here, and is not counted: so that a layer outside can answer.
impl<B: From<Bytes>> From<Bytes> for CountedBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self::uncounted(B::from(bytes))
    }
}

impl<B: Default> Default for CountedBody<B> {
    fn default() -> Self {
        Self::uncounted(B::default())
    }
}

impl<B> Body for CountedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if matches!(this.count, Count::Over) {
            return Poll::Ready(None);
        }
        let frame = ready!(this.inner.poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Some(error) = this.count.take(data.len() as u64)
        {
            *this.count = Count::Over;
            return Poll::Ready(Some(Err(error)));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.count, Count::Over) || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Count {
    /// Counts so many bytes; the error if they are too many.
    fn take(&mut self, bytes: u64) -> Option<BoxError> {
        let Self::On {
            left,
            limit,
            side,
            told,
        } = self
        else {
            return None;
        };
        if let Some(rest) = left.checked_sub(bytes) {
            *left = rest;
            return None;
        }
        if let Some(told) = told {
            told.store(true, Ordering::Release);
        }
        let limit = *limit;
        Some(match side {
            Side::Request => RequestTooLarge { limit }.into(),
            Side::Response => ResponseTooLarge { limit }.into(),
        })
    }
}

impl<B: fmt::Debug> fmt::Debug for CountedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = match &self.count {
            Count::Off => None,
            Count::On { left, .. } => Some(*left),
            Count::Over => Some(0),
        };
        f.debug_struct("CountedBody")
            .field("inner", &self.inner)
            .field("left", &left)
            .finish()
    }
}
