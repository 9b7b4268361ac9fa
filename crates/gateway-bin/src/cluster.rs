//! The cluster that is read.

use std::time::Duration;

use gateway_k8s::resolve::Settings;
use gateway_k8s::source::cluster::{
    self, Cluster, ClusterSettings, KindState, Reading, WatchedKind,
};
use kube::Client;
use tokio::time::timeout;

use crate::args::{ClusterArgs, WorldArgs};
use crate::failure::CommandFailure;

/// A client of the API server. Sends nothing yet.
pub(crate) async fn connect(args: &ClusterArgs) -> Result<Client, CommandFailure> {
    let connected = cluster::connect(args.kubeconfig.as_deref()).await;
    connected.map_err(|error| {
        let failure = CommandFailure::caused("cannot speak to a cluster", &error);
        failure.remedy("name a kubeconfig with --kubeconfig, or run in a pod with a ServiceAccount")
    })
}

/// What of a cluster is looked at.
pub(crate) fn looking(args: &ClusterArgs) -> ClusterSettings {
    ClusterSettings::new().with_namespaces(args.namespaces.iter().cloned())
}

/// What the cluster says now.
pub(crate) async fn read(args: &ClusterArgs) -> Result<Reading, CommandFailure> {
    let mut cluster = Cluster::new(connect(args).await?, looking(args));
    let reading = timeout(PATIENCE, cluster.changed()).await;
    let reading = reading.map_err(|_| {
        let seconds = PATIENCE.as_secs();
        let mut message =
            format!("the API server has not told all objects within {seconds} seconds");
        if let Some(kind) = cluster.kinds().iter().find(|kind| is_retrying(kind)) {
            message = format!("{message}: {kind}");
        }
        let failure = CommandFailure::new(message);
        failure.remedy("see whether kubectl reaches it with the same kubeconfig")
    })?;
    for kind in reading.kinds.iter().filter(|kind| is_retrying(kind)) {
        eprintln!("warning: {kind}");
    }
    Ok(reading)
}

fn is_retrying(kind: &WatchedKind) -> bool {
    matches!(kind.state, KindState::Retrying { .. })
}

/// How objects of the cluster are to be understood.
pub(crate) fn settings(args: &WorldArgs, reading: &Reading) -> Settings {
    let releases = reading.bundle_versions.iter().map(String::as_str);
    args.cluster().with_releases(releases)
}

/// More than it waits for what may not be had.
const PATIENCE: Duration = Duration::from_secs(30);
