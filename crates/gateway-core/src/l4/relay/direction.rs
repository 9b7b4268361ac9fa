//! One of the two directions of a relay.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::buffers::{Buffer, Size};
use super::pipes::Pipe;
use crate::l4::ByteStream;

/// From one stream to another.
#[derive(Debug, Default)]
pub(super) struct Direction {
    held: Held,
    phase: Phase,
    carried: u64,
    unflushed: bool,
    /// The kernel has refused to splice between these two.
    only_copy: bool,
}

/// What was read and has yet to be written.
#[derive(Debug, Default)]
enum Held {
    #[default]
    Nothing,
    /// Read before the relay began.
    Ahead(BytesMut),
    Buffer {
        buffer: Buffer,
        from: usize,
        to: usize,
    },
    Pipe(Pipe),
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Phase {
    #[default]
    Open,
    /// Whoever writes has ended; the other side has to be told.
    Ended,
    Told,
}

/// The side on which a direction broke.
#[derive(Clone, Copy, Debug)]
pub(super) enum Broken {
    Read,
    Write(io::ErrorKind),
}

impl Broken {
    fn read(_: io::Error) -> Self {
        Self::Read
    }

    fn write(error: io::Error) -> Self {
        Self::Write(error.kind())
    }
}

impl Direction {
    pub(super) fn beginning_with(ahead: BytesMut) -> Self {
        Self {
            held: if ahead.is_empty() {
                Held::Nothing
            } else {
                Held::Ahead(ahead)
            },
            ..Self::default()
        }
    }

    /// How many bytes were written.
    pub(super) fn carried(&self) -> u64 {
        self.carried
    }

    /// Nobody wants the rest.
    pub(super) fn give_up(&mut self) {
        self.held = Held::Nothing;
        self.phase = Phase::Told;
    }

    /// Carries what there is from `source` to `sink`; ready when `source` has ended
    /// and `sink` was told.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut ByteStream,
        sink: &mut ByteStream,
    ) -> Poll<Result<(), Broken>> {
        for _ in 0..ROUNDS {
            ready!(self.poll_write(cx, sink)).map_err(Broken::write)?;
            match self.phase {
                Phase::Open => match self.poll_read(cx, source, sink) {
                    Poll::Ready(read) => read.map_err(Broken::read)?,
                    Poll::Pending => {
                        // Waits with nothing left behind in the sink.
                        ready!(self.poll_flush(cx, sink)).map_err(Broken::write)?;
                        return Poll::Pending;
                    }
                },
                Phase::Ended => {
                    // A sink that is gone already needs not be told.
                    let _ = ready!(Pin::new(&mut *sink).poll_shutdown(cx));
                    self.phase = Phase::Told;
                }
                Phase::Told => return Poll::Ready(Ok(())),
            }
        }
        // Others want to be served, too.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads what there is; nothing is held before.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut ByteStream,
        sink: &ByteStream,
    ) -> Poll<io::Result<()>> {
        if self.carried >= SPLICE_AFTER
            && !self.only_copy
            && let (Some(tcp), Some(_)) = (source.as_tcp(), sink.as_tcp())
            && let Some(pipe) = Pipe::take()
        {
            return self.poll_fill(cx, tcp, pipe);
        }

        let size = if self.carried < LARGE_AFTER {
            Size::Small
        } else {
            Size::Large
        };
        let mut buffer = Buffer::take(size);
        let mut read = ReadBuf::new(buffer.bytes_mut());
        ready!(Pin::new(source).poll_read(cx, &mut read))?;
        let to = read.filled().len();
        if to == 0 {
            self.phase = Phase::Ended;
        } else {
            self.held = Held::Buffer {
                buffer,
                from: 0,
                to,
            };
        }
        Poll::Ready(Ok(()))
    }

    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        source: &TcpStream,
        mut pipe: Pipe,
    ) -> Poll<io::Result<()>> {
        loop {
            match source.try_io(Interest::READABLE, || pipe.fill(source)) {
                Ok(0) => self.phase = Phase::Ended,
                Ok(_) => self.held = Held::Pipe(pipe),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(source.poll_read_ready(cx))?;
                    continue;
                }
                Err(error) if cannot_splice(&error) => self.only_copy = true,
                Err(error) => return Poll::Ready(Err(error)),
            }
            return Poll::Ready(Ok(()));
        }
    }

    /// Writes what is held.
    fn poll_write(&mut self, cx: &mut Context<'_>, sink: &mut ByteStream) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let written = ready!(self.held.poll_write(cx, sink))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.carried += written as u64;
            self.unflushed = true;
        }
        // The buffer or pipe is for others now.
        self.held = Held::Nothing;
        Poll::Ready(Ok(()))
    }

    /// A stream that is not bare TCP may have buffers of its own.
    fn poll_flush(&mut self, cx: &mut Context<'_>, sink: &mut ByteStream) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(sink).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Held {
    fn is_empty(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Ahead(ahead) => ahead.is_empty(),
            Self::Buffer { from, to, .. } => from == to,
            Self::Pipe(pipe) => pipe.filled() == 0,
        }
    }

    /// Writes some of it, and forgets that.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut ByteStream,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Nothing => Poll::Ready(Ok(0)),
            Self::Ahead(ahead) => {
                let written = ready!(Pin::new(sink).poll_write(cx, ahead))?;
                ahead.advance(written);
                Poll::Ready(Ok(written))
            }
            Self::Buffer { buffer, from, to } => {
                let bytes = &buffer.bytes()[*from..*to];
                let written = ready!(Pin::new(sink).poll_write(cx, bytes))?;
                *from += written;
                Poll::Ready(Ok(written))
            }
            Self::Pipe(pipe) => poll_empty(cx, pipe, sink),
        }
    }
}

fn poll_empty(cx: &mut Context<'_>, pipe: &mut Pipe, sink: &ByteStream) -> Poll<io::Result<usize>> {
    let tcp = sink.as_tcp().ok_or(io::ErrorKind::BrokenPipe)?;
    loop {
        match tcp.try_io(Interest::WRITABLE, || pipe.empty(tcp)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready!(tcp.poll_write_ready(cx))?;
            }
            moved => return Poll::Ready(moved),
        }
    }
}

/// Whether the system does not splice what it was asked to, as some sandboxes do.
fn cannot_splice(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}

/// How much a direction carries before it is worth a pipe.
pub(super) const SPLICE_AFTER: u64 = 128 * 1024;

/// How much it carries before it gets large buffers.
const LARGE_AFTER: u64 = 64 * 1024;

/// How often it reads and writes before others get their turn.
const ROUNDS: usize = 16;
