//! A body that takes its time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::pace::Pace;
use super::settings::Bandwidth;

pin_project! {
    /// A body of which only so many bytes pass in a second.
    ///
    /// Dropping it drops the inner body, and what it held back of one frame.
    #[derive(Debug)]
    pub struct BandwidthBody<B> {
        #[pin]
        inner: B,
        bandwidth: Option<Bandwidth>,
        // From the first byte on: what came before was not waiting for bytes.
        pace: Option<Pace>,
        held: Bytes,
    }
}

impl<B> BandwidthBody<B> {
    /// Lets as many bytes of `inner` pass as `bandwidth` says; `None` lets all of them pass.
    pub fn new(inner: B, bandwidth: Option<Bandwidth>) -> Self {
        Self {
            inner,
            bandwidth,
            pace: None,
            held: Bytes::new(),
        }
    }
}

/// A body that was made here, and has no limit: so that a layer outside can answer.
impl<B: From<Bytes>> From<Bytes> for BandwidthBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self::new(B::from(bytes), None)
    }
}

impl<B: Default> Default for BandwidthBody<B> {
    fn default() -> Self {
        Self::new(B::default(), None)
    }
}

impl<B> Body for BandwidthBody<B>
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
        let Some(bandwidth) = *this.bandwidth else {
            return this.inner.poll_frame(cx);
        };
        if this.held.is_empty() {
            let frame = match ready!(this.inner.poll_frame(cx)?) {
                Some(frame) => frame,
                None => return Poll::Ready(None),
            };
            match frame.into_data() {
                Ok(data) if !data.is_empty() => *this.held = data,
                Ok(empty) => return Poll::Ready(Some(Ok(Frame::data(empty)))),
                Err(other) => return Poll::Ready(Some(Ok(other))),
            }
        }
        let pace = this.pace.get_or_insert_with(|| Pace::new(bandwidth));
        let allowed = ready!(pace.poll_allowance(this.held.len(), cx));
        pace.spend(allowed);
        Poll::Ready(Some(Ok(Frame::data(this.held.split_to(allowed)))))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, held) = (self.inner.size_hint(), self.held.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(held));
        if let Some(upper) = inner.upper().and_then(|upper| upper.checked_add(held)) {
            hint.set_upper(upper);
        }
        hint
    }
}
