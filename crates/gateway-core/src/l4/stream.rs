//! A stream of bytes, over TCP or whatever else.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use gateway_filters::Bandwidth;
use gateway_filters::bandwidth::BandwidthStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A stream of bytes both ways.
///
/// Bare TCP is not boxed: the kernel can move its bytes by itself.
#[derive(Debug)]
pub struct ByteStream(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream),
    Boxed(Boxed),
    /// Its own kind, so that what is inside can still be reset.
    Paced(Box<BandwidthStream<ByteStream>>),
}

impl ByteStream {
    /// Anything that reads and writes, over TLS for example. For bare TCP use
    /// [`ByteStream::from`], which is faster.
    pub fn new<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(Kind::Boxed(Boxed(Box::new(stream))))
    }

    /// The connection, if it is bare TCP.
    pub fn as_tcp(&self) -> Option<&TcpStream> {
        match &self.0 {
            Kind::Tcp(tcp) => Some(tcp),
            Kind::Boxed(_) | Kind::Paced(_) => None,
        }
    }

    /// The connection, if it is bare TCP.
    ///
    /// # Errors
    ///
    /// Gives the stream back if it is not.
    pub fn into_tcp(self) -> Result<TcpStream, Self> {
        match self.0 {
            Kind::Tcp(tcp) => Ok(tcp),
            other @ (Kind::Boxed(_) | Kind::Paced(_)) => Err(Self(other)),
        }
    }

    /// Lets only so many bytes pass in a second that are read, or written. `read` were
    /// already.
    pub(super) fn paced(
        self,
        received: Option<Bandwidth>,
        sent: Option<Bandwidth>,
        read: usize,
    ) -> Self {
        if received.is_none() && sent.is_none() {
            return self;
        }
        let mut paced = BandwidthStream::new(self);
        if let Some(bandwidth) = received {
            paced = paced.with_read(bandwidth).with_read_before(read);
        }
        if let Some(bandwidth) = sent {
            paced = paced.with_write(bandwidth);
        }
        Self(Kind::Paced(Box::new(paced)))
    }

    /// Closes it so that it does not look finished: bare TCP is reset. Other streams
    /// are dropped, which TLS tells from an end.
    pub fn reset(self) {
        self.abort();
    }

    /// What is dropped from now on is reset.
    pub(super) fn abort(&self) {
        match &self.0 {
            Kind::Tcp(tcp) => {
                // It fails for a connection that is gone.
                let _ = tcp.set_zero_linger();
            }
            Kind::Paced(paced) => paced.get_ref().abort(),
            Kind::Boxed(_) => {}
        }
    }
}

impl From<TcpStream> for ByteStream {
    fn from(tcp: TcpStream) -> Self {
        Self(Kind::Tcp(tcp))
    }
}

impl AsyncRead for ByteStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Kind::Boxed(boxed) => Pin::new(&mut boxed.0).poll_read(cx, buffer),
            Kind::Paced(paced) => Pin::new(paced).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Kind::Boxed(boxed) => Pin::new(&mut boxed.0).poll_write(cx, bytes),
            Kind::Paced(paced) => Pin::new(paced).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Kind::Boxed(boxed) => Pin::new(&mut boxed.0).poll_write_vectored(cx, slices),
            Kind::Paced(paced) => Pin::new(paced).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Kind::Tcp(tcp) => tcp.is_write_vectored(),
            Kind::Boxed(boxed) => boxed.0.is_write_vectored(),
            Kind::Paced(paced) => paced.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Kind::Boxed(boxed) => Pin::new(&mut boxed.0).poll_flush(cx),
            Kind::Paced(paced) => Pin::new(paced).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Kind::Boxed(boxed) => Pin::new(&mut boxed.0).poll_shutdown(cx),
            Kind::Paced(paced) => Pin::new(paced).poll_shutdown(cx),
        }
    }
}

/// A stream of somebody else's type.
struct Boxed(Box<dyn Io>);

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Boxed")
    }
}
