//! The byte stream of a client, as HTTP sees it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::detect::Spoken;
use super::scan::Scan;
use super::transport::Transport;
use super::watch::Watch;

/// A connection that gives back what was read of it to find out what it
/// speaks, looks for what hyper forgives, and notes when it moves.
#[derive(Debug)]
pub(crate) struct ClientStream {
    transport: Transport,
    ahead: BytesMut,
    watch: Arc<Watch>,
    /// HTTP/1 only.
    scan: Option<Scan>,
}

impl ClientStream {
    /// A stream of which `ahead` was read already.
    pub(super) fn new(
        transport: Transport,
        mut ahead: BytesMut,
        watch: Arc<Watch>,
        spoken: Spoken,
    ) -> Self {
        let mut scan = (spoken == Spoken::Http1).then(Scan::default);
        if let Some(scan) = &mut scan {
            scan.read(&mut ahead);
        }
        Self {
            transport,
            ahead,
            watch,
            scan,
        }
    }

    fn note<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.watch.write_waits(written.is_pending());
        written
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            if self.ahead.is_empty() {
                // Gives the memory back.
                self.ahead = BytesMut::new();
            }
            self.watch.bytes_read();
            return Poll::Ready(Ok(()));
        }

        let before = buffer.filled().len();
        let this = &mut *self;
        let read = Pin::new(&mut this.transport).poll_read(cx, buffer);
        if read.is_ready() {
            if let Some(scan) = &mut this.scan {
                if !this.watch.is_in_flight() {
                    scan.resume();
                }
                scan.read(&mut buffer.filled_mut()[before..]);
            }
            this.watch.bytes_read();
        }
        read
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write_vectored(cx, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS takes more than it has sent.
        let flushed = Pin::new(&mut self.transport).poll_flush(cx);
        self.note(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
