//! From files to what is served, again and again.

use std::path::PathBuf;
use std::time::SystemTime;

use gateway_core::model::Configuration;
use gateway_core::{BindError, Gateway, Transport};
use gateway_k8s::resolve::{Resolver, Settings};
use gateway_k8s::source::folder::{Folder, Reading};
use gateway_k8s::verdict::{BindFailure, Verdicts};
use gateway_k8s::world::World;
use tokio::time::Instant;

use super::listening::{self, Socket};
use super::told::Told;
use crate::changes;
use crate::findings::findings;

/// Brings the gateway to what the files say, and tells what came of it.
#[derive(Debug)]
pub(crate) struct Control {
    folder: Folder,
    paths: Vec<PathBuf>,
    resolver: Resolver,
    gateway: Gateway,
    reading: Reading,
    configuration: Configuration,
    /// As they were resolved, before anything was bound.
    verdicts: Verdicts,
    failed: Vec<BindError>,
    told: Told,
    has_read: bool,
}

impl Control {
    pub(super) fn new(paths: Vec<PathBuf>, settings: Settings, gateway: Gateway) -> Self {
        Self {
            folder: Folder::new(paths.clone()),
            paths,
            resolver: Resolver::new(settings),
            gateway,
            reading: Reading::default(),
            configuration: Configuration::default(),
            verdicts: Verdicts::default(),
            failed: Vec::new(),
            told: Told::default(),
            has_read: false,
        }
    }

    /// Reads, resolves and serves. Waits for the file system.
    pub(super) fn load(&mut self) {
        let start = Instant::now();
        let reading = self.folder.read();
        let read = start.elapsed();
        let resolved = self.resolver.resolve(&reading.world);
        let resolved_after = start.elapsed();
        let before = std::mem::replace(&mut self.reading, reading);
        self.configuration = resolved.configuration;
        self.verdicts = resolved.verdicts;
        self.serve();

        let took = start.elapsed().as_millis();
        tracing::debug!(?read, resolved = ?resolved_after - read, applied = ?start.elapsed() - resolved_after);
        if self.has_read {
            let changes = changes::describe(&before.world, &self.reading.world);
            tracing::info!("reloaded in {took} ms: {changes}");
        } else {
            tracing::info!("read {} in {took} ms", counts(&self.reading.world));
        }
        self.has_read = true;
        self.tell();
    }

    /// Tells of addresses that could not be listened on and now can.
    pub(super) fn look_again(&mut self) {
        if self.failed.is_empty() || !self.told.is_news(&Socket::all(&self.gateway)) {
            return;
        }

        // Nothing changes but what is known to have failed.
        self.serve();
        self.tell();
    }

    /// Tells of certificates whose time is over since the last time, or soon will be.
    pub(super) fn look_at_dates(&mut self) {
        if self.has_read {
            self.tell();
        }
    }

    fn serve(&mut self) {
        self.failed = self.gateway.update(self.configuration.clone()).failed;
    }

    fn tell(&mut self) {
        let failures = self.failed.iter();
        let failures: Vec<_> = failures.map(failure).collect();
        let mut verdicts = self.verdicts.clone();
        verdicts.programmed(&failures);
        verdicts.dated(SystemTime::now());

        self.told.problems(findings(&self.reading, &verdicts));
        let sockets = Socket::all(&self.gateway);
        self.told
            .listening(listening::by_socket(&self.configuration, &sockets));
        if sockets.is_empty() && self.failed.is_empty() {
            let paths: Vec<_> = self
                .paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            tracing::warn!(
                "no Gateway to serve; waiting for one in {}",
                paths.join(", ")
            );
        }
    }
}

fn failure(error: &BindError) -> BindFailure {
    let failure = BindFailure::new(error.address, &error.source);

    match error.transport {
        Transport::Tcp => failure,
        Transport::Udp => failure.for_datagrams(),
    }
}

fn counts(world: &World) -> String {
    let plural =
        |count: usize, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });

    format!(
        "{}, {} and {}",
        plural(world.gateways.len(), "Gateway"),
        plural(world.http_routes.len(), "HTTPRoute"),
        plural(world.services.len(), "Service")
    )
}
