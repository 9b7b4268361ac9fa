//! The socket under an HTTP/1 connection, and what it tells about an exchange.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::error::InvalidResponse;

/// A TCP stream that counts.
///
/// The codec owns the socket and does not lend it out, so the connection keeps the
/// other half of the [`Meter`].
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    meter: Arc<Meter>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }

    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.meter.before_read()?;
        let filled = buffer.filled().len();

        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;

        self.meter.read(buffer.filled().len() - filled);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.meter.wrote();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.meter.wrote();
        Poll::Ready(Ok(written))
    }

    // Without this the codec would copy every body into its head buffer.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What has gone through a [`Socket`] since the request began.
///
/// Both halves are only ever used by whoever polls the connection, so plain loads
/// and stores are enough; the atomics are there because connections change threads.
#[derive(Debug, Default)]
pub(super) struct Meter {
    read: AtomicUsize,
    read_limit: AtomicUsize,
    written: AtomicBool,
}

impl Meter {
    /// A request begins: its response head may take `head_limit` bytes.
    pub(super) fn begin(&self, head_limit: usize) {
        self.read.store(0, Ordering::Relaxed);
        self.read_limit.store(head_limit, Ordering::Relaxed);
        self.written.store(false, Ordering::Relaxed);
    }

    /// The head is complete, and bodies have no limit.
    pub(super) fn head_received(&self) {
        self.read_limit.store(usize::MAX, Ordering::Relaxed);
    }

    /// Whether any byte of the request was given to the kernel.
    pub(super) fn has_written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether the head was too long.
    pub(super) fn is_exceeded(&self) -> bool {
        self.read.load(Ordering::Relaxed) >= self.read_limit.load(Ordering::Relaxed)
    }

    // Looks at earlier reads only: the one that completes a head may bring much of
    // the body along.
    fn before_read(&self) -> io::Result<()> {
        if self.is_exceeded() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                InvalidResponse::HeadTooLong,
            ));
        }
        Ok(())
    }

    fn read(&self, bytes: usize) {
        let read = self.read.load(Ordering::Relaxed);
        self.read
            .store(read.saturating_add(bytes), Ordering::Relaxed);
    }

    fn wrote(&self) {
        self.written.store(true, Ordering::Relaxed);
    }
}
