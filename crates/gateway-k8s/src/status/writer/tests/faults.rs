//! Others who write, and servers that do not work.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::super::double::{Double, Fate};
use super::{OURS, Rig, fails, ms, secs, slow};
use crate::api::{Gateway, HttpRoute};

/// Writes an entry of its own into every status, as another controller does.
async fn other_controller(server: Double, path: String, every: Duration, times: u64) {
    for number in 0..times {
        let mut object = server.get(&path).unwrap();
        let status = &mut object["status"];
        if status.is_null() {
            *status = json!({ "parents": [] });
        }
        let parents = status["parents"].as_array_mut().unwrap();
        let theirs = json!({ "controllerName": "example.com/theirs", "number": number });
        match parents.iter_mut().find(|one| one["controllerName"] != OURS) {
            Some(entry) => {
                // What was written the last time is still there.
                assert_eq!(entry["number"], number - 1);
                *entry = theirs;
            }
            None => {
                assert_eq!(number, 0);
                parents.push(theirs);
            }
        }
        server.put(&path, object);
        sleep(every).await;
    }
}

#[tokio::test(start_paused = true)]
async fn entries_of_another_controller_survive_a_busy_minute() {
    let mut rig = Rig::leading();
    let path = rig.object::<HttpRoute>("cart");
    let mut slowness = 0;
    rig.server.script(move |_, _| {
        slowness = (slowness + 7) % 60;
        slow(slowness)
    });
    let other = other_controller(rig.server.clone(), path.clone(), ms(50), 1_200);
    let other = tokio::spawn(other);

    for generation in 1..=240 {
        rig.accept("cart", generation, "fine");
        rig.pass(ms(250), ms(30)).await;
    }
    other.await.unwrap();
    rig.pass(secs(5), ms(30)).await;

    let parents = rig.parents(&path);
    let ours: Vec<_> = parents.as_array().unwrap().iter().collect();
    assert_eq!(ours.len(), 2);
    let mine = ours
        .iter()
        .find(|one| one["controllerName"] == OURS)
        .unwrap();
    assert_eq!(mine["conditions"][0]["observedGeneration"], 240);
    assert!(rig.writer.metrics().conflicts > 0);
    assert_eq!(rig.server.most_calls().1, 1);
}

#[tokio::test(start_paused = true)]
async fn conflicts_end_with_what_was_asked_for() {
    let mut rig = Rig::leading();
    let path = rig.route("cart");
    let mut left = 40;
    rig.server.script(move |method, _| {
        if *method == Method::PUT && left > 0 {
            left -= 1;
            return fails(409);
        }
        Fate::default()
    });

    rig.look();
    sleep(secs(60)).await;

    assert_eq!(rig.parents(&path)[0]["controllerName"], OURS);
    assert_eq!(rig.writer.metrics().conflicts, 40);
    assert_eq!(rig.server.count(&Method::GET, ""), 40);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_is_left_alone_and_found_again() {
    let mut rig = Rig::leading();
    for number in 0..500 {
        rig.route(&format!("route-{number}"));
    }
    let back = Instant::now() + secs(300);
    rig.server.script(move |_, _| {
        if Instant::now() < back {
            fails(503)
        } else {
            Fate::default()
        }
    });

    rig.pass(secs(299), secs(1)).await;
    let tries = rig.writes();
    assert!(tries < 100, "{tries}");
    rig.pass(secs(40), ms(100)).await;

    let written = rig.writer.metrics().written;
    assert_eq!(written, 500);
    assert_eq!(rig.writer.metrics().pending, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_came_is_not_taken_for_a_failure_of_the_write() {
    let mut rig = Rig::leading();
    let path = rig.route("cart");
    let mut first = true;
    rig.server.script(move |_, _| Fate {
        is_lost: std::mem::take(&mut first),
        ..Fate::default()
    });

    rig.look();
    sleep(secs(120)).await;
    rig.pass(secs(5), ms(100)).await;

    assert_eq!(rig.parents(&path).as_array().unwrap().len(), 1);
    assert_eq!(rig.writer.metrics().pending, 0);
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
    let mut rig = Rig::leading();
    rig.route("cart");
    let mut first = true;
    rig.server.script(move |_, _| {
        if std::mem::take(&mut first) {
            fails(429)
        } else {
            Fate::default()
        }
    });

    rig.look();
    sleep(secs(20)).await;

    let times = rig.server.times(&Method::PUT, "");
    assert_eq!(times.len(), 2);
    let waited = times[1] - times[0];
    assert!((secs(7)..ms(7_100)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_hinders_nobody_else() {
    let mut rig = Rig::leading();
    rig.route("bad");
    for number in 0..100 {
        rig.route(&format!("route-{number}"));
    }
    rig.server.script(|_, path| {
        if path.contains("bad") {
            fails(422)
        } else {
            Fate::default()
        }
    });

    rig.pass(secs(5), ms(100)).await;
    assert_eq!(rig.writer.metrics().written, 100);
    rig.pass(secs(600), secs(1)).await;
    let tries = rig.server.count(&Method::PUT, "bad") + rig.server.count(&Method::GET, "bad");
    assert!((8..40).contains(&tries), "{tries}");
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_forgotten() {
    let mut rig = Rig::leading();
    let path = rig.route("cart");
    rig.look();
    rig.server.put(&path, Value::Null);

    sleep(secs(60)).await;

    assert_eq!(rig.writes(), 1);
    assert_eq!(rig.writer.metrics().pending, 0);
}

#[tokio::test(start_paused = true)]
async fn another_object_of_the_same_name_is_judged_anew() {
    let mut rig = Rig::leading();
    let path = rig.route("cart");
    rig.pass(secs(1), ms(100)).await;

    // It was deleted and made again, which nobody has seen yet.
    rig.server.put(&path, Value::Null);
    rig.object::<HttpRoute>("cart");
    rig.accept("cart", 2, "of the old one");
    rig.tell();
    sleep(secs(5)).await;
    assert!(rig.parents(&path).is_null());

    rig.accept("cart", 1, "of the new one");
    rig.pass(secs(5), ms(100)).await;
    let said = &rig.parents(&path)[0]["conditions"][0]["message"];
    assert_eq!(said, "of the new one");
}

#[tokio::test(start_paused = true)]
async fn a_field_that_the_server_throws_away_is_not_written_for_ever() {
    let mut rig = Rig::leading();
    rig.server.prunes(&["listeners"]);
    rig.object::<Gateway>("web");
    rig.attach("web", 1);
    rig.pass(secs(60), ms(100)).await;
    let writes = rig.writes();
    assert!(writes <= 2, "{writes}");

    // A new leader may try it once more.
    rig.writer.lead(false);
    sleep(ms(1)).await;
    rig.writer.lead(true);
    rig.pass(secs(60), ms(100)).await;
    assert!(rig.writes() <= writes + 1);

    rig.attach("web", 2);
    rig.pass(secs(60), ms(100)).await;
    assert!(rig.writes() <= writes + 2);
}
