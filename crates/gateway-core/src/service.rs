//! Routing without sockets, for other people's servers.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use arc_swap::ArcSwap;
use bytes::Bytes;
use gateway_filters::Scheme;
use gateway_filters::client_address::ClientAddress;
use gateway_lb::pool::{Pool, PoolSettings};
use http::{Request, Response};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::admission::Forwarded;
use crate::exchange::{Arrival, Exchange, begin};
use crate::l4::StreamLayers;
use crate::live_table::LiveTable;
use crate::model::{Configuration, ExtensionRef, Protocol};
use crate::stack::{Assembler, Backends, Extensions, RuleStack};
use crate::{Body, BoxError};

/// The routing half of a gateway as a service: it admits requests, finds their
/// rules and forwards them. Mount it into axum or any other tower stack.
///
/// All listeners for HTTP and HTTPS count, whatever their addresses and ports
/// are; requests choose among them by hostname. Clones share the configuration.
///
/// Requests are forwarded from the tokio runtime that polls them. With a
/// [`ClientAddress`] in their extensions they are marked with `X-Forwarded-*`. Backends
/// that hash by it need one too
/// ([`HashKey::SourceAddress`](gateway_lb::balance::HashKey::SourceAddress)).
///
/// ```
/// use gateway_core::model::{Configuration, Gateway, Listener, Route, Rule};
/// use gateway_core::{Body, RoutingService};
/// use http::{Request, StatusCode};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let routing = RoutingService::new();
/// let listener = Listener::http("web", 80).with_route(Route::new("empty").with_rule(Rule::new()));
/// routing.update(&Configuration::new().with_gateway(Gateway::new("edge").with_listener(listener)));
///
/// let request = Request::builder().header("host", "a.test").body(Body::empty());
/// let Ok(response) = routing.oneshot(request.unwrap()).await;
///
/// // A rule without backends, as the Gateway API demands.
/// assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
/// # }
/// ```
#[derive(Clone)]
pub struct RoutingService {
    shared: Arc<Shared>,
}

struct Shared {
    table: ArcSwap<LiveTable>,
    /// Held while a configuration is applied, and while layers are added before.
    assembler: Mutex<Assembler>,
}

impl RoutingService {
    /// A service that answers 404 until it is given a configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::with_pool(PoolSettings::default())
    }

    /// With settings for its connections to backends.
    #[must_use]
    pub fn with_pool(settings: PoolSettings) -> Self {
        let backends = Backends::new(Pool::new(settings));
        let assembler = Assembler::new(backends, Extensions::default(), StreamLayers::default());
        Self {
            shared: Arc::new(Shared {
                table: ArcSwap::from_pointee(LiveTable::default()),
                assembler: Mutex::new(assembler),
            }),
        }
    }

    /// Registers a layer of your own for configurations to come; see
    /// [`GatewayBuilder::layer`](crate::GatewayBuilder::layer).
    #[must_use]
    pub fn with_layer<L, B>(self, name: ExtensionRef, layer: L) -> Self
    where
        L: Layer<RuleStack> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut assembler = self
            .shared
            .assembler
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut extensions = Extensions::clone(&assembler.extensions);
        extensions.insert(name, layer);
        assembler.extensions = Arc::new(extensions);
        drop(assembler);
        self
    }

    /// Serves `configuration` from now on.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, if something has to be done besides: a backend looked up by
    /// name, keys fetched.
    pub fn update(&self, configuration: &Configuration) {
        let assembler = self
            .shared
            .assembler
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut chores = assembler.backends.update(configuration);

        let gateways = configuration.gateways().iter();
        let listeners: Vec<_> = gateways
            .flat_map(|gateway| gateway.listeners())
            .filter(|listener| matches!(listener.protocol(), Protocol::Http | Protocol::Https(_)))
            .cloned()
            .collect();
        let table = self.shared.table.load().updated(&listeners, &assembler);
        self.shared.table.store(Arc::new(table));
        assembler.backends.retire(configuration);
        assembler.kept.forget();
        chores.extend(assembler.chores.take());
        for chore in chores {
            tokio::spawn(chore.run());
        }
    }

    /// Closes upstream connections of this thread that have been idle for too long.
    /// To be called about once a second where that matters.
    pub fn sweep(&self) {
        let assembler = self
            .shared
            .assembler
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        assembler.backends.pool().sweep();
    }
}

impl Default for RoutingService {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> Service<Request<B>> for RoutingService
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let request = request.map(Body::new);
        let scheme = if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let client = request.extensions().get::<ClientAddress>();
        let forwarded = client.map(|client| Forwarded::new(client.0, scheme));
        let arrival = Arrival {
            scheme,
            port: None,
            forwarded: forwarded.as_ref(),
            connection: None,
            secured: None,
            counting: None,
        };

        ResponseFuture {
            exchange: begin(&self.shared.table.load(), arrival, request),
        }
    }
}

impl fmt::Debug for RoutingService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingService").finish_non_exhaustive()
    }
}

pin_project! {
    /// Response future of [`RoutingService`]. Dropping it gives the request up, at
    /// the backend too.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture {
        #[pin]
        exchange: Exchange,
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(ready!(self.project().exchange.poll(cx))))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
