//! A whole gateway: sockets, workers and what they serve.

mod builder;
mod datagrams;
mod refused;
mod run;
mod serving;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::builder::GatewayBuilder;
pub use self::refused::RefusedPolicy;
pub use self::run::RunError;
use self::run::Running;
use self::serving::Serving;
pub use self::serving::Update;
use crate::model::Configuration;
use crate::telemetry::Metrics;

/// A gateway that serves whatever configuration it was last given.
///
/// Cheap to clone; clones are the same gateway.
///
/// ```
/// use gateway_core::Gateway;
/// use gateway_core::model::{Configuration, Gateway as Edge, Listener};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = Gateway::builder().workers(1).build();
///
/// // A free port of the loopback interface, and nothing behind it yet.
/// let edge = Edge::new("edge").with_address([127, 0, 0, 1].into()).with_listener(Listener::http("web", 0));
/// let update = gateway.update(Configuration::new().with_gateway(edge));
/// assert_eq!(update.failed.len(), 0);
/// assert_eq!(gateway.addresses().len(), 1);
///
/// let running = tokio::spawn({
///     let gateway = gateway.clone();
///     async move { gateway.run().await }
/// });
/// gateway.shutdown();
/// running.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    serving: Mutex<Serving>,
    running: Running,
}

impl Gateway {
    /// Settings, each with a default.
    #[must_use]
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::new()
    }

    /// Serves `configuration` from now on.
    ///
    /// Addresses that are new are bound before this returns; what cannot be bound is
    /// told, tried again every few seconds while the gateway runs, and keeps nothing
    /// else from being served. Requests in flight finish as they began, and no
    /// connection is closed by a change of routes. What did not change since the
    /// last update (compared by value, the same `Arc` at once) is kept: stacks,
    /// balancers, connections.
    ///
    /// Policies that cannot hold where they are attached are told, too, with every
    /// update; what they were to guard is not forwarded.
    pub fn update(&self, configuration: Configuration) -> Update {
        let (update, chores) = self.serving().update(configuration);
        self.shared.running.look_after(chores);
        update
    }

    /// Tries again to listen where that has failed.
    fn retry_binds(&self) {
        let chores = self.serving().retry_binds();
        self.shared.running.look_after(chores);
    }

    /// The addresses that are listened on, with the ports that were chosen where
    /// the configuration says 0.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.serving().addresses()
    }

    /// The addresses where datagrams are received, likewise.
    pub fn receiving(&self) -> Vec<SocketAddr> {
        self.serving().receiving()
    }

    /// How many connections were refused at the addresses of [`Gateway::addresses`]:
    /// by a limit or a policy, or for want of a PROXY protocol header.
    pub fn connections_refused(&self) -> u64 {
        self.serving().connections_refused()
    }

    /// How many datagrams, or runs of them, were dropped at the addresses of
    /// [`Gateway::receiving`] because there was no session for them, or a session was
    /// slower than its client.
    pub fn datagrams_dropped(&self) -> u64 {
        self.serving().datagrams_dropped()
    }

    /// What has been counted until now.
    ///
    /// It is added up when it is asked for; workers do not notice. Waits for an
    /// [`update`](Gateway::update) that is under way.
    pub fn metrics(&self) -> Metrics {
        self.serving().metrics()
    }

    /// Runs until [`Gateway::shutdown`] and the drain after it.
    ///
    /// Workers are threads of their own; this future only looks after them and
    /// looks up names, so any tokio runtime will do. Dropping it leaves the workers
    /// running until [`Gateway::shutdown`] is called and it is run again, or all
    /// clones of the gateway are dropped.
    ///
    /// # Errors
    ///
    /// When a worker cannot be started or ends unasked.
    pub async fn run(&self) -> Result<(), RunError> {
        self.shared.running.run(self).await
    }

    /// Begins to drain: says `Connection: close` and GOAWAY, after the lame-duck
    /// time closes the sockets, and lets what has begun finish until the drain
    /// timeout. Called again, it ends at once.
    pub fn shutdown(&self) {
        self.shared.running.shutdown();
    }

    fn serving(&self) -> MutexGuard<'_, Serving> {
        self.shared
            .serving
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
