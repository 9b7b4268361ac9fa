//! Without an API server.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::load::Load;
use crate::patience::{PATIENCE, secs, throughout, timed, within};
use crate::replica::Replica;
use crate::scene::Scene;
use crate::tidy::insist;

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn an_outage_fails_no_request_and_changes_come_soon_after() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let stage = Stage::new(cluster, "outage");
    let mut replica = Replica::of_all(&stage.scene, &[]);
    let url = stage.url();
    stage.scene.served(&url, &stage.origin);
    let load = Load::start(cluster, &[&url]);

    let outage = Outage::begin(cluster);
    within(PATIENCE, "the loss is noticed", || {
        (replica.metric("gateway_watch_connected", "HTTPRoute") == 0.0).then_some(())
    });
    throughout(lasting(), "requests are answered", || {
        load.codes().iter().all(|code| code == "200")
    });
    drop(outage);

    let moved = stage.scene.point("echo");
    let ((), took) = timed(secs(5), "the new endpoint is used", || {
        stage.scene.fetch(&url).is(200, &moved).then_some(())
    });
    stage.scene.route("later", "edge", "echo");
    let later = url.replace("/shop", "/later");
    timed(secs(5), "the new route is served", || {
        stage.scene.fetch(&later).is(200, &moved).then_some(())
    });
    let start = Instant::now();
    stage.scene.accepted("HTTPRoute", "later");
    let told = start.elapsed();
    replica.excuse();
    let (count, failed) = load.stop();
    assert_eq!(failed, Vec::<String>::new(), "of {count}");
    eprintln!(
        "{count} requests; an endpoint's change was served after {took:?}, told after {told:?}"
    );
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_start_without_the_api_server_serves_what_it_said_last() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let stage = Stage::new(cluster, "cold");
    let folder = TempDir::new().expect("a folder can be made");
    let state = folder.path().join("state");
    let arguments = ["--state-dir", &state.display().to_string()];
    let mut replica = Replica::of_all(&stage.scene, &arguments);
    let url = stage.url();
    stage.scene.served(&url, &stage.origin);
    within(PATIENCE, "what is served is kept", || {
        let kept = state.join("last-good").metadata().ok()?;
        assert_eq!(kept.permissions().mode() & 0o777, 0o600);
        Some(())
    });
    let kept = || {
        state
            .join("last-good")
            .metadata()
            .and_then(|data| data.modified())
    };
    // Written every few seconds, the last change included.
    let before = kept().expect("is there");
    stage.scene.route("late", "edge", "echo");
    within(PATIENCE, "the change is kept", || {
        (kept().ok()? > before).then_some(())
    });
    replica.terminate();
    replica.ended();
    drop(replica);
    std::fs::remove_file(state.join("last-good")).expect("is there");
    let mut replica = Replica::of_all(&stage.scene, &arguments);
    within(PATIENCE, "what is read at once is kept, too", || {
        kept().is_ok().then_some(())
    });
    replica.terminate();
    replica.ended();
    drop(replica);
    let outage = Outage::begin(cluster);

    let start = Instant::now();
    let mut replica = Replica::of_all(&stage.scene, &arguments);
    stage.scene.served(&url, &stage.origin);
    let took = start.elapsed();
    stage
        .scene
        .served(&url.replace("/shop", "/late"), &stage.origin);
    assert!(took < slack(secs(1)), "{took:?}");
    replica.says(
        secs(5),
        "the API server does not answer: serving what it said last",
    );
    let source = |name: &str| replica.metric("gateway_config_source", name);
    assert_eq!((source("snapshot"), source("live")), (1.0, 0.0));

    let load = Load::start(cluster, &[&url]);
    drop(outage);
    let moved = stage.scene.point("echo");
    timed(secs(5), "a change is served", || {
        stage.scene.fetch(&url).is(200, &moved).then_some(())
    });
    assert_eq!((source("snapshot"), source("live")), (0.0, 1.0));
    stage.scene.route("later", "edge", "echo");
    let start = Instant::now();
    stage.scene.accepted("HTTPRoute", "later");
    let told = start.elapsed();
    replica.excuse();
    let (count, failed) = load.stop();
    assert_eq!(failed, Vec::<String>::new(), "of {count}");
    eprintln!("served {took:?} after the start, told after {told:?}");
}

struct Stage {
    scene: Scene,
    origin: String,
}

impl Stage {
    fn new(cluster: &'static Cluster, name: &str) -> Self {
        let scene = Scene::new(cluster, name);
        scene.gateway("edge");
        let origin = scene.backend("echo");
        scene.route("shop", "edge", "echo");
        Self { scene, origin }
    }

    fn url(&self) -> String {
        format!("http://{}/shop", self.scene.address("edge"))
    }
}

/// As long as it is there, the API server is not.
struct Outage(&'static Cluster);

impl Outage {
    fn begin(cluster: &'static Cluster) -> Self {
        let this = Self(cluster);
        Cluster::output(cluster.script("stop-api-server"));
        this
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        let output = self.0.script("start-api-server").output();
        let is_over = output.as_ref().is_ok_and(|one| one.status.success());
        insist(is_over, || format!("an outage: {output:?}"));
    }
}

/// How long an outage takes: 20 s, or as many as are asked for.
fn lasting() -> Duration {
    let asked = std::env::var_os("DRILLS_OUTAGE_SECONDS");
    let asked = asked.and_then(|asked| asked.to_str()?.parse().ok());
    secs(asked.unwrap_or(20))
}

/// A start, and the scripts and programs that look at it, on a machine that does other
/// things too.
fn slack(limit: Duration) -> Duration {
    limit * 3
}
