//! A request's way back to the pool.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use thread_local::ThreadLocal;
use tokio::time::Instant;

use super::RequestBody;
use super::http1::Http1Connection;
use super::http2::{Choice, connect};
use super::settings::PoolSettings;
use super::shard::Shard;

/// What all clones of a pool share.
pub(super) struct Shared<B: RequestBody> {
    settings: PoolSettings,
    shards: ThreadLocal<RefCell<Shard<B>>>,
}

impl<B: RequestBody> Shared<B> {
    pub(super) fn new(settings: PoolSettings) -> Self {
        Self {
            settings,
            shards: ThreadLocal::new(),
        }
    }
}

/// The pool, as the requests of one thread hold it.
///
/// Each thread has one of its own to clone, so that counting requests in and out is
/// not a write that all threads share.
pub(super) struct Handle<B: RequestBody> {
    local: Arc<Local<B>>,
}

// On a cache line of its own, for the same reason.
#[repr(align(128))]
struct Local<B: RequestBody> {
    shared: Arc<Shared<B>>,
}

impl<B: RequestBody> Handle<B> {
    pub(super) fn new(shared: Arc<Shared<B>>) -> Self {
        Self {
            local: Arc::new(Local { shared }),
        }
    }

    pub(super) fn settings(&self) -> &PoolSettings {
        &self.local.shared.settings
    }

    /// The most recently used idle HTTP/1 connection of this thread.
    pub(super) fn check_out(&self, address: SocketAddr) -> Option<Box<Http1Connection<B>>> {
        let settings = self.settings();
        self.shard().borrow_mut().check_out(address, settings)
    }

    /// Gives a parked HTTP/1 connection to this thread.
    pub(super) fn check_in(&self, connection: Box<Http1Connection<B>>) {
        let settings = self.settings();
        self.shard().borrow_mut().check_in(connection, settings);
    }

    /// An HTTP/2 connection of this thread, or one that is being opened.
    pub(super) fn choose_http2(&self, address: SocketAddr) -> Choice<B> {
        let settings = self.settings();
        self.shard()
            .borrow_mut()
            .choose_http2(address, settings, || connect(address, self.settings()))
    }

    /// Closes what is dead or has been idle for too long on this thread.
    pub(super) fn sweep(&self) {
        let settings = self.settings();
        self.shard().borrow_mut().sweep(Instant::now(), settings);
    }

    /// How many idle HTTP/1 connections this thread keeps.
    pub(super) fn idle_connections(&self) -> usize {
        self.shard().borrow().idle_connections()
    }

    fn shard(&self) -> &RefCell<Shard<B>> {
        self.local
            .shared
            .shards
            .get_or(|| RefCell::new(Shard::new(Instant::now())))
    }
}

// Not derived, which would ask for a body that can be cloned.
impl<B: RequestBody> Clone for Handle<B> {
    fn clone(&self) -> Self {
        Self {
            local: Arc::clone(&self.local),
        }
    }
}

impl<B: RequestBody> fmt::Debug for Handle<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Handle").finish_non_exhaustive()
    }
}
