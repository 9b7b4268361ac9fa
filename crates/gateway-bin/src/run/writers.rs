//! Who writes to a cluster.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use gateway_k8s::infrastructure::{Blueprint, Dedicated, Hindrances, Provisioner};
use gateway_k8s::resolve::CONTROLLER_NAME;
use gateway_k8s::status::{
    EventSettings, Events, Leader, LeaseSettings, NodeAddresses, StatusWriter, Statuses,
    WriterSettings,
};
use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::control::Control;
use crate::args::RunArgs;

/// Who writes to the cluster, as long as this replica leads.
#[derive(Debug)]
pub(super) struct Writers {
    /// Until the lead is given up.
    candidacy: JoinHandle<()>,
    leading: watch::Receiver<bool>,
    statuses: StatusWriter,
    events: Events,
    provisioner: Provisioner,
    hindrances: watch::Receiver<Hindrances>,
}

/// What they have to say.
#[derive(Debug)]
pub(super) enum News {
    /// Whether this replica leads.
    Leads(bool),
    /// What Gateways lack.
    Hindered(Hindrances),
}

/// Waits until there is something to say, for ever if nobody writes.
pub(super) async fn changed(writers: &mut Option<Writers>) -> News {
    match writers {
        Some(writers) => writers.changed().await,
        None => pending().await,
    }
}

impl Writers {
    /// Begins to write as soon as this replica leads.
    pub(super) fn new(client: Client, args: &RunArgs, draining: watch::Receiver<bool>) -> Self {
        let (namespaces, blueprint) = (args.cluster.namespaces.clone(), blueprint(args));
        let args = &args.controller;
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let lease = LeaseSettings::new(&args.lease_namespace, LEASE, host.trim());
        let events = EventSettings::new(CONTROLLER_NAME, lease.identity());
        let leader = Leader::new(client.clone(), lease);
        let client = leader.confine(client);
        let addresses = NodeAddresses::new(args.publish_addresses.clone());
        let settings = WriterSettings::default().node_addresses(addresses);
        let provisioner = Provisioner::new(client.clone(), blueprint, namespaces);

        Self {
            leading: leader.leading(),
            candidacy: tokio::spawn(stand(leader, draining)),
            statuses: StatusWriter::new(client.clone(), settings),
            events: Events::new(client, events),
            hindrances: provisioner.hindrances(),
            provisioner,
        }
    }

    async fn changed(&mut self) -> News {
        tokio::select! {
            Ok(()) = self.leading.changed() => News::Leads(self.lead()),
            Ok(()) = self.hindrances.changed() => {
                News::Hindered(Arc::clone(&self.hindrances.borrow_and_update()))
            }
            else => pending().await,
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

    /// Tells the cluster what came of it, if anything did.
    pub(super) fn tell(&self, control: &Control, statuses: &Statuses) {
        // Without it there are no verdicts, which would take back what was told.
        let Some(world) = control.world() else {
            return;
        };
        let verdicts = control.verdicts();
        self.statuses.update(verdicts.clone(), statuses.clone());
        self.events
            .update(verdicts.clone(), statuses.clone(), control.unreadable());
        let needed = Arc::clone(control.needed());
        self.provisioner.update(needed, world.clone());
    }

    /// How many statuses were written, were changed by others meanwhile, and failed.
    pub(super) fn counts(&self) -> [u64; 3] {
        let written = self.statuses.metrics();
        [written.written, written.conflicts, written.failures]
    }

    /// Waits until the lead is given up, of a gateway that is draining.
    pub(super) async fn finish(self) {
        self.set_leading(false);
        // If it was a fault of ours that ended it, nothing is held.
        let _ = self.candidacy.await;
    }
}

/// Leads if it can, until the gateway drains: then another replica is to.
async fn stand(leader: Leader, mut draining: watch::Receiver<bool>) {
    // Nor does it go on if nobody is left who could drain it.
    let _ = draining.wait_for(|draining| *draining).await;
    leader.release().await;
}

/// What Gateways get. Pods of their own are like this one.
fn blueprint(args: &RunArgs) -> Blueprint {
    let (controller, server) = (&args.controller, &args.server);
    let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
    let dedicated = Dedicated::new(&controller.dedicated_image)
        .with_replicas(controller.dedicated_replicas)
        .with_variable("GATEWAY_LOG", server.log.to_string())
        .with_variable("GATEWAY_LAME_DUCK", milliseconds(server.lame_duck))
        .with_variable("GATEWAY_DRAIN_TIMEOUT", milliseconds(server.drain_timeout))
        .with_grace(server.lame_duck + server.drain_timeout + AFTERWARDS);
    let dedicated = match &*args.cluster.namespaces {
        [] => dedicated,
        namespaces => dedicated.with_variable("GATEWAY_NAMESPACES", namespaces.join(",")),
    };
    let dedicated = match server.workers {
        Some(workers) => dedicated.with_variable("GATEWAY_WORKERS", workers.to_string()),
        None => dedicated,
    };

    Blueprint::new(args.exposure(), controller.pod_service.clone()).with_dedicated(dedicated)
}

/// The name of the Lease.
const LEASE: &str = "gateway-rs.dev";
/// How long a pod may take to end when everything is drained.
const AFTERWARDS: Duration = Duration::from_secs(5);
