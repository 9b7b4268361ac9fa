//! Endpoints that are looked up by name.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use gateway_lb::Balancer;
use gateway_lb::dns::{DnsEndpoints, Resolve, SystemResolver};
use tokio::sync::oneshot;

use super::Chore;
use crate::model::{Endpoints, Reach};

/// A name that is looked up again and again. That ends when it is dropped.
#[derive(Debug)]
pub(super) struct Lookup {
    _alive: oneshot::Sender<()>,
}

impl Lookup {
    /// Tells `balancer` what is found; nothing, if the endpoints are known.
    pub(super) fn begin(endpoints: &Endpoints, balancer: &Arc<Balancer>) -> Option<(Self, Chore)> {
        let Endpoints::Dns { host, port, reach } = endpoints else {
            return None;
        };
        let (alive, gone) = oneshot::channel::<()>();
        let endpoints = DnsEndpoints::new(Arc::clone(host), *port);
        let resolver = Within::new(*reach, SystemResolver);
        let balancer = Arc::clone(balancer);
        let chore = Chore::new(async move {
            tokio::select! {
                // First, for the balancer may be that of another name by now.
                biased;
                _ = gone => {}
                _ = endpoints.follow(resolver, |found| balancer.update(found)) => {}
            }
        });

        Some((Self { _alive: alive }, chore))
    }
}

/// A resolver of whose answers only those count that are within reach.
#[derive(Debug)]
struct Within<R> {
    reach: Reach,
    resolver: R,
    /// What did not count the last time.
    left_out: Mutex<Vec<IpAddr>>,
}

impl<R> Within<R> {
    fn new(reach: Reach, resolver: R) -> Self {
        Self {
            reach,
            resolver,
            left_out: Mutex::default(),
        }
    }

    /// Says what does not count, unless it is as the last time.
    fn leave_out(&self, host: &str, addresses: &[SocketAddr]) {
        let mut now: Vec<_> = addresses.iter().map(SocketAddr::ip).collect();
        now.sort_unstable();
        now.dedup();
        let mut before = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if *before != now && !now.is_empty() {
            tracing::warn!(host, addresses = ?now, "addresses of a backend are left out, for they are not outside this machine and its link");
        }
        *before = now;
    }
}

impl<R: Resolve> Resolve for Within<R> {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let name = match self.reach {
            Reach::Anywhere => Cow::Borrowed(host),
            Reach::Outside => absolute(host),
        };
        let found = self.resolver.resolve(&name, port).await?;
        let (covered, left_out): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|address| self.reach.covers(address.ip()));
        self.leave_out(host, &left_out);

        Ok(covered)
    }
}

/// The name with the dot at its end that keeps search lists away. An address is not a name.
fn absolute(host: &str) -> Cow<'_, str> {
    if host.ends_with('.') || host.parse::<IpAddr>().is_ok() {
        Cow::Borrowed(host)
    } else {
        Cow::Owned(format!("{host}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds these addresses for this name alone.
    struct Script(&'static str, &'static [&'static str]);

    impl Resolve for Script {
        async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
            assert_eq!(host, self.0);
            let addresses = self.1.iter();
            Ok(addresses
                .map(|text| SocketAddr::new(text.parse().unwrap(), port))
                .collect())
        }
    }

    const MIXED: &[&str] = &[
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "2001:db8::1",
    ];

    #[tokio::test]
    async fn addresses_of_the_machine_itself_are_left_out_where_they_are_out_of_reach() {
        let resolver = Within::new(Reach::Outside, Script("backend.example.", MIXED));

        let found = resolver.resolve("backend.example", 80).await.unwrap();

        let outside = ["10.0.0.1:80", "[2001:db8::1]:80"];
        assert_eq!(found, outside.map(|text| text.parse().unwrap()));
        assert_eq!(resolver.left_out.lock().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn whatever_is_found_counts_by_default() {
        let resolver = Within::new(Reach::Anywhere, Script("backend", MIXED));

        let found = resolver.resolve("backend", 80).await.unwrap();

        assert_eq!(found.len(), MIXED.len());
    }

    #[test]
    fn only_names_that_are_relative_get_a_dot() {
        assert_eq!(absolute("payments.prod"), "payments.prod.");
        assert_eq!(absolute("payments.prod."), "payments.prod.");
        assert_eq!(absolute("192.0.2.1"), "192.0.2.1");
    }
}
