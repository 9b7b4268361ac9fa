//! TCP as TLS sees it.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A client's connection after the handshake.
pub(crate) type TlsStream = tokio_rustls::server::TlsStream<Socket>;

/// A TCP connection that gives back what was read of it to find out whom it is for.
///
/// rustls reads 4 KiB at a time. Where that is not all there is, the next read is a
/// large one, and what it brings is handed on piece by piece; a connection that waits
/// keeps no buffer.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    ahead: BytesMut,
    flowing: bool,
}

impl Socket {
    /// A connection of which `ahead` was read already.
    pub(super) fn new(tcp: TcpStream, ahead: BytesMut) -> Self {
        Self {
            tcp,
            ahead,
            flowing: false,
        }
    }

    fn take_ahead(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..length]);
        self.ahead.advance(length);
    }

    /// Reads as much as there is into `ahead`.
    fn poll_refill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.ahead.reserve(LARGE);
        let read = pin!(self.tcp.read_buf(&mut self.ahead)).poll(cx);
        if !matches!(read, Poll::Ready(Ok(length)) if length >= SMALL) {
            self.flowing = false;
        }
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new();
        }
        read
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.ahead.is_empty() && this.flowing {
            ready!(this.poll_refill(cx))?;
            this.take_ahead(buffer);
            return Poll::Ready(Ok(()));
        }
        if !this.ahead.is_empty() {
            this.take_ahead(buffer);
            if this.ahead.is_empty() && !this.flowing {
                // Gives the memory back.
                this.ahead = BytesMut::new();
            }
            return Poll::Ready(Ok(()));
        }

        let before = buffer.filled().len();
        let read = Pin::new(&mut this.tcp).poll_read(cx, buffer);
        this.flowing = buffer.remaining() == 0 && buffer.filled().len() - before >= SMALL;
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    // All records that are ready leave in one call.
    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// A read that is filled to here is followed by a large one.
const SMALL: usize = 4096;

const LARGE: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn bytes_come_once_and_in_order_whatever_the_sizes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        let sent: Vec<u8> = (0..200_000u32).map(|number| (number % 251) as u8).collect();
        let mut socket = Socket::new(tcp, BytesMut::from(&sent[..1000]));

        let rest = sent[1000..].to_vec();
        let sending = tokio::spawn(async move { client.write_all(&rest).await });
        let mut read = Vec::new();
        let mut piece = [0; SMALL];
        loop {
            match socket.read(&mut piece).await.unwrap() {
                0 => break,
                length => read.extend_from_slice(&piece[..length]),
            }
        }

        sending.await.unwrap().unwrap();
        assert!(read == sent);
        assert_eq!(socket.ahead.capacity(), 0);
    }
}
