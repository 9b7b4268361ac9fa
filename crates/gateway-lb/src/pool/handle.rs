//! A request's way back to the pool.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use thread_local::ThreadLocal;
use tokio::time::Instant;

use super::codec::{BoxHttp1Connection, Codecs, Dial};
use super::counts::Counters;
use super::destination::Destination;
use super::error::UpstreamError;
use super::http2::{Connecting, Exchange, Http2Connection, Seat};
use super::limited::{Admission, Ask, Gate, Place, Waiting};
use super::settings::PoolSettings;
use super::shard::{Gates, Shard};

/// What all clones of a pool share.
pub(super) struct Shared<B: Send> {
    settings: PoolSettings,
    codecs: Box<dyn Codecs<B>>,
    shards: ThreadLocal<RefCell<Shard<B>>>,
    /// What no thread may have two of. Threads ask here once.
    gates: Mutex<Gates<B>>,
}

impl<B: Send> Shared<B> {
    pub(super) fn new(settings: PoolSettings, codecs: Box<dyn Codecs<B>>) -> Self {
        Self {
            settings,
            codecs,
            shards: ThreadLocal::new(),
            gates: Mutex::default(),
        }
    }
}

impl<B: Send> Shared<B> {
    /// Forgets gates that no thread knows.
    fn forget_gates(&self) {
        self.lock_gates()
            .retain(|_, gate| Arc::strong_count(gate) > 1);
    }

    fn lock_gates(&self) -> std::sync::MutexGuard<'_, Gates<B>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request for an HTTP/1 connection finds.
pub(super) enum Checkout<B: Send> {
    Idle(BoxHttp1Connection<B>),
    Open(Option<Place>),
    Wait(Box<Waiting<B>>),
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

    /// An idle HTTP/1 connection of this thread, the last used one, or leave to open another.
    ///
    /// # Errors
    ///
    /// There are as many connections as there may be, and as many requests wait for one.
    pub(super) fn check_out(
        &self,
        destination: &Destination,
    ) -> Result<Checkout<B>, UpstreamError> {
        let settings = self.settings();
        let Some(gate) = self.gate(destination) else {
            let idle = self.shard().borrow_mut().check_out(destination, settings);
            return Ok(idle.map_or(Checkout::Open(None), Checkout::Idle));
        };
        let admitted = gate.ask(destination, destination.idle_timeout(settings));
        match admitted.inspect_err(|_| self.counters().overloaded())? {
            Admission::Idle(connection) => Ok(Checkout::Idle(connection)),
            Admission::Open(place) => Ok(Checkout::Open(Some(place))),
            Admission::Later(waiting) => Ok(Checkout::Wait(waiting)),
        }
    }

    /// Gives a parked HTTP/1 connection to this thread, or to those who wait for it.
    pub(super) fn check_in(&self, connection: BoxHttp1Connection<B>) {
        let settings = self.settings();
        match self.gate(connection.destination()) {
            Some(gate) => {
                gate.check_in(connection, settings.max_idle_per_endpoint);
                let mut shard = self.shard().borrow_mut();
                shard.sweep_now_and_then(Instant::now(), settings);
            }
            None => self.shard().borrow_mut().check_in(connection, settings),
        }
    }

    /// An HTTP/2 connection of this thread, or one that is being opened; if their number is
    /// limited, perhaps one of another thread. Whoever has waited brings a `place`; whoever has
    /// `awaited` one in vain is not sent to the next.
    ///
    /// # Errors
    ///
    /// As for [`Handle::check_out`].
    pub(super) fn choose_http2(
        &self,
        destination: &Destination,
        place: Option<Place>,
        awaited: bool,
    ) -> Result<Ask<B>, UpstreamError> {
        let settings = self.settings();
        match self.gate(destination) {
            None => {
                let open = || self.open_http2(destination, None);
                let mut shard = self.shard().borrow_mut();
                Ok(Ask::Chosen(shard.choose_http2(destination, settings, open)))
            }
            Some(gate) => {
                let open = |place| self.open_http2(destination, Some(place));
                let chosen = gate.ask_shared(place, destination, awaited, open);
                Ok(chosen.inspect_err(|_| self.counters().overloaded())?)
            }
        }
    }

    /// Opens an HTTP/1 connection.
    pub(super) fn open_http1(&self, destination: &Destination, place: Option<Place>) -> Dial<B> {
        let shared = &self.local.shared;
        let codecs = &shared.codecs;
        codecs.open_http1(destination, &shared.settings, place)
    }

    /// Opens an HTTP/2 connection.
    pub(super) fn open_http2(
        &self,
        destination: &Destination,
        place: Option<Place>,
    ) -> Connecting<B> {
        let shared = &self.local.shared;
        let counters = Arc::clone(self.counters());
        let codecs = &shared.codecs;
        codecs.open_http2(destination, &shared.settings, counters, place)
    }

    /// What limits the connections to `destination`. There is one for all threads.
    pub(super) fn gate(&self, destination: &Destination) -> Option<Arc<Gate<B>>> {
        let (connections, limit) = destination.limit()?;
        let key = (connections.identity(), destination.address());
        if let Some(known) = self.shard().borrow().gates.get(&key) {
            return Some(Arc::clone(known));
        }
        let mut gates = self.local.shared.lock_gates();
        let gate = gates
            .entry(key)
            .or_insert_with(|| self.local.shared.codecs.gate(connections, limit));
        let gate = Arc::clone(gate);
        drop(gates);
        let known = Arc::clone(&gate);
        self.shard().borrow_mut().gates.insert(key, known);
        Some(gate)
    }

    /// Begins an exchange on an HTTP/2 connection.
    pub(super) fn begin_http2(
        &self,
        connection: Http2Connection<B>,
        seat: Seat,
        request: Request<B>,
    ) -> Exchange<B> {
        let codecs = &self.local.shared.codecs;
        codecs.begin_http2(connection, seat, request)
    }

    /// A place on a connection that has just opened, for whoever has waited for it.
    pub(super) fn seat(
        &self,
        destination: &Destination,
        connection: &Http2Connection<B>,
    ) -> Option<Seat> {
        match self.gate(destination) {
            None => connection.has_room().then(|| connection.seat()),
            Some(gate) => gate.seat(destination, connection),
        }
    }

    /// Closes what is dead or has been idle for too long on this thread.
    pub(super) fn sweep(&self) {
        let settings = self.settings();
        self.shard().borrow_mut().sweep(Instant::now(), settings);
        self.local.shared.forget_gates();
    }

    /// How many idle HTTP/1 connections this thread keeps.
    pub(super) fn idle_connections(&self) -> usize {
        self.shard().borrow().idle_connections()
    }

    pub(super) fn shard(&self) -> &RefCell<Shard<B>> {
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
