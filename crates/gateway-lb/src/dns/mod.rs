//! Endpoints that are found, and found again, by a host name.
//!
//! [`DnsEndpoints::follow`] looks a name up, tells what it found, and looks again from time to
//! time. An answer stays in force until there is a better one: a lookup that fails, or finds
//! nothing, changes nothing.
//!
//! The system's resolver does not tell how long an answer is valid, so the interval is fixed; it
//! should not be much shorter than the name's own TTL.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | a name is looked up every 30 s, or up to a tenth later |
//! | for each request | nothing: whoever follows the name tells a balancer what changes |
//! | misconfigured | a name that is none is looked up in vain, at intervals up to 30 s; a refresh of less than 1 s is 1 s |
//! | overloaded | each name is looked up once at a time, for 10 s at most; the endpoints found before remain meanwhile |
//! | dropped half-way | the future is all there is: nothing is looked up any more |
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use gateway_lb::Balancer;
//! use gateway_lb::balance::Algorithm;
//! use gateway_lb::dns::{DnsEndpoints, SystemResolver};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let balancer = Arc::new(Balancer::new(Algorithm::RoundRobin, Default::default()));
//! let (found, mut change) = tokio::sync::watch::channel(());
//!
//! let updated = Arc::clone(&balancer);
//! tokio::spawn(DnsEndpoints::new("127.0.0.1", 8080).follow(SystemResolver, move |endpoints| {
//!     updated.update(endpoints);
//!     found.send_replace(());
//! }));
//!
//! change.changed().await.expect("the task goes on for ever");
//! assert_eq!(balancer.endpoints().len(), 1);
//! # }
//! ```

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{sleep, timeout};

use crate::endpoint::EndpointSet;

/// A host and a port whose addresses are a backend's endpoints. See the [module docs](self) for an
/// example.
///
/// Any text is taken for a name. One that no resolver accepts is looked up in vain, as one that
/// does not exist yet.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DnsEndpoints {
    host: Arc<str>,
    port: u16,
    refresh: Duration,
}

impl DnsEndpoints {
    /// The addresses of `host`, each with `port`. An address literal stands for itself.
    #[must_use]
    pub fn new(host: impl Into<Arc<str>>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            refresh: Duration::from_secs(30),
        }
    }

    /// How long an answer is used before the name is looked up again. The default is 30 s, the
    /// least is 1 s. Up to a tenth is added at random, so that names do not fall into step.
    #[must_use]
    pub fn with_refresh(mut self, refresh: Duration) -> Self {
        self.refresh = refresh.max(Duration::from_secs(1));
        self
    }

    /// The name that is looked up.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port of every endpoint.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How long an answer is used.
    #[must_use]
    pub fn refresh(&self) -> Duration {
        self.refresh
    }

    /// Looks the name up for ever, and calls `on_change` with the first answer and with each that
    /// differs from the one before.
    ///
    /// A lookup that fails, has no addresses or takes more than 10 s is tried again after 1 s, then
    /// 2 s, and so on up to 30 s; the endpoints found before remain. Whoever wants to know of such
    /// failures can see them in a [`Resolve`] around the actual one.
    ///
    /// # Dropping
    ///
    /// Dropping the future stops it; nothing goes on in the background, apart from a lookup of the
    /// system's that has begun already and whose answer nobody awaits.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with time enabled. [`SystemResolver`] also needs a blocking pool,
    /// which every runtime has.
    pub async fn follow<R: Resolve>(
        self,
        resolver: R,
        mut on_change: impl FnMut(EndpointSet),
    ) -> Infallible {
        let mut known = EndpointSet::new();
        let mut backoff = Backoff::new();

        loop {
            // No answer and an empty one are treated alike: most often both are a mistake, and if
            // not, refused connections serve a client no worse than no endpoint.
            let wait = match self.look_up(&resolver).await {
                Some(found) => {
                    if found != known {
                        known = found.clone();
                        on_change(found);
                    }
                    backoff = Backoff::new();
                    self.refresh
                }
                None => backoff.next(),
            };
            sleep(with_jitter(wait)).await;
        }
    }

    /// The endpoints, if there is an answer with any.
    async fn look_up<R: Resolve>(&self, resolver: &R) -> Option<EndpointSet> {
        let answer = timeout(LOOKUP_TIMEOUT, resolver.resolve(&self.host, self.port)).await;
        let found: EndpointSet = answer.ok()?.ok()?.into_iter().collect();

        (!found.is_empty()).then_some(found)
    }
}

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, each with `port`, in any order.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from an answer; it will be asked again.
    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;
}

/// Asks the operating system, as [`tokio::net::lookup_host`] does.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((host, port)).await?.collect())
    }
}

/// How long to wait after a failure: each time twice as long, up to a limit.
#[derive(Debug)]
struct Backoff {
    next: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(30);

    const fn new() -> Self {
        Self { next: Self::FIRST }
    }

    fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(Self::LONGEST);
        now
    }
}

fn with_jitter(wait: Duration) -> Duration {
    wait.saturating_add(wait.mul_f64(fastrand::f64() / 10.0))
}

/// A resolver that gives no answer must not keep the name from being asked for again.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
