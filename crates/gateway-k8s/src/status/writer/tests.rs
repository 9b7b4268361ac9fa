use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::Observed;
use super::super::double::{Double, Fate};
use super::*;
use crate::api::{Gateway, HttpRoute, ParentReference};
use crate::verdict::{
    Condition, ConditionType, Decision, GatewayVerdict, ListenerVerdict, ParentVerdict, Reason,
    RouteVerdict, Verdict,
};
use crate::world::{Kind, ObjectRef};

const OURS: &str = "example.com/ours";

/// A server with objects, a writer, and something like watches between them.
struct Rig {
    server: Double,
    writer: StatusWriter,
    verdicts: Verdicts,
    statuses: Statuses,
    known: BTreeMap<String, ObjectRef>,
    seen: u64,
}

impl Rig {
    fn new() -> Self {
        Self::with(WriterSettings::new(OURS))
    }

    fn with(settings: WriterSettings) -> Self {
        let server = Double::new();
        Self {
            writer: StatusWriter::new(server.client(), settings),
            server,
            verdicts: Verdicts::default(),
            statuses: Statuses::default(),
            known: BTreeMap::new(),
            seen: 0,
        }
    }

    fn leading() -> Self {
        let rig = Self::new();
        rig.writer.lead(true);
        rig
    }

    /// Puts a route there, and decides that it is fine.
    fn route(&mut self, name: &str) -> String {
        let path = self.object::<HttpRoute>(name);
        self.accept(name, 1, "fine");
        path
    }

    fn object<T: Kind>(&mut self, name: &str) -> String {
        let object = ObjectRef::new::<T>("shop", name);
        let path = path::<T>(name);
        let value = json!({ "metadata": { "name": name }, "spec": {} });
        self.server.put(&path, value);
        self.known.insert(path.clone(), object);
        path
    }

    fn accept(&mut self, name: &str, generation: i64, summary: &'static str) {
        let condition = Condition::good(ConditionType::Accepted, Reason::Accepted, summary);
        let parent = ParentVerdict {
            parent: ParentReference {
                name: "web".to_owned(),
                ..ParentReference::default()
            },
            conditions: vec![condition],
        };
        let parents = vec![parent];
        let decision = Decision::Route(Arc::new(RouteVerdict { parents }));
        self.decide::<HttpRoute>(name, generation, decision);
    }

    fn attach(&mut self, name: &str, attached_routes: u32) {
        let condition = Condition::good(ConditionType::Accepted, Reason::Accepted, "fine");
        let listener = ListenerVerdict {
            name: "http".into(),
            port: 80,
            datagrams: false,
            supported_kinds: Vec::new(),
            attached_routes,
            certificates: Vec::new(),
            conditions: vec![condition.clone()],
        };
        let verdict = GatewayVerdict {
            conditions: vec![condition],
            listeners: vec![listener],
            addresses: Vec::new(),
            attached_listener_sets: 0,
        };
        self.decide::<Gateway>(name, 1, Decision::Gateway(Arc::new(verdict)));
    }

    fn decide<T: Kind>(&mut self, name: &str, generation: i64, decision: Decision) {
        self.verdicts.put(Verdict {
            object: ObjectRef::new::<T>("shop", name),
            generation: Some(generation),
            decision,
            warnings: Arc::default(),
        });
    }

    /// Sees what is there, as watches do, and tells the writer.
    fn look(&mut self) {
        let seen = std::mem::replace(&mut self.seen, self.server.revision());
        for (path, value) in self.server.changes_since(seen) {
            let Some(object) = self.known.get(&path) else {
                continue;
            };
            let Some(value) = value else {
                self.statuses.remove(object);
                continue;
            };
            let version = value["metadata"]["resourceVersion"].as_str().unwrap();
            self.statuses.insert(Observed {
                object: object.clone(),
                uid: value["metadata"]["uid"].as_str().unwrap().into(),
                resource_version: version.into(),
                version: "v1".into(),
                status: value.get("status").map(|one| one.to_string().into()),
            });
        }
        self.tell();
    }

