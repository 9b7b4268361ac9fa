//! Gateways of a test.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread::panicking;
use std::time::Duration;

use crate::cluster::{Cluster, gateway_binary};
use crate::curl::curl;
use crate::patience::{PATIENCE, within};
use crate::scene::Scene;

/// A gateway that runs in the cluster's network, with the role of `deploy/rbac.yaml`.
///
/// Dropping it kills it, and fails if it was forbidden anything.
#[derive(Debug)]
pub(crate) struct Replica {
    cluster: &'static Cluster,
    child: Child,
    log: PathBuf,
    admin: String,
    /// How much of the log was written before the API server knew the roles.
    excused: usize,
}

impl Replica {
    /// One that follows the namespace of `scene`, and gives its addresses.
    pub(crate) fn of(scene: &Scene) -> Self {
        Self::with(scene, &[])
    }

    /// The same, with some more arguments.
    pub(crate) fn with(scene: &Scene, arguments: &[&str]) -> Self {
        let replica = Self::begin(scene, arguments);
        replica.wait_until_ready();
        replica
    }

    /// The same, without waiting for it to be ready.
    pub(crate) fn begin(scene: &Scene, arguments: &[&str]) -> Self {
        let (namespace, pool) = (scene.namespace.as_str(), scene.pool());
        let mut all = vec!["--lease-namespace", namespace, "--namespace", namespace];
        if !arguments.contains(&"--address-pool") {
            all.extend(["--address-pool", &pool]);
        }
        all.extend(arguments);
        Self::start(scene.cluster, &all)
    }

    /// One that follows all namespaces, and holds its Lease in that of `scene`.
    pub(crate) fn of_all(scene: &Scene, arguments: &[&str]) -> Self {
        let lease = ["--lease-namespace", &scene.namespace];
        let pool = ["--address-pool", "10.96.128.0/17"];
        let replica = Self::start(scene.cluster, &[&lease, &pool, arguments].concat());
        replica.wait_until_ready();
        replica
    }

    fn start(cluster: &'static Cluster, arguments: &[&str]) -> Self {
        let number = cluster.number();
        let admin = format!("127.0.0.1:{}", 19_000 + number);
        let log = format!("gateway-{number}");
        let mut command = cluster.enter(gateway_binary().expect("there was one"));
        command
            .args(["run", "--kubernetes", "--admin", &admin])
            .args(["--drain-timeout", "5s", "--log", "text/debug"])
            .args(arguments);
        if !arguments.contains(&"--kubeconfig") {
            command.arg("--kubeconfig").arg(cluster.credentials());
        }
        Self {
            cluster,
            child: cluster.launch(&log, command),
            log: cluster.log(&log),
            admin,
            excused: 0,
        }
    }

    #[track_caller]
    fn wait_until_ready(&self) {
        let url = format!("http://{}/readyz", self.admin);
        let is_ready = || (curl(self.cluster, &[&url]).status == 200).then_some(());
        within(
            PATIENCE,
            &format!("ready; {}", self.log.display()),
            is_ready,
        );
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for a line with this part.
    #[track_caller]
    pub(crate) fn says(&self, limit: Duration, part: &str) {
        within(limit, &format!("the log says {part:?}"), || {
            self.log().contains(part).then_some(())
        });
    }

    /// The sum of a metric's series whose labels have `part`.
    pub(crate) fn metric(&self, name: &str, part: &str) -> f64 {
        let text = curl(self.cluster, &[&format!("http://{}/metrics", self.admin)]).body;
        let series = text.lines().filter(|line| {
            line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} "))
        });
        let series = series.filter(|line| line.contains(part));
        series
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// How many statuses it has written.
    pub(crate) fn writes(&self) -> f64 {
        self.metric("gateway_status_writes_total", "written")
    }

    /// Excuses what was forbidden until now: an API server that has just started does
    /// not know the roles at once.
    pub(crate) fn excuse(&mut self) {
        self.excused = self.log().len();
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn ended(&mut self) {
        within(PATIENCE, "the gateway ends", || {
            self.child.try_wait().expect("is ours")
        });
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // One that has ended is reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if panicking() {
            eprintln!("{}", ends_of(&self.log()));
        } else {
            assert_nothing_forbidden(&self.log()[self.excused..]);
        }
    }
}

/// What a role forbids names who asked, unlike other refusals.
pub(crate) fn assert_nothing_forbidden(log: &str) {
    let forbidden = log
        .lines()
        .find(|line| line.contains("serviceaccount:gateway-system:gateway"));
    assert_eq!(forbidden, None, "deploy/rbac.yaml has too little");
}

fn ends_of(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
