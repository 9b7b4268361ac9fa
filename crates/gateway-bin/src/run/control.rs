//! From objects to what is served, again and again.

use std::sync::Arc;
use std::time::SystemTime;

use gateway_core::model::Configuration;
use gateway_core::{BindError, Gateway, Transport};
use gateway_k8s::infrastructure::{Hindrances, Needed};
use gateway_k8s::resolve::{Resolver, Serving, Settings};
use gateway_k8s::source::cluster::{self as source, ObjectProblem};
use gateway_k8s::verdict::{Applied, BindFailure, Settled, Verdicts};
use gateway_k8s::world::World;
use tokio::time::Instant;

use super::listening::{self, Socket};
use super::told::Told;
use crate::admin::Vitals;
use crate::changes;
use crate::findings::findings;
use crate::reading::Reading;

/// Brings the gateway to what objects say, and tells what came of it.
#[derive(Debug)]
pub(crate) struct Control {
    /// Where the objects come from, in words.
    origin: String,
    resolver: Resolver,
    gateway: Gateway,
    vitals: Arc<Vitals>,
    /// Nothing until something was served.
    reading: Option<Reading>,
    configuration: Configuration,
    /// As they were resolved, before anything was bound.
    resolved: Verdicts,
    /// With what came of them.
    settled: Settled,
    needed: Arc<[Needed]>,
    hindrances: Hindrances,
    failed: Vec<BindError>,
    told: Told,
    serving: Serving,
    /// Whether there is nothing to serve.
    waits: bool,
}

impl Control {
    pub(super) fn new(
        origin: String,
        settings: Settings,
        gateway: Gateway,
        vitals: Arc<Vitals>,
    ) -> Self {
        Self {
            origin,
            serving: settings.serving().clone(),
            resolver: Resolver::new(settings),
            gateway,
            vitals,
            reading: None,
            configuration: Configuration::default(),
            resolved: Verdicts::default(),
            settled: Settled::default(),
            needed: Arc::default(),
            hindrances: Hindrances::default(),
            failed: Vec::new(),
            told: Told::default(),
            waits: false,
        }
    }

    /// Understands objects differently from now on, and remembers nothing of what it
    /// made of them.
    pub(super) fn understand(&mut self, settings: Settings) {
        self.resolver = Resolver::new(settings);
    }

    /// Serves what was read since `start`. Takes its time.
    pub(super) fn serve(&mut self, reading: Reading, start: Instant) {
        let read = start.elapsed();
        let resolved = self.resolver.resolve(reading.world());
        let resolved_after = start.elapsed();
        self.configuration = resolved.configuration;
        self.resolved = resolved.verdicts;
        self.needed = resolved.needed;
        self.update();
        self.vitals.control.read(reading.source());

        let took = start.elapsed().as_millis();
        tracing::debug!(?read, resolved = ?resolved_after - read, applied = ?start.elapsed() - resolved_after);
        match self.reading.replace(reading.clone()) {
            Some(before) => {
                if let Some(changes) = changes::describe(before.world(), reading.world()) {
                    tracing::info!("reloaded in {took} ms: {changes}");
                }
            }
            None => tracing::info!("read {} in {took} ms", counts(reading.world())),
        }
        self.tell(&reading);
    }

    /// Tells of addresses that could not be listened on and now can, and says
    /// whether there are any.
    pub(super) fn look_again(&mut self) -> bool {
        let Some(reading) = self.reading.clone() else {
            return false;
        };
        if self.failed.is_empty() || !self.told.is_news(&Socket::all(&self.gateway)) {
            return false;
        }

        // Nothing changes but what is known to have failed.
        self.update();
        self.tell(&reading);
        true
    }

    /// Gateways lack something of the cluster.
    pub(super) fn hinder(&mut self, hindrances: Hindrances) {
        self.hindrances = hindrances;
        if let Some(reading) = self.reading.clone() {
            self.tell(&reading);
        }
    }

    /// Whether this is what was served last, as far as anybody can tell by it.
    pub(super) fn serves(&self, reading: &source::Reading) -> bool {
        let Some(Reading::Cluster(last)) = &self.reading else {
            return false;
        };
        last.world.same(&reading.world)
            && last.problems == reading.problems
            && last.bundle_versions == reading.bundle_versions
    }

    /// Whether this is what was kept of an earlier run.
    pub(super) fn serves_what_was_kept(&self) -> bool {
        matches!(self.reading, Some(Reading::Kept(_)))
    }

    /// The objects of a cluster that cannot be read.
    pub(super) fn unreadable(&self) -> &[ObjectProblem] {
        match &self.reading {
            Some(Reading::Cluster(reading)) => &reading.problems,
            Some(Reading::Folder(_) | Reading::Kept(_)) | None => &[],
        }
    }

    /// What is served, if anything is yet.
    pub(super) fn world(&self) -> Option<&World> {
        self.reading.as_ref().map(Reading::world)
    }

    /// What Gateways need of the cluster.
    pub(super) fn needed(&self) -> &Arc<[Needed]> {
        &self.needed
    }

    /// What every object is to be told, as things are.
    pub(super) fn verdicts(&self) -> &Verdicts {
        self.settled.verdicts()
    }

    /// Tells of certificates whose time is over since the last time, or soon will be,
    /// if anything is served.
    pub(super) fn look_at_dates(&mut self) -> bool {
        let reading = self.reading.clone();
        if let Some(reading) = &reading {
            self.tell(reading);
        }
        reading.is_some()
    }

    fn update(&mut self) {
        self.failed = self.gateway.update(self.configuration.clone()).failed;
    }

    fn tell(&mut self, reading: &Reading) {
        let sockets = Socket::all(&self.gateway);
        // First, so that whoever has read what the log says finds it so.
        self.vitals.applied(&self.failed, !sockets.is_empty());
        let applied = Applied {
            failed: self.failed.iter().map(failure).collect(),
            hindrances: Arc::clone(&self.hindrances),
        };
        self.settled
            .settle(&self.resolved, applied, SystemTime::now());

        let mut findings = findings(reading, self.settled.problems());
        if let Serving::Only(gateway) = &self.serving {
            // Of the rest, whoever decides about it tells.
            let own = format!("Gateway {gateway}");
            findings.retain(|finding| finding.object.as_ref() == Some(&own));
        }
        let errors = findings.iter().filter(|finding| finding.is_error()).count();
        let control = &self.vitals.control;
        control.problems(errors, findings.len() - errors);
        self.told.problems(findings);
        self.told
            .listening(listening::by_socket(&self.configuration, &sockets));
        let serves = self.serving != Serving::Nothing;
        let waits = serves && sockets.is_empty() && self.failed.is_empty();
        if waits && !self.waits {
            tracing::warn!("no Gateway to serve; waiting for one in {}", self.origin);
        }
        self.waits = waits;
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
