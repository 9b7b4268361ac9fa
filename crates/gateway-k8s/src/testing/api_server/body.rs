//! The body of an answer.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt as _};
use http_body::{Body, Frame};

/// All of an answer, or the lines of a watch.
pub enum AnswerBody {
    /// All of it, until it was taken.
    Whole(Option<Bytes>),
    /// What a watch says.
    Lines(BoxStream<'static, Bytes>),
}

impl AnswerBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes))
    }

    pub(super) fn lines(lines: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self::Lines(lines.boxed())
    }

    /// The first half.
    pub(super) fn half(self) -> Bytes {
        match self {
            Self::Whole(Some(bytes)) => bytes.slice(..bytes.len() / 2),
            Self::Whole(None) | Self::Lines(_) => Bytes::from_static(br#"{"type":"ADD"#),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut *self {
            Self::Whole(bytes) => bytes.take(),
            Self::Lines(lines) => ready!(lines.poll_next_unpin(cx)),
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Lines(_) => "Lines",
        })
    }
}
