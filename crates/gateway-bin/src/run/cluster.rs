//! A cluster that is served.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::Gateway;
use gateway_k8s::infrastructure::Exposure;
use gateway_k8s::resolve::Settings;
use gateway_k8s::snapshot::{self, SnapshotKeeper};
use gateway_k8s::source::cluster::{self as source, Cluster, ClusterSettings, KindState};
use gateway_k8s::status::Statuses;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval, interval_at, timeout};

use super::control::Control;
use super::writers::{self, News, Writers};
use super::{LOOK_AGAIN, LOOK_AT_DATES};
use crate::admin::Vitals;
use crate::args::RunArgs;
use crate::cluster;
use crate::failure::CommandFailure;
use crate::reading::Reading;

/// A cluster, and a gateway that serves what it says.
#[derive(Debug)]
pub(super) struct ClusterControl {
    cluster: Cluster,
    around: Surroundings,
    control: Control,
    settings: Settings,
    releases: Vec<String>,
    /// Nothing, as long as too little is known to tell anybody of it.
    statuses: Option<Statuses>,
    /// Nothing, where others write.
    writers: Option<Writers>,
    keeper: Option<SnapshotKeeper>,
}

/// What is there already.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) gateway: Gateway,
    pub(super) vitals: Arc<Vitals>,
    /// Whether the gateway takes its leave.
    pub(super) draining: watch::Receiver<bool>,
}

impl ClusterControl {
    /// Connects, and serves what the cluster says; or what it said last, as long as
    /// its API server is away.
    pub(super) async fn start(
        args: &RunArgs,
        around: Surroundings,
    ) -> Result<Self, CommandFailure> {
        let client = cluster::connect(&args.cluster).await?;
        let controller = &args.controller;
        let only = controller.gateway.as_ref();
        let following = Cluster::new(client.clone(), looking(args));
        let settings = args.settings();
        let state = controller.state_dir.as_deref();
        let state = state.map(kept_in).transpose()?;
        let draining = around.draining.clone();
        let mut this = Self {
            cluster: following,
            control: around.control(settings.clone()),
            around,
            settings,
            releases: Vec::new(),
            statuses: None,
            writers: only.is_none().then(|| Writers::new(client, args, draining)),
            keeper: None,
        };
        if let Some(path) = state {
            // First, so that what is read at once is kept, if nothing changes for long.
            this.keeper = Some(SnapshotKeeper::start(path.clone(), KEEP_EVERY));
            this.begin(&path).await;
        }
        Ok(this)
    }

    /// Serves what the API server says, if it does so at once, and what it said last
    /// otherwise.
    async fn begin(&mut self, kept: &Path) {
        if let Ok(reading) = timeout(AT_ONCE, self.cluster.changed()).await {
            return self.serve_cluster(reading).await;
        }
        let start = Instant::now();
        let path = kept.to_owned();
        let world = spawn_blocking(move || snapshot::recover(&path)).await;
        if let Some(world) = world.ok().flatten() {
            tracing::warn!("the API server does not answer: serving what it said last");
            self.serve(Reading::Kept(world), start).await;
        }
    }

    /// Serves what changes in the cluster, and tells the cluster what came of it, for
    /// ever.
    pub(super) async fn follow(&mut self) -> CommandFailure {
        let mut again = interval(LOOK_AGAIN);
        let mut dates = interval_at(Instant::now() + LOOK_AT_DATES, LOOK_AT_DATES);
        loop {
            tokio::select! {
                reading = self.cluster.changed() => self.serve_cluster(reading).await,
                news = writers::changed(&mut self.writers) => self.heed(news),
                _ = again.tick() => self.look_around(),
                _ = dates.tick() => if self.control.look_at_dates() {
                    self.tell();
                },
            }
        }
    }

    /// Lets another replica lead, and writes down what has not been.
    pub(super) async fn finish(self) {
        let lead = async {
            if let Some(writers) = self.writers {
                writers.finish().await;
            }
        };
        let kept = async {
            if let Some(keeper) = self.keeper {
                keeper.finish().await;
            }
        };
        tokio::join!(lead, kept);
    }

    /// Follows what those who write have to say.
    fn heed(&mut self, news: News) {
        match news {
            News::Leads(leads) => self.around.vitals.control.leads(leads),
            News::Hindered(hindrances) => {
                self.control.hinder(hindrances);
                self.tell();
            }
        }
    }

