//! Carries bytes between two streams until both have ended, each direction on its
//! own.
//!
//! It begins by copying, with buffers that a direction has only while there is
//! something in them. Between two bare TCP connections a direction that has carried
//! much goes on with `splice(2)`, which moves bytes within the kernel.

mod buffers;
mod direction;
mod pipes;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;

use self::direction::{Broken, Direction};
use super::{ByteStream, End, Summary};
use crate::listen::{Signal, Watch};

/// A client's stream and a backend's, tied together.
///
/// Dropping it closes both.
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub(crate) struct Relay {
    client: ByteStream,
    backend: ByteStream,
    up: Direction,
    down: Direction,
    watch: Option<Arc<Watch>>,
    broken: Option<End>,
}

impl Relay {
    /// Between `client`, of which `ahead` was read already, and `backend`.
    pub(crate) fn new(
        client: ByteStream,
        ahead: BytesMut,
        backend: ByteStream,
        watch: Option<Arc<Watch>>,
    ) -> Self {
        Self {
            client,
            backend,
            up: Direction::beginning_with(ahead),
            down: Direction::default(),
            watch,
            broken: None,
        }
    }

    fn poll_both(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let before = self.up.carried() + self.down.carried();
        let up = self.up.poll(cx, &mut self.client, &mut self.backend);
        let down = self.down.poll(cx, &mut self.backend, &mut self.client);
        if let Some(watch) = &self.watch
            && self.up.carried() + self.down.carried() != before
        {
            watch.moved();
        }

        match (up, down) {
            (_, Poll::Ready(Err(Broken::Read))) => Poll::Ready(End::Upstream),
            (_, Poll::Ready(Err(Broken::Write(_)))) => Poll::Ready(End::Downstream),
            (Poll::Ready(Err(Broken::Read)), _) => Poll::Ready(End::Downstream),
            (Poll::Ready(Err(Broken::Write(error))), down) => self.up_broke(error, down.is_ready()),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => {
                Poll::Ready(self.broken.unwrap_or(End::Finished))
            }
            (_, Poll::Pending) | (Poll::Pending, _) => Poll::Pending,
        }
    }

    /// A backend that takes no more may still have something to say, an answer to
    /// what it did not want to hear, for example.
    fn up_broke(&mut self, error: io::ErrorKind, down_ended: bool) -> Poll<End> {
        if down_ended {
            return Poll::Ready(End::Upstream);
        }
        if error != io::ErrorKind::BrokenPipe {
            // It was reset, which reading will not tell a second time.
            self.broken = Some(End::Upstream);
        }
        self.up.give_up();
        Poll::Pending
    }

    fn summary(&self, end: End) -> Summary {
        if end != End::Finished {
            // Nobody is to take what has broken off for finished.
            self.client.abort();
            self.backend.abort();
        }
        Summary::new(self.up.carried(), self.down.carried(), end)
    }
}

impl Future for Relay {
    type Output = Summary;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Summary> {
        if let Some(watch) = &self.watch {
            watch.register(cx.waker());
            // A drain lets it go on until the gateway's patience ends.
            if watch.signal() == Signal::Close {
                return Poll::Ready(self.summary(End::Idle));
            }
        }
        self.poll_both(cx).map(|end| self.summary(end))
    }
}
