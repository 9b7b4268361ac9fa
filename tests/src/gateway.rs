//! A gateway for one test.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use gateway_core::model::Configuration;
use gateway_core::{Gateway, GatewayBuilder, RunError, Update};
use tokio::sync::oneshot;

use crate::{Site, patiently};

/// A gateway that runs, on threads of its own, until it is dropped.
///
/// Dropping it ends it at once; [`TestGateway::drained`] waits for its requests.
#[derive(Debug)]
pub struct TestGateway {
    gateway: Gateway,
    running: Option<JoinHandle<()>>,
    ended: oneshot::Receiver<Result<(), RunError>>,
    address: Option<SocketAddr>,
}

impl TestGateway {
    /// Serves `site` with two workers.
    pub fn start(site: &Site) -> Self {
        Self::serve(Gateway::builder().workers(2), site.configuration())
    }

    /// Serves `site` with one worker, so that all requests share connections to
    /// backends.
    pub fn single(site: &Site) -> Self {
        Self::serve(Gateway::builder().workers(1), site.configuration())
    }

    /// Serves `configuration` with the settings of `builder`.
    ///
    /// # Panics
    ///
    /// If an address cannot be listened on.
    pub fn serve(builder: GatewayBuilder, configuration: Configuration) -> Self {
        let (gateway, update) = Self::try_serve(builder, configuration);
        assert!(update.failed.is_empty(), "{:?}", update.failed);
        gateway
    }

    /// As [`TestGateway::serve`], whatever can be listened on.
    pub fn try_serve(builder: GatewayBuilder, configuration: Configuration) -> (Self, Update) {
        let gateway = builder.build();
        let update = gateway.update(configuration);

        let (sender, ended) = oneshot::channel();
        let running = std::thread::spawn({
            let gateway = gateway.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                // A test that is over does not ask.
                let _ = sender.send(runtime.block_on(gateway.run()));
            }
        });
        let running = Self {
            address: update.listening.first().copied(),
            gateway,
            running: Some(running),
            ended,
        };
        (running, update)
    }

    /// Where its first listener listens.
    ///
    /// # Panics
    ///
    /// If it was started without one.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("a listener")
    }

    /// The gateway itself.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Serves another configuration from now on.
    pub fn update(&self, configuration: Configuration) -> Update {
        self.gateway.update(configuration)
    }

    /// Begins to drain.
    pub fn shutdown(&self) {
        self.gateway.shutdown();
    }

    /// How the run came out, when it has ended.
    ///
    /// # Errors
    ///
    /// As [`Gateway::run`].
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub async fn drained(mut self) -> Result<(), RunError> {
        patiently("the end of the gateway", &mut self.ended)
            .await
            .expect("the run says how it ended")
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        // Twice means at once.
        self.gateway.shutdown();
        self.gateway.shutdown();
        if let Some(running) = self.running.take() {
            let ended = running.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the gateway panicked"
            );
        }
    }
}
