//! A cluster that is served.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::Gateway;
use gateway_k8s::infrastructure::Provisioner;
use gateway_k8s::resolve::{CONTROLLER_NAME, Settings};
use gateway_k8s::snapshot::{self, SnapshotKeeper};
use gateway_k8s::source::cluster::{self as source, Cluster, KindState};
use gateway_k8s::status::{
    EventSettings, Events, Leader, LeaseSettings, NodeAddresses, StatusWriter, Statuses,
    WriterSettings,
};
use kube::Client;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval, interval_at, timeout};

use super::control::Control;
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
    release: Option<String>,
    /// Nothing, as long as too little is known to tell anybody of it.
    statuses: Option<Statuses>,
    writers: Writers,
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

/// Who writes to the cluster, as long as this replica leads.
#[derive(Debug)]
struct Writers {
    leader: Option<Leader>,
    leading: watch::Receiver<bool>,
    statuses: StatusWriter,
    events: Events,
    provisioner: Provisioner,
}

impl ClusterControl {
    /// Connects, and serves what the cluster says; or what it said last, as long as
    /// its API server is away.
    pub(super) async fn start(
        args: &RunArgs,
        around: Surroundings,
    ) -> Result<Self, CommandFailure> {
        let client = cluster::connect(&args.cluster).await?;
        let following = cluster::follow(client.clone(), &args.cluster);
        let settings = args
            .world
            .cluster()
            .with_exposure(args.controller.exposure());
        let state = args.controller.state_dir.as_deref();
        let state = state.map(kept_in).transpose()?;
        let mut this = Self {
            cluster: following,
            control: around.control(settings.clone()),
            around,
            settings,
            release: None,
            statuses: None,
            writers: Writers::new(client, args),
            keeper: None,
        };
        if let Some(path) = state {
            this.begin(&path).await;
            this.keeper = Some(SnapshotKeeper::start(path, KEEP_EVERY));
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
    pub(super) async fn follow(mut self) -> CommandFailure {
        let mut again = interval(LOOK_AGAIN);
        let mut dates = interval_at(Instant::now() + LOOK_AT_DATES, LOOK_AT_DATES);
        loop {
            tokio::select! {
                reading = self.cluster.changed() => self.serve_cluster(reading).await,
                Ok(()) = self.writers.leading.changed() => {
                    let leads = self.writers.lead();
                    self.around.vitals.control.leads(leads);
                }
                Ok(()) = self.around.draining.changed() => self.writers.release(),
                _ = again.tick() => self.look_around(),
                _ = dates.tick() => if self.control.look_at_dates() {
                    self.tell();
                },
            }
        }
    }

    fn look_around(&mut self) {
        let vitals = &self.around.vitals;
        vitals.health.beat();
        let written = self.writers.statuses.metrics();
        let counts = [written.written, written.conflicts, written.failures];
        vitals.control.statuses(counts);
        if self.control.look_again() {
            self.tell();
        }
    }

    async fn serve_cluster(&mut self, reading: source::Reading) {
        let start = Instant::now();
        if self.release != reading.bundle_version {
            self.release.clone_from(&reading.bundle_version);
            self.control.understand(self.settings());
        }
        for kind in &reading.kinds {
            let connected = kind.state == KindState::Watching;
            self.around.vitals.control.watch(&kind.kind, connected);
        }
        self.statuses = knows_parents(&reading).then(|| reading.statuses.clone());
        if let Some(keeper) = &self.keeper {
            keeper.keep(reading.world.clone());
        }

        self.serve(Reading::Cluster(Box::new(reading)), start).await;
        self.tell();
    }

    fn settings(&self) -> Settings {
        match &self.release {
            Some(release) => self.settings.clone().with_release(release.as_str()),
            None => self.settings.clone(),
        }
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
        let Some(statuses) = &self.statuses else {
            return;
        };
        let writers = &self.writers;
        let verdicts = self.control.verdicts();
        writers.statuses.update(verdicts.clone(), statuses.clone());
        writers.events.update(verdicts.clone(), statuses.clone());
        if let Some(world) = self.control.world() {
            let needed = Arc::clone(self.control.needed());
            writers.provisioner.update(needed, world.clone());
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

impl Writers {
    fn new(client: Client, args: &RunArgs) -> Self {
        let (namespaces, args) = (args.cluster.namespaces.clone(), &args.controller);
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let lease = LeaseSettings::new(&args.lease_namespace, LEASE, host.trim());
        let events = EventSettings::new(CONTROLLER_NAME, lease.identity());
        let leader = Leader::new(client.clone(), lease);
        let addresses = NodeAddresses::new(args.publish_addresses.clone());
        let settings = WriterSettings::default().node_addresses(addresses);
        let pods = args.pod_service.clone();

        Self {
            leading: leader.leading(),
            leader: Some(leader),
            statuses: StatusWriter::new(client.clone(), settings),
            events: Events::new(client.clone(), events),
            provisioner: Provisioner::new(client, args.exposure(), pods, namespaces),
        }
    }

    /// Writes, or stops to, and says which.
    fn lead(&mut self) -> bool {
        let leads = *self.leading.borrow_and_update();
        self.set_leading(leads);
        leads
    }

    fn set_leading(&self, leads: bool) {
        self.statuses.lead(leads);
        self.events.lead(leads);
        self.provisioner.lead(leads);
    }

    /// Lets another replica lead, while this one ends.
    fn release(&mut self) {
        self.set_leading(false);
        if let Some(leader) = self.leader.take() {
            tokio::spawn(leader.release());
        }
    }
}

/// Whether everything that routes can be attached to is known. Otherwise they would
/// be told that nothing of it is there.
fn knows_parents(reading: &source::Reading) -> bool {
    let parents = ["GatewayClass", "Gateway", "ListenerSet"];
    let mut kinds = reading.kinds.iter();
    kinds.all(|kind| match kind.state {
        KindState::Watching | KindState::NotInstalled => true,
        KindState::Listing | KindState::Retrying { .. } => !parents.contains(&&*kind.kind),
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
/// The name of the Lease.
const LEASE: &str = "gateway-rs.dev";
/// The file of the last good configuration, in the folder for states.
const SNAPSHOT: &str = "last-good";
/// How long the API server may take at a start before what it said last is served.
const AT_ONCE: Duration = Duration::from_millis(500);
/// How often the last good configuration is written.
const KEEP_EVERY: Duration = Duration::from_secs(5);
