//! The byte stream to a backend, encrypted or not.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::http2::Tunnel;
use super::limited::Place;

/// A connection to a backend, whatever is spoken on it.
#[derive(Debug)]
pub struct UpstreamStream {
    kind: Kind,
    /// Its place among those of a limit, until it ends.
    place: Option<Place>,
}

#[derive(Debug)]
enum Kind {
    Whole(Split),
    /// A stream of a connection of HTTP/2.
    Tunnel(Box<Tunnel>),
}

/// What a connection is.
#[derive(Debug)]
pub(super) enum Split {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl UpstreamStream {
    /// The connection in the clear; itself again if it is encrypted, shared, or one of those
    /// that a limit counts.
    ///
    /// # Errors
    ///
    /// The stream itself, which is something else.
    pub fn try_into_tcp(self) -> Result<TcpStream, Self> {
        match self {
            Self {
                kind: Kind::Whole(Split::Tcp(tcp)),
                place: None,
            } => Ok(tcp),
            other => Err(other),
        }
    }

    /// Keeps `place` until it ends.
    pub(super) fn hold(&mut self, place: Option<Place>) {
        self.place = place;
    }

    fn of(kind: Kind) -> Self {
        Self { kind, place: None }
    }

    fn inner(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        match &mut self.get_mut().kind {
            Kind::Whole(Split::Tcp(tcp)) => Pin::new(tcp),
            #[cfg(feature = "tls")]
            Kind::Whole(Split::Tls(tls)) => Pin::new(&mut **tls),
            Kind::Tunnel(tunnel) => Pin::new(&mut **tunnel),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl From<TcpStream> for UpstreamStream {
    fn from(tcp: TcpStream) -> Self {
        Self::of(Kind::Whole(Split::Tcp(tcp)))
    }
}

impl From<Split> for UpstreamStream {
    fn from(connection: Split) -> Self {
        Self::of(Kind::Whole(connection))
    }
}

impl From<Tunnel> for UpstreamStream {
    fn from(tunnel: Tunnel) -> Self {
        Self::of(Kind::Tunnel(Box::new(tunnel)))
    }
}

#[cfg(feature = "tls")]
impl From<tokio_rustls::client::TlsStream<TcpStream>> for UpstreamStream {
    fn from(tls: tokio_rustls::client::TlsStream<TcpStream>) -> Self {
        Self::of(Kind::Whole(Split::Tls(Box::new(tls))))
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
        match &self.kind {
            Kind::Whole(Split::Tcp(tcp)) => tcp.is_write_vectored(),
            #[cfg(feature = "tls")]
            Kind::Whole(Split::Tls(tls)) => tls.is_write_vectored(),
            Kind::Tunnel(tunnel) => tunnel.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}
