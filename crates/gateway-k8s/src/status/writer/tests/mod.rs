//! A server with objects, and a writer that keeps their statuses.

mod faults;
mod properties;
mod writing;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
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
            published: None,
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
