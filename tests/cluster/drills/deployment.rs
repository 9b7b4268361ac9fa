//! The gateway as `deploy/` installs it.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::pods::SYSTEM;
use crate::replica::assert_nothing_forbidden;
use crate::tidy::Applied;

/// That of `deploy/deployment.yaml`. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Deployment {
    cluster: &'static Cluster,
    _applied: Applied,
}

impl Deployment {
    /// With these variables besides, as in `NAME=VALUE`.
    pub(crate) fn start(cluster: &'static Cluster, variables: &[&str]) -> Self {
        let this = Self {
            cluster,
            _applied: Applied::new(cluster, "deploy/deployment.yaml"),
        };
        let target = ["deployment/gateway", "--namespace", SYSTEM];
        let quickly = ["GATEWAY_LAME_DUCK=0s", "GATEWAY_DRAIN_TIMEOUT=1s"];
        cluster.kubectl(&[&["set", "env"][..], &target, &quickly, variables].concat());
        let wait = ["rollout", "status", "--timeout=120s"];
        cluster.kubectl(&[&wait[..], &target].concat());
        this
    }

    /// Fails if it was forbidden anything.
    pub(crate) fn finish(self) {
        let mut pods = self.cluster.api().list("v1", "Pod", SYSTEM);
        pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        assert_eq!(pods.len(), 2, "{pods:#?}");
        for pod in pods {
            assert_nothing_forbidden(&log(self.cluster, &pod));
        }
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if std::thread::panicking() {
            print_logs(self.cluster);
        }
    }
}

/// What the containers of a pod have written.
#[track_caller]
pub(crate) fn log(cluster: &Cluster, pod: &Value) -> String {
    let text = |name: &str| pod["metadata"][name].as_str().expect("is there");
    cluster.kubectl(&["logs", "--namespace", text("namespace"), text("name")])
}

/// Prints what gateways have written, for whoever looks why a test has failed. It must not fail
/// itself.
pub(crate) fn print_logs(cluster: &Cluster) {
    let mut logs = cluster.script("kubectl");
    logs.args(["logs", "--namespace", SYSTEM, "--selector"]);
    logs.args(["app.kubernetes.io/name=gateway", "--tail=-1", "--prefix"]);
    if let Ok(output) = logs.output() {
        eprintln!("{}", String::from_utf8_lossy(&output.stdout));
    }
}
