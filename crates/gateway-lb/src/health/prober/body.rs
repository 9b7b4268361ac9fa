//! The body of a check's request.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body that is there as a whole.
#[derive(Clone, Debug, Default)]
pub struct ProbeBody {
    left: Option<Bytes>,
}

impl ProbeBody {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self {
            left: (!bytes.is_empty()).then(|| bytes.into()),
        }
    }
}

impl Body for ProbeBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.left.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
