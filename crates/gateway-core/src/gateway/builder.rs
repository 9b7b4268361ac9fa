//! Settings of a gateway.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gateway_lb::Zone;
use gateway_lb::persistence::SessionKey;
use gateway_lb::pool::{Pool, PoolSettings};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tower::{Layer, Service};

use super::run::Running;
use super::serving::Serving;
use super::{Gateway, Shared};
use crate::l4::udp::{Session, SessionStack};
use crate::l4::{Connection, ConnectionStack, StreamLayers, Summary};
use crate::listen::{Acceptor, Clock, Deadlines, Watches};
use crate::model::ExtensionRef;
use crate::stack::{Assembler, Backends, Extensions, RuleStack, Surroundings, Warmed};
use crate::telemetry::{Registry, WorkerCells};
use crate::worker::{Commands, Company, Worker};
use crate::{Body, BoxError};

/// Builds a [`Gateway`].
#[derive(Debug)]
pub struct GatewayBuilder {
    workers: usize,
    deadlines: Deadlines,
    pool: PoolSettings,
    max_connections: usize,
    extensions: Extensions,
    streams: StreamLayers,
    zone: Option<Zone>,
    session_keys: Vec<SessionKey>,
    pub(super) lame_duck: Duration,
    pub(super) drain_timeout: Duration,
}

impl GatewayBuilder {
    pub(super) fn new() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            deadlines: Deadlines::default(),
            pool: PoolSettings::default(),
            max_connections: usize::MAX,
            extensions: Extensions::default(),
            streams: StreamLayers::default(),
            zone: None,
            session_keys: Vec::new(),
            lame_duck: Duration::ZERO,
            drain_timeout: Duration::from_secs(60),
        }
    }

    /// How many threads serve connections. One for each core by default.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How long clients may keep the gateway waiting.
    #[must_use]
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// How connections to backends are made and kept.
    #[must_use]
    pub fn pool(mut self, settings: PoolSettings) -> Self {
        self.pool = settings;
        self
    }

    /// The most clients' connections that are open at a time, over all workers.
    /// More wait to be accepted. There is no limit by default.
    #[must_use]
    pub fn max_connections(mut self, max: usize) -> Self {
        self.max_connections = max;
        self
    }

    /// Where the gateway stands, as the label `topology.kubernetes.io/zone` names it, for
    /// backends that prefer endpoints nearby. Unknown by default.
    #[must_use]
    pub fn zone(mut self, name: &str) -> Self {
        self.zone = Some(Zone::new(name));
        self
    }

    /// Adds a key for sessions. New ones are made with the first; the others are for those
    /// that there are already. Replicas need the same keys. By default there is a random
    /// one, and sessions end with the process.
    #[must_use]
    pub fn session_key(mut self, key: SessionKey) -> Self {
        self.session_keys.push(key);
        self
    }

    /// How long connections are still accepted after [`Gateway::shutdown`], for load
    /// balancers to notice. Not at all by default.
    #[must_use]
    pub fn lame_duck(mut self, time: Duration) -> Self {
        self.lame_duck = time;
        self
    }

    /// How long requests may go on after the sockets were closed. 60 s by default.
    #[must_use]
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Registers a layer of your own. Routes reach it by an `ExtensionRef` filter of
    /// this name, on a rule or on a backend. Names of which there is no layer fail
    /// their requests.
    #[must_use]
    pub fn layer<L, B>(mut self, name: ExtensionRef, layer: L) -> Self
    where
        L: Layer<RuleStack> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.extensions.insert(name, layer);
        self
    }

    /// Registers a layer of your own around connections that are not HTTP. Stream
    /// routes reach it by this name (`StreamRoute::with_layer`); names of which there
    /// is no layer close their connections.
    #[must_use]
    pub fn connection_layer<L>(mut self, name: ExtensionRef, layer: L) -> Self
    where
        L: Layer<ConnectionStack> + Send + Sync + 'static,
        L::Service: Service<Connection, Response = Summary> + Clone + Send + Sync + 'static,
        <L::Service as Service<Connection>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Connection>>::Future: Send + 'static,
    {
        self.streams.connections().insert(name, layer);
        self
    }

    /// As [`GatewayBuilder::connection_layer`], around sessions of datagrams.
    #[must_use]
    pub fn session_layer<L>(mut self, name: ExtensionRef, layer: L) -> Self
    where
        L: Layer<SessionStack> + Send + Sync + 'static,
        L::Service: Service<Session, Response = Summary> + Clone + Send + Sync + 'static,
        <L::Service as Service<Session>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Session>>::Future: Send + 'static,
    {
        self.streams.sessions().insert(name, layer);
        self
    }

    /// Makes the gateway. It serves nothing before [`Gateway::update`], and nobody
    /// before [`Gateway::run`].
    #[must_use]
    pub fn build(self) -> Gateway {
        let clock = Arc::new(Clock::new());
        let draining = Arc::new(AtomicBool::new(false));
        let pool = Pool::new(self.pool.clone());
        let warmed = Warmed::default();
        let company = Company::new();
        let share = self.max_connections.div_ceil(self.workers);

        let cells: Vec<_> = (0..self.workers)
            .map(WorkerCells::new)
            .map(Arc::new)
            .collect();
        let (commands, workers) = cells
            .iter()
            .map(|cells| {
                let (commands, receiver) = Commands::channel();
                let acceptor = Acceptor {
                    watches: Arc::new(Watches::default()),
                    clock: Arc::clone(&clock),
                    draining: Arc::clone(&draining),
                    max_connections: share,
                    worker: Arc::clone(cells),
                };
                let worker = Worker {
                    acceptor,
                    deadlines: self.deadlines,
                    pool: pool.clone(),
                    warmed: warmed.clone(),
                    commands: receiver,
                    company: company.clone(),
                };
                (commands, worker)
            })
            .unzip::<_, _, Vec<_>, Vec<_>>();

        let surroundings = Surroundings::new(pool)
            .with_zone(self.zone)
            .with_warmed(warmed)
            .with_session_keys(self.session_keys);
        let backends = Backends::within(surroundings);
        let assembler = Assembler::new(backends, self.extensions, self.streams);
        let running = Running::new(
            workers,
            commands.clone(),
            draining,
            self.lame_duck,
            self.drain_timeout,
        );
        Gateway {
            shared: Arc::new(Shared {
                serving: Mutex::new(Serving::new(assembler, commands, Registry::new(cells))),
                running,
            }),
        }
    }
}
