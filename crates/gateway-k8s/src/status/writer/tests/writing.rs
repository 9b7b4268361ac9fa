//! What is written, and how often.

use http::Method;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{OURS, Rig, ms, secs, slow};
use crate::api::Gateway;
use crate::verdict::Verdicts;

#[tokio::test(start_paused = true)]
async fn a_status_is_written_at_once_and_once() {
    let mut rig = Rig::leading();
    let path = rig.route("cart");

    rig.look();
    sleep(ms(5)).await;

    assert_eq!(rig.parents(&path)[0]["controllerName"], OURS);
    rig.pass(secs(5), ms(100)).await;
    assert_eq!(rig.writes(), 1);
    assert_eq!(rig.writer.metrics().written, 1);
    assert_eq!(rig.writer.metrics().pending, 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_writes_who_does_not_lead() {
    let mut rig = Rig::new();
    let path = rig.route("cart");
    rig.pass(secs(60), secs(1)).await;
    assert_eq!(rig.writes(), 0);

    rig.writer.lead(true);
    sleep(ms(5)).await;
    assert_eq!(rig.parents(&path)[0]["controllerName"], OURS);

    rig.writer.lead(false);
    rig.accept("cart", 2, "still fine");
    rig.pass(secs(60), secs(1)).await;
    assert_eq!(rig.writes(), 1);

    rig.writer.lead(true);
    sleep(ms(5)).await;
    assert_eq!(rig.writes(), 2);
}

#[tokio::test(start_paused = true)]
async fn five_thousand_routes_take_a_write_each_and_then_there_is_peace() {
    let mut rig = Rig::leading();
    rig.server.script(|_, _| slow(20));
    for number in 0..5_000 {
        rig.route(&format!("route-{number}"));
    }

    rig.pass(secs(60), ms(200)).await;
    let writes = rig.writes();
    let (most, most_of_one) = rig.server.most_calls();
    rig.pass(secs(600), secs(1)).await;

    assert!((5_000..=6_000).contains(&writes), "{writes}");
    assert_eq!(rig.writes(), writes);
    assert_eq!((most, most_of_one), (8, 1));
    assert_eq!(rig.server.count(&Method::GET, ""), 0);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_gains_a_thousand_routes_is_written_few_times() {
    let mut rig = Rig::leading();
    rig.server.script(|_, _| slow(4));
    let path = rig.object::<Gateway>("web");
    let began = Instant::now();
    for number in 1..=1_000 {
        rig.route(&format!("route-{number}"));
        rig.attach("web", number);
        rig.look();
        sleep(ms(10)).await;
    }
    rig.pass(secs(5), ms(20)).await;

    let times = rig.server.times(&Method::PUT, "gateways");
    assert!(times.len() <= 50, "{}", times.len());
    assert!(times[0] - began < ms(10));
    let listeners = &rig.server.get(&path).unwrap()["status"]["listeners"];
    assert_eq!(listeners[0]["attachedRoutes"], 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_does_not_wait_behind_routes() {
    let mut rig = Rig::leading();
    for number in 0..2_000 {
        rig.route(&format!("route-{number}"));
    }
    rig.look();
    sleep(secs(3)).await;

    rig.object::<Gateway>("web");
    rig.attach("web", 1);
    rig.look();
    sleep(ms(50)).await;

    assert_eq!(rig.server.count(&Method::PUT, "gateways"), 1);
    assert!(rig.server.count(&Method::PUT, "httproutes") < 1_000);
}

#[tokio::test(start_paused = true)]
async fn entries_go_with_the_verdict() {
    let mut rig = Rig::leading();
    let path = rig.route("cart");
    rig.pass(secs(1), ms(100)).await;

    rig.verdicts = Verdicts::default();
    rig.pass(secs(1), ms(100)).await;

    assert_eq!(rig.parents(&path), json!([]));
    assert_eq!(rig.writes(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_once_the_writer_is_dropped() {
    let mut rig = Rig::leading();
    rig.server.script(|_, _| slow(100));
    for number in 0..100 {
        rig.route(&format!("route-{number}"));
    }
    rig.look();
    sleep(ms(60)).await;
    let Rig { writer, server, .. } = rig;
    drop(writer);
    sleep(ms(1)).await;
    let revision = server.revision();

    sleep(secs(60)).await;

    assert_eq!(server.revision(), revision);
}