    fn look_around(&mut self) {
        let vitals = &self.around.vitals;
        vitals.health.beat();
        if let Some(writers) = &self.writers {
            vitals.control.statuses(writers.counts());
        }
        if self.control.look_again() {
            self.tell();
        }
    }

    async fn serve_cluster(&mut self, reading: source::Reading) {
        let start = Instant::now();
        if self.releases != reading.bundle_versions {
            self.releases.clone_from(&reading.bundle_versions);
            self.control.understand(self.settings());
        }
        let watches = &self.around.vitals.control;
        for kind in &reading.kinds {
            match kind.state {
                KindState::NotInstalled => watches.unwatch(&kind.kind),
                KindState::Watching => watches.watch(&kind.kind, true),
                KindState::Listing | KindState::Retrying { .. } => {
                    watches.watch(&kind.kind, false);
                }
            }
        }
        let is_whole = reading.is_whole();
        let knows_enough = is_whole && knows_parents(&reading);
        self.statuses = knows_enough.then(|| reading.statuses.clone());
        if !is_whole && self.control.serves_what_was_kept() {
            // It has what cannot be had now.
            return;
        }
        // A status that was written changes nothing of what is served.
        if !self.control.serves(&reading) {
            if let Some(keeper) = self.keeper.as_ref().filter(|_| is_whole) {
                keeper.keep(reading.world.clone());
            }
            self.serve(Reading::Cluster(Box::new(reading)), start).await;
        }
        self.tell();
    }

    fn settings(&self) -> Settings {
        let releases = self.releases.iter().map(String::as_str);
        self.settings.clone().with_releases(releases)
    }

    /// Resolving takes its time, and binding waits for the kernel, so others do it.
    async fn serve(&mut self, reading: Reading, start: Instant) {
        let fresh = self.around.control(self.settings());
        let mut control = std::mem::replace(&mut self.control, fresh);
        let served = spawn_blocking(move || {
            control.serve(reading, start);
            control
        });

        match self.around.vitals.health.during(served).await {
            Ok(control) => self.control = control,
            // A fault of ours must not end what is served.
            Err(error) => tracing::error!(
                "a change could not be served, and the next one will be tried afresh: {error}"
            ),
        }
    }

    fn tell(&self) {
        if let (Some(statuses), Some(writers)) = (&self.statuses, &self.writers) {
            writers.tell(&self.control, statuses);
        }
    }
}

impl Surroundings {
    /// A control that remembers nothing.
    fn control(&self, settings: Settings) -> Control {
        let (gateway, vitals) = (self.gateway.clone(), Arc::clone(&self.vitals));
        Control::new(ORIGIN.to_owned(), settings, gateway, vitals)
    }
}

/// What of the cluster is looked at: of Secrets, as far as they are the business of one
/// Gateway, if there is one; and wherever the pods are that load balancers lead to.
fn looking(args: &RunArgs) -> ClusterSettings {
    let settings = cluster::looking(&args.cluster);
    let controller = &args.controller;
    match (&controller.gateway, args.exposure()) {
        (Some(gateway), _) => settings.with_secrets_of([gateway.namespace()]),
        (None, Exposure::Services) => {
            settings.with_endpoints_of([controller.pod_service.namespace()])
        }
        (None, Exposure::Direct | Exposure::Dedicated) => settings,
    }
}

/// Whether everything that routes can be attached to is known. Otherwise they would
/// be told that nothing of it is there. Without Gateways, nobody is told anything.
fn knows_parents(reading: &source::Reading) -> bool {
    let mut kinds = reading.kinds.iter();
    kinds.all(|kind| match (&*kind.kind, &kind.state) {
        (_, KindState::Watching) => true,
        ("GatewayClass" | "Gateway", _) => false,
        ("ListenerSet", state) => *state == KindState::NotInstalled,
        _ => true,
    })
}

/// The file of the last good configuration in a folder, which is made.
fn kept_in(folder: &Path) -> Result<PathBuf, CommandFailure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        let folder = folder.display();
        let failure = CommandFailure::caused(format!("cannot make the folder {folder}"), &error);
        failure.remedy("name a folder that this user may write to with --state-dir")
    })?;
    Ok(folder.join(SNAPSHOT))
}

/// Where objects come from, in words.
const ORIGIN: &str = "the cluster";
/// The file of the last good configuration, in the folder for states.
const SNAPSHOT: &str = "last-good";
/// How long the API server may take at a start before what it said last is served.
const AT_ONCE: Duration = Duration::from_millis(500);
/// How often the last good configuration is written.
const KEEP_EVERY: Duration = Duration::from_secs(5);
