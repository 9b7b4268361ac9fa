//! A connection that takes its time.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pace::Pace;
use super::settings::Bandwidth;

pin_project! {
    /// A connection through which only so many bytes pass in a second, in each direction.
    ///
    /// Dropping it drops the inner one.
    #[derive(Debug)]
    pub struct BandwidthStream<T> {
        #[pin]
        inner: T,
        read: Option<Pace>,
        write: Option<Pace>,
    }
}

impl<T> BandwidthStream<T> {
    /// Limits neither what is read from `inner` nor what is written to it.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            read: None,
            write: None,
        }
    }

    /// Limits what is read: of a client's connection, what the client sends. The default is no
    /// limit.
    #[must_use]
    pub fn with_read(mut self, bandwidth: Bandwidth) -> Self {
        self.read = Some(Pace::new(bandwidth));
        self
    }

    /// Limits what is written: of a client's connection, what the client is sent. The default is
    /// no limit.
    #[must_use]
    pub fn with_write(mut self, bandwidth: Bandwidth) -> Self {
        self.write = Some(Pace::new(bandwidth));
        self
    }

    /// Counts so many bytes that were read before, if reading is limited: what follows waits for
    /// them, but no longer than for a whole burst.
    #[must_use]
    pub fn with_read_before(mut self, bytes: usize) -> Self {
        if let Some(pace) = &mut self.read {
            pace.spend(bytes);
        }
        self
    }

    /// The connection inside.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// The connection inside, without a limit from now on.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: AsyncRead> AsyncRead for BandwidthStream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let Some(pace) = this.read else {
            return this.inner.poll_read(cx, buf);
        };
        if buf.remaining() == 0 {
            return this.inner.poll_read(cx, buf);
        }
        let allowed = ready!(pace.poll_allowance(buf.remaining(), cx));
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(allowed));
        ready!(this.inner.poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buf.advance(read);
        pace.spend(read);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite> AsyncWrite for BandwidthStream<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let Some(pace) = this.write else {
            return this.inner.poll_write(cx, buf);
        };
        let allowed = ready!(pace.poll_allowance(buf.len(), cx));
        let written = ready!(this.inner.poll_write(cx, &buf[..allowed]))?;
        pace.spend(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let Some(pace) = this.write else {
            return this.inner.poll_write_vectored(cx, bufs);
        };
        let length = bufs.iter().map(|buf| buf.len()).sum();
        let allowed = ready!(pace.poll_allowance(length, cx));
        let written = if allowed == length {
            ready!(this.inner.poll_write_vectored(cx, bufs))?
        } else {
            // One of them is enough to have something to do.
            let first = bufs.iter().find(|buf| !buf.is_empty());
            let first = first.map_or(&[][..], |buf| &buf[..buf.len().min(allowed)]);
            ready!(this.inner.poll_write(cx, first))?
        };
        pace.spend(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }
}
