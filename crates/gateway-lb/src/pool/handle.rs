//! A request's way back to the pool.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use http::Request;
use thread_local::ThreadLocal;
use tokio::time::Instant;

use super::codec::{BoxHttp1Connection, Codecs, Dial};
use super::counts::Counters;
use super::destination::Destination;
use super::http2::{Choice, Exchange, Http2Connection};
use super::settings::PoolSettings;
use super::shard::Shard;

/// What all clones of a pool share.
pub(super) struct Shared<B: Send> {
    settings: PoolSettings,
    codecs: Box<dyn Codecs<B>>,
    shards: ThreadLocal<RefCell<Shard<B>>>,
}

impl<B: Send> Shared<B> {
    pub(super) fn new(settings: PoolSettings, codecs: Box<dyn Codecs<B>>) -> Self {
        Self {
            settings,
            codecs,
            shards: ThreadLocal::new(),
        }
    }
}

/// The pool, as the requests of one thread hold it.
///
/// Each thread has one of its own to clone, so that counting requests in and out is
/// not a write that all threads share.
pub(super) struct Handle<B: Send> {
    local: Arc<Local<B>>,
}

// On a cache line of its own, for the same reason.
#[repr(align(128))]
struct Local<B: Send> {
    shared: Arc<Shared<B>>,
    counters: Arc<Counters>,
}

impl<B: Send> Handle<B> {
    pub(super) fn new(shared: Arc<Shared<B>>) -> Self {
        Self {
            local: Arc::new(Local {
                shared,
                counters: Arc::default(),
            }),
        }
    }

    pub(super) fn settings(&self) -> &PoolSettings {
        &self.local.shared.settings
    }

    /// What the requests of the thread count that this handle was made for.
    pub(super) fn counters(&self) -> &Arc<Counters> {
        &self.local.counters
    }

    /// The most recently used idle HTTP/1 connection of this thread.
    pub(super) fn check_out(&self, destination: &Destination) -> Option<BoxHttp1Connection<B>> {
        let settings = self.settings();
        self.shard().borrow_mut().check_out(destination, settings)
    }

    /// Gives a parked HTTP/1 connection to this thread.
    pub(super) fn check_in(&self, connection: BoxHttp1Connection<B>) {
        let settings = self.settings();
        self.shard().borrow_mut().check_in(connection, settings);
    }

    /// An HTTP/2 connection of this thread, or one that is being opened.
    pub(super) fn choose_http2(&self, destination: &Destination) -> Choice<B> {
        let settings = self.settings();
        let codecs = &self.local.shared.codecs;
        let open = || codecs.open_http2(destination, settings, Arc::clone(self.counters()));
        self.shard()
            .borrow_mut()
            .choose_http2(destination, settings, open)
    }

    /// Opens an HTTP/1 connection.
    pub(super) fn open_http1(&self, destination: &Destination) -> Dial<B> {
        let shared = &self.local.shared;
        shared.codecs.open_http1(destination, &shared.settings)
    }

    /// Begins an exchange on an HTTP/2 connection.
    pub(super) fn begin_http2(
        &self,
        connection: Http2Connection<B>,
        request: Request<B>,
    ) -> Exchange<B> {
        self.local.shared.codecs.begin_http2(connection, request)
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
impl<B: Send> Clone for Handle<B> {
    fn clone(&self) -> Self {
        Self {
            local: Arc::clone(&self.local),
        }
    }
}

impl<B: Send> fmt::Debug for Handle<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Handle").finish_non_exhaustive()
    }
}
