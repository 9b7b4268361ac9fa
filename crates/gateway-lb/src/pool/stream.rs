//! The byte stream to a backend, encrypted or not.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection to a backend, whatever is spoken on it.
#[derive(Debug)]
pub struct UpstreamStream(Split);

/// What a stream is.
#[derive(Debug)]
pub(super) enum Split {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl UpstreamStream {
    pub(super) fn split(self) -> Split {
        self.0
    }

    /// The connection in the clear; itself again if it is encrypted.
    ///
    /// # Errors
    ///
    /// The stream itself, which is encrypted.
    pub fn try_into_tcp(self) -> Result<TcpStream, Self> {
        match self.0 {
            Split::Tcp(tcp) => Ok(tcp),
            #[cfg(feature = "tls")]
            encrypted @ Split::Tls(_) => Err(Self(encrypted)),
        }
    }

    fn inner(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        match &mut self.get_mut().0 {
            Split::Tcp(tcp) => Pin::new(tcp),
            #[cfg(feature = "tls")]
            Split::Tls(tls) => Pin::new(&mut **tls),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl From<TcpStream> for UpstreamStream {
    fn from(tcp: TcpStream) -> Self {
        Self(Split::Tcp(tcp))
    }
}

#[cfg(feature = "tls")]
impl From<tokio_rustls::client::TlsStream<TcpStream>> for UpstreamStream {
    fn from(tls: tokio_rustls::client::TlsStream<TcpStream>) -> Self {
        Self(Split::Tls(Box::new(tls)))
    }
}

impl AsyncRead for UpstreamStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, buffer)
    }
}

impl AsyncWrite for UpstreamStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Split::Tcp(tcp) => tcp.is_write_vectored(),
            #[cfg(feature = "tls")]
            Split::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}
