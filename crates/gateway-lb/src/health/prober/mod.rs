//! Makes the checks.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tower_service::Service;

use super::board::Health;
use super::probe::{Check, GrpcProbe, HttpProbe, Probe};

mod body;
#[cfg(test)]
mod tests;
mod transport;

pub use self::body::ProbeBody;
pub use self::transport::PoolTransport;

/// Checks the endpoints of a [`Health`], each on its own schedule.
///
/// `T` carries the requests of HTTP and gRPC probes to an address; [`PoolTransport`] is one, any
/// other tower service will do. TCP probes connect by themselves.
#[derive(Clone, Debug)]
pub struct Prober<T> {
    health: Health,
    check: Check,
    transport: T,
}

impl<T, B> Prober<T>
where
    T: Service<(SocketAddr, Request<ProbeBody>), Response = Response<B>> + Clone,
    B: Body<Data = Bytes>,
{
    /// Tells `health` what `check` finds by way of `transport`.
    pub const fn new(health: Health, check: Check, transport: T) -> Self {
        Self {
            health,
            check,
            transport,
        }
    }

    /// Checks until it is dropped, which ends the checks that are under way too.
    ///
    /// An endpoint that a balancer is given is checked within a second, one that no balancer has
    /// any more is left alone. Wants a tokio runtime with time, and I/O for TCP probes.
    pub async fn run(self) {
        let mut next = HashMap::<SocketAddr, Next>::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            let now = Instant::now();
            let endpoints = self.health.endpoints();
            next.retain(|address, _| endpoints.contains(*address));
            for endpoint in &endpoints {
                let next = next.entry(endpoint.address()).or_insert(Next::At(now));
                if next.is_due(now) {
                    *next = Next::AfterThisOne;
                    under_way.push(self.check(endpoint.address()));
                }
            }

            let wake = next
                .values()
                .filter_map(Next::at)
                .fold(now + LOOK_AGAIN, Instant::min);
            if under_way.is_empty() {
                sleep_until(wake).await;
            } else if let Ok(Some((address, passed))) = timeout_at(wake, under_way.next()).await {
                self.health.checked(address, passed);
                if let Some(next) = next.get_mut(&address) {
                    *next = Next::At(Instant::now() + self.check.pause(fastrand::f64()));
                }
            }
        }
    }

    /// One check, which does not tell anybody.
    async fn check(&self, address: SocketAddr) -> (SocketAddr, bool) {
        let passed = timeout(self.check.timeout(), async {
            match self.check.probe() {
                Probe::Tcp => TcpStream::connect(address).await.is_ok(),
                Probe::Http(probe) => self.ask_http(probe, address).await.unwrap_or(false),
                Probe::Grpc(probe) => self.ask_grpc(probe, address).await.unwrap_or(false),
            }
        });
        (address, passed.await.unwrap_or(false))
    }

    async fn ask_http(&self, probe: &HttpProbe, address: SocketAddr) -> Option<bool> {
        let request = probe.request(address).map(|()| ProbeBody::empty());
        let (head, body) = self.send(address, request).await?.into_parts();
        if !probe.head_is_good(head.status, &head.headers) {
            return Some(false);
        }
        if !probe.wants_body() {
            return Some(true);
        }
        let (bytes, _) = read(body).await?;
        Some(probe.body_is_good(&bytes))
    }

    async fn ask_grpc(&self, probe: &GrpcProbe, address: SocketAddr) -> Option<bool> {
        let request = probe.request(address).map(ProbeBody::of);
        let (head, body) = self.send(address, request).await?.into_parts();
        let (bytes, trailers) = read(body).await?;
        Some(probe.is_good(head.status, &bytes, &trailers))
    }

    async fn send(&self, address: SocketAddr, request: Request<ProbeBody>) -> Option<Response<B>> {
        let mut transport = self.transport.clone();
        std::future::poll_fn(|cx| transport.poll_ready(cx))
            .await
            .ok()?;
        transport.call((address, request)).await.ok()
    }
}

/// The beginning of a body, and its trailers if it ends there.
async fn read<B: Body<Data = Bytes>>(body: B) -> Option<(Vec<u8>, HeaderMap)> {
    let mut body = Box::pin(body);
    let (mut bytes, mut trailers) = (Vec::new(), HeaderMap::new());
    while bytes.len() < MOST_READ {
        let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await else {
            break;
        };
        match frame.ok()?.into_data() {
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => trailers.extend(frame.into_trailers().ok()?),
        }
    }
    bytes.truncate(MOST_READ);
    Some((bytes, trailers))
}

/// When an endpoint is checked next.
#[derive(Debug)]
enum Next {
    At(Instant),
    AfterThisOne,
}

impl Next {
    fn at(&self) -> Option<Instant> {
        match self {
            Self::At(at) => Some(*at),
            Self::AfterThisOne => None,
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.at().is_some_and(|at| at <= now)
    }
}

/// How much of a body is looked at.
const MOST_READ: usize = 64 * 1024;
/// After how long new endpoints are looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
