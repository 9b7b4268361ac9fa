//! The cluster that is read.

use std::time::Duration;

use gateway_core::model::ObjectName;
use gateway_k8s::resolve::Settings;
use gateway_k8s::source::cluster::{self, Cluster, ClusterSettings, KindState, Reading};
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

/// Begins to follow what the cluster says; of Secrets, as far as they are the business
/// of one Gateway, if there is one.
pub(crate) fn follow(client: Client, args: &ClusterArgs, only: Option<&ObjectName>) -> Cluster {
    let settings = ClusterSettings::new().with_namespaces(args.namespaces.iter().cloned());
    let settings = match only {
        Some(gateway) => settings.with_secrets_of([gateway.namespace()]),
        None => settings,
    };
    Cluster::new(client, settings)
}

/// What the cluster says now.
pub(crate) async fn read(args: &ClusterArgs) -> Result<Reading, CommandFailure> {
    let mut cluster = follow(connect(args).await?, args, None);
    let reading = timeout(PATIENCE, cluster.changed()).await;
    let reading = reading.map_err(|_| {
        let failure = CommandFailure::new(format!(
            "the API server has not told all objects within {} seconds",
            PATIENCE.as_secs()
        ));
        failure.remedy("see whether kubectl reaches it with the same kubeconfig")
    })?;
    let forbidden = reading.kinds.iter();
    let forbidden = forbidden.filter(|kind| matches!(kind.state, KindState::Retrying { .. }));
    for kind in forbidden {
        eprintln!("warning: {kind}");
    }
    Ok(reading)
}

/// How objects of the cluster are to be understood.
pub(crate) fn settings(args: &WorldArgs, reading: &Reading) -> Settings {
    let settings = args.cluster();
    match &reading.bundle_version {
        Some(release) => settings.with_release(release.as_str()),
        None => settings,
    }
}

/// More than it waits for what cannot be had.
const PATIENCE: Duration = Duration::from_secs(20);
