//! A transport that a test scripts and looks into.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::pool::http1::connection::Transport;
use crate::pool::upgrade::UpgradedTransport;

/// One end of a connection; clones are the same end.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// What the backend says, a read each; an empty one is the end.
    reads: VecDeque<Vec<u8>>,
    /// What was written, a call each.
    writes: Vec<Vec<u8>>,
    /// How much a write takes, where that is limited.
    most: Option<usize>,
    flushes: usize,
    is_vectored: bool,
    refuses_writes: bool,
}

impl Script {
    pub(super) fn new() -> Self {
        let script = Self::default();
        script.with(|shared| shared.is_vectored = true);
        script
    }

    pub(super) fn without_vectored_writes(self) -> Self {
        self.with(|shared| shared.is_vectored = false);
        self
    }

    pub(super) fn with_writes_of(self, most: usize) -> Self {
        self.with(|shared| shared.most = Some(most));
        self
    }

    /// Says something; nothing at all is the end.
    pub(super) fn say(&self, bytes: impl Into<Vec<u8>>) {
        self.with(|shared| shared.reads.push_back(bytes.into()));
    }

    pub(super) fn refuse_writes(&self) {
        self.with(|shared| shared.refuses_writes = true);
    }

    pub(super) fn writes(&self) -> Vec<Vec<u8>> {
        self.with(|shared| shared.writes.clone())
    }

    pub(super) fn written(&self) -> String {
        String::from_utf8(self.writes().concat()).expect("text")
    }

    pub(super) fn flushes(&self) -> usize {
        self.with(|shared| shared.flushes)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Shared) -> T) -> T {
        look(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|shared| {
            if shared.refuses_writes {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let length = bytes.len().min(shared.most.unwrap_or(usize::MAX));
            shared.writes.push(bytes[..length].to_vec());
            Poll::Ready(Ok(length))
        })
    }
}

impl AsyncRead for Script {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|shared| {
            let Some(mut bytes) = shared.reads.pop_front() else {
                return Poll::Pending;
            };
            let length = bytes.len().min(buffer.remaining());
            buffer.put_slice(&bytes[..length]);
            if length < bytes.len() {
                shared.reads.push_front(bytes.split_off(length));
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(self.is_write_vectored());
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        self.write(&bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.with(|shared| shared.is_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|shared| shared.flushes += 1);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Transport for Script {
    const FAILS_WHOLE: bool = true;

    fn into_upgraded(self, _: Bytes) -> UpgradedTransport {
        unreachable!("no test here switches protocols")
    }
}
