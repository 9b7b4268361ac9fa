//! The body of an answer.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt as _};
use http_body::{Body, Frame};
use tokio::time::sleep;

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

    /// The same, in pieces of so many bytes, each after a pause.
    pub(super) fn dripping(self, bytes: usize, pause: Duration) -> Self {
        let lines = match self {
            Self::Whole(whole) => futures_util::stream::iter(whole).boxed(),
            Self::Lines(lines) => lines,
        };
        Self::lines(lines.flat_map(move |line| pieces(line, bytes, pause)))
    }

    /// The first half.
    pub(super) fn half(self) -> Bytes {
        match self {
            Self::Whole(Some(bytes)) => bytes.slice(..bytes.len() / 2),
            Self::Whole(None) | Self::Lines(_) => Bytes::from_static(br#"{"type":"ADD"#),
        }
    }
}

fn pieces(line: Bytes, bytes: usize, pause: Duration) -> impl Stream<Item = Bytes> + Send {
    futures_util::stream::unfold(line, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        sleep(pause).await;
        let piece = left.split_to(bytes.min(left.len()));
        Some((piece, left))
    })
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
