//! Several replicas.

use std::thread::sleep;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::load::Load;
use crate::patience::{PATIENCE, secs, timed, within};
use crate::pods::GatewayPod;
use crate::scene::Scene;

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn one_replica_writes_and_all_serve() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let stage = Stage::new(cluster, "writers");
    let (leader, follower) = stage.replicas();
    let writes = leader.writes();

    stage.scene.route("later", "edge", "echo");
    stage.scene.accepted("HTTPRoute", "later");

    stage.scene.served(&leader.url("later"), &stage.origin);
    stage.scene.served(&follower.url("later"), &stage.origin);
    within(PATIENCE, "the write is counted", || {
        (leader.writes() > writes).then_some(())
    });
    assert_eq!(follower.writes(), 0.0);
    leader.finish();
    follower.finish();
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn another_replica_writes_within_twenty_seconds_of_a_kill() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let stage = Stage::new(cluster, "killed");
    let (leader, follower) = stage.replicas();
    let load = Load::start(cluster, &[&follower.url("shop")]);

    leader.signal("-KILL");
    stage.scene.route("later", "edge", "echo");

    let took = stage.told(&follower, secs(20));
    // It did not lead already.
    assert!(took > secs(2), "{took:?}");
    stage.scene.served(&follower.url("later"), &stage.origin);
    load.more(10);
    let (count, failed) = load.stop();
    assert_eq!(failed, Vec::<String>::new(), "of {count}");
    follower.finish();
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_replica_that_stood_still_past_its_lease_writes_nothing_when_it_goes_on() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let stage = Stage::new(cluster, "stopped");
    let (leader, follower) = stage.replicas();
    let writes = leader.writes();

    leader.signal("-STOP");
    stage.scene.route("later", "edge", "echo");
    stage.told(&follower, secs(20));
    leader.signal("-CONT");

    within(PATIENCE, "it knows that it leads no longer", || {
        (leader.answers() && !leader.leads()).then_some(())
    });
    stage.scene.served(&leader.url("later"), &stage.origin);
    assert!(follower.leads());
    assert_eq!(leader.writes(), writes);
    leader.finish();
    follower.finish();
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_replica_that_ends_hands_over_at_once_and_serves_meanwhile() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let stage = Stage::new(cluster, "ended");
    let (leader, follower) = stage.replicas();
    let loads = [&leader, &follower].map(|pod| Load::start(cluster, &[&pod.url("shop")]));

    leader.signal("-TERM");
    stage.scene.route("later", "edge", "echo");

    stage.told(&follower, secs(3));
    // The one that takes its leave serves too, changes included.
    stage.scene.served(&leader.url("later"), &stage.origin);
    for load in loads {
        let (count, failed) = load.stop();
        assert_eq!(failed, Vec::<String>::new(), "of {count}");
    }
    leader.finish();
    follower.finish();
}

/// A Gateway with a route, for replicas that listen on every address.
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

    /// The one that leads, and one that does not; both serve, and what there is to write
    /// of the Gateway and the route is written and counted.
    fn replicas(&self) -> (GatewayPod, GatewayPod) {
        let [one, other] = ["one", "other"].map(|name| GatewayPod::start(&self.scene, name));
        for pod in [&one, &other] {
            self.scene.served(&pod.url("shop"), &self.origin);
        }
        within(PATIENCE, "one of two leads", || {
            (one.leads() != other.leads()).then_some(())
        });
        self.scene.accepted("HTTPRoute", "shop");
        let (leader, follower) = if one.leads() {
            (one, other)
        } else {
            (other, one)
        };
        within(PATIENCE, "its writes are counted", || {
            let writes = leader.writes();
            sleep(COUNTED);
            (writes >= 2.0 && leader.writes() == writes).then_some(())
        });
        (leader, follower)
    }

    /// Waits until `follower` leads, and the status of the new route is there.
    #[track_caller]
    fn told(&self, follower: &GatewayPod, limit: Duration) -> Duration {
        let (.., took) = timed(limit, "the other replica leads", || {
            follower.leads().then_some(())
        });
        self.scene.accepted("HTTPRoute", "later");
        within(PATIENCE, "its write is counted", || {
            (follower.writes() > 0.0).then_some(())
        });
        took
    }
}

/// Counts are taken once a second: who sees the same after more than that sees all.
const COUNTED: Duration = Duration::from_millis(1_500);