    fn tell(&self) {
        let (verdicts, statuses) = (self.verdicts.clone(), self.statuses.clone());
        self.writer.update(verdicts, statuses);
    }

    /// Lets time pass, with a look at everything each `step`.
    async fn pass(&mut self, time: Duration, step: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.look();
            sleep(step).await;
        }
    }

    fn parents(&self, path: &str) -> Value {
        self.server.get(path).unwrap()["status"]["parents"].clone()
    }

    fn writes(&self) -> usize {
        self.server.count(&Method::PUT, "")
    }
}

fn path<T: Kind>(name: &str) -> String {
    let plural = T::plural(&());
    format!("/apis/gateway.networking.k8s.io/v1/namespaces/shop/{plural}/{name}")
}

fn slow(millis: u64) -> Fate {
    Fate {
        before: ms(millis / 2),
        after: ms(millis / 2),
        ..Fate::default()
    }
}

fn fails(status: u16) -> Fate {
    Fate {
        status: Some(status),
        ..Fate::default()
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8,
        ..ProptestConfig::default()
    })]

    /// Whatever becomes of calls, and in whatever order things happen: in the end every
    /// object says what it should, and nobody's entry is lost.
    #[test]
    fn everything_is_written_in_the_end(
        fates in proptest::collection::vec((0_u64..300, 0_usize..9), 1..60),
        acts in proptest::collection::vec((0_usize..4, 0_u32..5, 0_u64..400), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(everything_is_written(fates, acts));
    }
}

async fn everything_is_written(fates: Vec<(u64, usize)>, acts: Vec<(usize, u32, u64)>) {
    let mut rig = Rig::leading();
    let names = ["a", "b", "c", "d"];
    let paths = names.map(|name| rig.object::<HttpRoute>(name));
    let mut fates = fates.into_iter();
    rig.server.script(move |_, _| {
        let Some((millis, fate)) = fates.next() else {
            return Fate::default();
        };
        let status = [
            None,
            None,
            None,
            None,
            Some(409),
            Some(500),
            Some(429),
            Some(422),
            None,
        ];
        Fate {
            status: status[fate],
            is_lost: fate == 8,
            ..slow(millis)
        }
    });
    let mut last = [None; 4];
    let mut theirs = [None; 4];

    for (generation, (object, act, wait)) in acts.into_iter().enumerate() {
        let generation = i64::try_from(generation).unwrap();
        match act {
            0 | 1 => {
                rig.accept(names[object], generation, "fine");
                last[object] = Some(generation);
            }
            2 => {
                let mut value = rig.server.get(&paths[object]).unwrap();
                let parents = value["status"]["parents"].take();
                let mut parents = parents.as_array().cloned().unwrap_or_default();
                parents.retain(|one| one["controllerName"] == OURS);
                parents.push(json!({ "controllerName": "theirs", "number": generation }));
                value["status"] = json!({ "parents": parents });
                rig.server.put(&paths[object], value);
                theirs[object] = Some(generation);
            }
            3 => rig.writer.lead(wait % 3 != 0),
            _ => rig.look(),
        }
        sleep(ms(wait)).await;
    }
    rig.writer.lead(true);
    rig.pass(secs(3_600), secs(5)).await;

    for object in 0..4 {
        let parents = rig.parents(&paths[object]);
        let empty = Vec::new();
        let parents = parents.as_array().unwrap_or(&empty);
        let of = |ours: bool| {
            parents
                .iter()
                .find(|one| (one["controllerName"] == OURS) == ours)
        };
        let ours = of(true).map(|one| one["conditions"][0]["observedGeneration"].clone());
        assert_eq!(ours, last[object].map(Value::from));
        assert_eq!(
            of(false).map(|one| one["number"].clone()),
            theirs[object].map(Value::from)
        );
    }
    assert_eq!(rig.server.most_calls().1, 1);
    assert_eq!(rig.writer.metrics().pending, 0);
}
