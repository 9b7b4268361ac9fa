//! Gateways in pods, which have a network each.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::cluster::Cluster;
use crate::curl::curl;
use crate::patience::{PATIENCE, within};
use crate::replica::assert_nothing_forbidden;
use crate::scene::Scene;

/// A gateway in a pod that is not started again, and goes with its scene.
#[derive(Debug)]
pub(crate) struct GatewayPod {
    cluster: &'static Cluster,
    name: String,
    address: String,
}

impl GatewayPod {
    /// One that listens on every address for the Gateways of `scene`.
    pub(crate) fn start(scene: &Scene, suffix: &str) -> Self {
        let name = format!("{}-{suffix}", scene.namespace);
        scene.apply(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": SYSTEM},
            "spec": {
                "serviceAccountName": "gateway",
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 20,
                "containers": [{
                    "name": "gateway",
                    "image": "gateway:latest",
                    "args": ["run", "--kubernetes", "--admin", "0.0.0.0:9901"],
                    "env": [
                        {"name": "GATEWAY_NAMESPACES", "value": scene.namespace},
                        {"name": "GATEWAY_LEASE_NAMESPACE", "value": scene.namespace},
                        {"name": "GATEWAY_DRAIN_TIMEOUT", "value": "5s"},
                        {"name": "GATEWAY_LAME_DUCK", "value": "5s"},
                        {"name": "GATEWAY_PUBLISH_ADDRESS", "value": "192.0.2.1"},
                        {"name": MARK, "value": name},
                    ],
                }],
            },
        }));
        let address = within(PATIENCE, "the pod has an address", || {
            let pod = scene.cluster.api().get("v1", "Pod", SYSTEM, &name)?;
            Some(pod["status"]["podIP"].as_str()?.to_owned())
        });
        let pod = Self {
            cluster: scene.cluster,
            name,
            address,
        };
        within(PATIENCE, "the pod is ready", || pod.answers().then_some(()));
        pod
    }

    /// Whether it says that it is ready.
    pub(crate) fn answers(&self) -> bool {
        curl(self.cluster, &[&self.admin("readyz")]).status == 200
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn leads(&self) -> bool {
        self.metric("gateway_leader", "") > 0.0
    }

    pub(crate) fn writes(&self) -> f64 {
        self.metric("gateway_status_writes_total", "written")
    }

    fn metric(&self, name: &str, part: &str) -> f64 {
        let text = curl(self.cluster, &[&self.admin("metrics")]).body;
        let series = text
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(part));
        series
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    fn admin(&self, path: &str) -> String {
        format!("http://{}:9901/{path}", self.address)
    }

    /// Sends a signal to its process.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process().expect("runs").to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// The process whose environment has the pod's mark.
    fn process(&self) -> Option<u32> {
        let mark = format!("{MARK}={}", self.name);
        let processes = fs::read_dir("/proc").expect("can be listed");
        processes.flatten().find_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|one| one == mark.as_bytes()).then_some(id)
        })
    }

    pub(crate) fn log(&self) -> String {
        self.cluster
            .kubectl(&["logs", "--namespace", SYSTEM, &self.name])
    }

    /// Fails if it was forbidden anything.
    pub(crate) fn finish(self) {
        assert_nothing_forbidden(&self.log());
    }
}

impl Drop for GatewayPod {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Whatever it is worth: the test has failed already.
            let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{}/log", self.name);
            let log = self.cluster.api().call("GET", &path, "", "");
            eprintln!("{}", log.map(|(_, text)| text).unwrap_or_default());
        }
    }
}

pub(crate) const SYSTEM: &str = "gateway-system";
/// A variable by which a pod's process is found.
const MARK: &str = "DRILL_POD";
