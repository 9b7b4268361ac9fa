//! An API server of a few lines, as slow and as broken as a test wants it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tower::service_fn;

/// What becomes of one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    /// How long it takes to arrive.
    pub(super) before: Duration,
    /// It is not obeyed but answered with this status.
    pub(super) status: Option<u16>,
    /// How long the answer takes.
    pub(super) after: Duration,
    /// The answer never arrives.
    pub(super) is_lost: bool,
}

type Script = Box<dyn FnMut(&Method, &str) -> Fate + Send>;

/// The server. Clones are the same one.
#[derive(Clone)]
pub(super) struct Double(Arc<Mutex<State>>);

struct State {
    objects: BTreeMap<String, Value>,
    revision: u64,
    /// What was changed, by revision.
    changes: BTreeMap<u64, String>,
    script: Script,
    log: Vec<(Instant, Method, String)>,
    /// Calls under way, by object.
    calls: BTreeMap<String, usize>,
    most_calls: usize,
    most_calls_of_one: usize,
    /// Fields of a status that it does not know.
    unknown: Vec<&'static str>,
    is_detached: bool,
}

impl Double {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            objects: BTreeMap::new(),
            revision: 100,
            changes: BTreeMap::new(),
            script: Box::new(|_, _| Fate::default()),
            log: Vec::new(),
            calls: BTreeMap::new(),
            most_calls: 0,
            most_calls_of_one: 0,
            unknown: Vec::new(),
            is_detached: false,
        })))
    }

    pub(super) fn client(&self) -> kube::Client {
        let server = self.clone();
        let service = service_fn(move |request| {
            let server = server.clone();
            async move {
                let is_detached = server.state().is_detached;
                let call = server.serve(request);
                let response = if is_detached {
                    tokio::spawn(call).await.unwrap()
                } else {
                    call.await
                };
                Ok::<_, Infallible>(response)
            }
        });
        kube::Client::new(service, "default")
    }

    /// Decides what becomes of every call from now on.
    pub(super) fn script(&self, script: impl FnMut(&Method, &str) -> Fate + Send + 'static) {
        self.state().script = Box::new(script);
    }

    /// Throws away these fields of statuses, as a CRD does that has none of them.
    pub(super) fn prunes(&self, fields: &[&'static str]) {
        self.state().unknown = fields.to_vec();
    }

    /// Obeys calls also when the caller has given up waiting.
    pub(super) fn outlives_callers(&self) {
        self.state().is_detached = true;
    }

    pub(super) fn get(&self, path: &str) -> Option<Value> {
        self.state().objects.get(path).cloned()
    }

    /// What was changed after a revision, as it is now.
    pub(super) fn changes_since(&self, revision: u64) -> BTreeMap<String, Option<Value>> {
        let state = self.state();
        let changed = state.changes.range(revision + 1..);
        changed
            .map(|(_, path)| (path.clone(), state.objects.get(path).cloned()))
            .collect()
    }

    pub(super) fn revision(&self) -> u64 {
        self.state().revision
    }

    /// Puts an object there, whatever was there.
    pub(super) fn put(&self, path: &str, object: Value) {
        let mut state = self.state();
        if object.is_null() {
            state.revision += 1;
            let revision = state.revision;
            state.changes.insert(revision, path.to_owned());
            state.objects.remove(path);
        } else {
            state.store(path, object);
        }
    }

    /// How often such calls arrived, of those whose path contains a text.
    pub(super) fn count(&self, method: &Method, text: &str) -> usize {
        let state = self.state();
        let meant = state.log.iter();
        meant
            .filter(|(_, known, path)| known == method && path.contains(text))
            .count()
    }

    /// When calls arrived, of those whose path contains a text.
    pub(super) fn times(&self, method: &Method, text: &str) -> Vec<Instant> {
        let state = self.state();
        let meant = state.log.iter();
        let meant = meant.filter(|(_, known, path)| known == method && path.contains(text));
        meant.map(|(at, ..)| *at).collect()
    }

    /// The most calls that were under way at once, in all and for one object.
    pub(super) fn most_calls(&self) -> (usize, usize) {
        let state = self.state();
        (state.most_calls, state.most_calls_of_one)
    }

    async fn serve(self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let object = path.strip_suffix("/status").unwrap_or(&path).to_owned();
        let body = body.collect_bytes().await.unwrap();
        let fate = {
            let mut state = self.state();
            *state.calls.entry(object.clone()).or_default() += 1;
            let (all, one) = (state.calls.values().sum(), state.calls[&object]);
            state.most_calls = state.most_calls.max(all);
            state.most_calls_of_one = state.most_calls_of_one.max(one);
            (state.script)(&parts.method, &path)
        };
        let _under_way = UnderWay(self.clone(), object.clone());

        sleep(fate.before).await;
        let (status, answer) = {
            let mut state = self.state();
            let call = (Instant::now(), parts.method.clone(), path.clone());
            state.log.push(call);
            match fate.status {
                Some(status) => (status, json!({ "kind": "Status", "message": "as told" })),
                None => state.obey(&parts.method, &path, &object, &body),
            }
        };
        if fate.is_lost {
            std::future::pending::<()>().await;
        }
        sleep(fate.after).await;
        let mut response = Response::new(Body::from(answer.to_string().into_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if status == 429 {
            response.headers_mut().insert("retry-after", 7.into());
        }
        response
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn obey(&mut self, method: &Method, path: &str, object: &str, body: &[u8]) -> (u16, Value) {
        let sent: Value = serde_json::from_slice(body).unwrap_or_default();
        let known = self.objects.get(object).cloned();
        let conflict = (409, json!({ "message": "conflict" }));

        match (method.clone(), known) {
            (Method::GET, Some(known)) => (200, known),
            (Method::POST, _) => {
                let path = format!("{path}/{}", sent["metadata"]["name"].as_str().unwrap());
                if self.objects.contains_key(&path) {
                    return conflict;
                }
                (201, self.store(&path, sent))
            }
            // Of merging it knows no more than whole fields.
            (Method::PATCH, Some(mut known)) => {
                let fields = sent.as_object().into_iter().flatten();
                for (name, value) in fields {
                    known[name] = value.clone();
                }
                (200, self.store(object, known))
            }
            (Method::PUT, Some(known)) => {
                let meta = |key: &str| sent["metadata"].get(key) == known["metadata"].get(key);
                if !meta("resourceVersion") || !meta("uid") {
                    return conflict;
                }
                let mut next = known.clone();
                if path.ends_with("/status") {
                    next["status"] = sent["status"].clone();
                    for field in &self.unknown {
                        next["status"].as_object_mut().unwrap().remove(*field);
                    }
                } else {
                    next["spec"] = sent["spec"].clone();
                }
                if next == known {
                    return (200, known);
                }
                (200, self.store(object, next))
            }
            _ => (404, json!({ "message": "not found" })),
        }
    }

    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = format!("uid-{}", self.revision).into();
        }
        self.changes.insert(self.revision, path.to_owned());
        self.objects.insert(path.to_owned(), object.clone());
        object
    }
}

/// A call that ends with its future, however that ends.
struct UnderWay(Double, String);

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(count) = self.0.state().calls.get_mut(&self.1) {
            *count -= 1;
        }
    }
}
