//! An API server in this process, which does as it is told.
//!
//! It lists, watches and writes as a real one does, as far as the `kube` client and
//! its watchers can tell: pages, bookmarks, resource versions and their conflicts,
//! `status` apart from the rest, discovery, CustomResourceDefinitions. There is no
//! socket and no thread, so it works on a paused clock. Objects are not validated.
//!
//! # Example
//!
//! ```
//! use gateway_k8s::api::HttpRoute;
//! use gateway_k8s::testing::api_server::{ApiServer, Fault, Requests, Verb};
//! use kube::Api;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let server = ApiServer::with_gateway_api();
//! server.apply("{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute,
//!     metadata: {namespace: shop, name: cart}, spec: {}}");
//! let lists = Requests::to("httproutes").verb(Verb::List);
//! server.fault_times(1, lists.clone(), Fault::Status(500));
//!
//! let routes: Api<HttpRoute> = Api::all(server.client());
//! routes.list(&Default::default()).await.expect_err("the first time");
//! let found = routes.list(&Default::default()).await.expect("the second time");
//!
//! assert_eq!(found.items[0].metadata.name.as_deref(), Some("cart"));
//! assert_eq!(server.count(&lists), 2);
//! # }
//! ```

mod answer;
mod body;
mod definitions;
mod fault;
mod log;
mod request;
mod resources;
mod select;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

pub use self::body::AnswerBody;
pub use self::fault::Fault;
pub use self::log::{Record, Requests, Verb};

use self::fault::Trap;
use self::store::{Event, Key, Store};
use crate::world::ObjectRef;

/// An API server. Clones are the same server.
#[derive(Clone, Debug)]
pub struct ApiServer {
    store: Arc<Mutex<Store>>,
    /// How often watches had to look again.
    news: tokio::sync::watch::Sender<u64>,
}

impl ApiServer {
    /// A server with nothing but what every Kubernetes has: Namespaces, Services,
    /// EndpointSlices, Secrets, ConfigMaps, Leases, Events, Deployments,
    /// ServiceAccounts, PodDisruptionBudgets, RoleBindings, ClusterRoleBindings and
    /// CustomResourceDefinitions. There is no object at all.
    #[must_use]
    pub fn new() -> Self {
        Self {
            store: Arc::new(Mutex::new(Store::new())),
            news: tokio::sync::watch::Sender::new(0),
        }
    }

    /// A client of this server.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.clone(), "default")
    }

    /// Puts an object in, written as YAML, as `kubectl apply` does, and returns it
    /// as it now is. A `status` that is given is put in too.
    pub fn apply(&self, yaml: &str) -> Value {
        // As kubectl has it: `n` is a text.
        let options = serde_saphyr::options! { strict_booleans: true };
        let object = serde_saphyr::from_str_with_options(yaml, options);
        self.apply_value(object.unwrap_or_else(|error| panic!("{yaml}: {error}")))
    }

    /// Puts an object in, as [`apply`](Self::apply) does.
    pub fn apply_value(&self, mut object: Value) -> Value {
        let mut store = self.store();
        let key = store.key_of(&object);
        let status = object.get("status").cloned();
        if let Some(meta) = object["metadata"].as_object_mut() {
            meta.remove("resourceVersion");
            meta.remove("uid");
        }
        let put = if store.objects.contains_key(&key) {
            store.replace(key.clone(), object.clone(), false)
        } else {
            store.create(key.clone(), object.clone())
        };
        let put = put.expect("nothing was expected of the object");
        let put = match status {
            Some(status) => {
                object["status"] = status;
                let put = store.replace(key, object, true);
                put.expect("the object is there")
            }
            None => put,
        };
        drop(store);
        self.tell();
        put
    }

    /// Takes an object out, if it is there.
    pub fn delete(&self, object: &ObjectRef) {
        let mut store = self.store();
        let key = store.key(object);
        // What is not there is as it should be.
        let _ = store.delete(&key);
        drop(store);
        self.tell();
    }

    /// An object as it is.
    pub fn object(&self, object: &ObjectRef) -> Option<Value> {
        let store = self.store();
        let key = store.key(object);
        store.objects.get(&key).cloned()
    }

    /// Lets requests fail until [`heal`](Self::heal). Of two faults, the one that
    /// was laid last happens.
    pub fn fault(&self, requests: Requests, fault: Fault) {
        self.fault_times(usize::MAX, requests, fault);
    }

    /// Lets the next requests fail, so many times.
    pub fn fault_times(&self, times: usize, requests: Requests, fault: Fault) {
        let left = times;
        let trap = Trap {
            requests,
            fault,
            left,
        };
        self.store().traps.push(trap);
    }

    /// Forbids all that is asked of these kinds, by their plurals, and says so when
    /// asked: [`heal`](Self::heal) does not change that.
    pub fn forbid(&self, plurals: &[&str]) {
        let plurals = plurals.iter().map(|plural| (*plural).to_owned());
        self.store().forbidden.extend(plurals);
    }

    /// Lets nothing fail any more.
    pub fn heal(&self) {
        self.store().traps.clear();
    }

    /// Is not there, until [`heal`](Self::heal): watches end, connections are
    /// refused.
    pub fn go_away(&self) {
        self.fault(Requests::all(), Fault::Refuse);
        self.happen(None, Event::End);
    }

    /// Ends the watches of a kind, given by its plural.
    pub fn drop_watches(&self, plural: &str) {
        self.happen(Some(plural), Event::End);
    }

    /// Ends the watches of a kind in the middle of a line.
    pub fn cut_watches(&self, plural: &str) {
        self.happen(Some(plural), Event::Cut);
    }

    /// Lets the watches of a kind say nothing any more and not end, as behind a
    /// connection that broke unnoticed.
    pub fn mute_watches(&self, plural: &str) {
        self.happen(Some(plural), Event::Silence);
    }

    /// Tells the watches of a kind that they are too old: 410. They have to list.
    pub fn expire_watches(&self, plural: &str) {
        self.happen(Some(plural), Event::Gone);
    }

    /// Forgets everything that happened: 410 for every watch, and for what goes on
    /// from before.
    pub fn forget_history(&self) {
        let mut store = self.store();
        // What comes next is newer than what was listed so far.
        store.revision += 1;
        store.forgotten = store.revision;
        drop(store);
        self.happen(None, Event::Gone);
    }

    /// Sends a line to the watches of a kind, whatever it is.
    pub fn send_line(&self, plural: &str, line: &str) {
        self.happen(Some(plural), Event::Line(line.to_owned()));
    }

    /// How many such requests there were.
    pub fn count(&self, requests: &Requests) -> usize {
        let store = self.store();
        let meant = store.log.iter().filter(|record| requests.matches(record));
        meant.count()
    }

    /// Such requests, in order.
    pub fn log(&self, requests: &Requests) -> Vec<Record> {
        let store = self.store();
        let meant = store.log.iter().filter(|record| requests.matches(record));
        meant.cloned().collect()
    }

    /// Begins to count anew.
    pub fn clear_log(&self) {
        self.store().log.clear();
    }

    fn happen(&self, plural: Option<&str>, event: Event) {
        let mut store = self.store();
        let resource = plural.map(|plural| {
            let is_meant = |one: &&resources::Resource| one.plural == plural;
            let resource = store.resources.iter().find(is_meant);
            resource.expect("no such kind is served").definition()
        });
        store.happen(resource, event);
        drop(store);
        self.tell();
    }

    /// Lets watches look.
    fn tell(&self) {
        self.news.send_modify(|news| *news += 1);
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ApiServer {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// Under which name an object is kept.
    fn key_of(&self, object: &Value) -> Key {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let api_version = text(&object["apiVersion"]);
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let meta = &object["metadata"];
        self.key(&ObjectRef {
            group: group.to_owned().into(),
            kind: text(&object["kind"]).into(),
            namespace: text(&meta["namespace"]).into(),
            name: text(&meta["name"]).into(),
        })
    }

    fn key(&self, object: &ObjectRef) -> Key {
        let is_meant =
            |one: &&resources::Resource| one.group == object.group && one.kind == object.kind;
        let resource = self.resources.iter().find(is_meant);
        let Some(resource) = resource else {
            panic!("{} of {} is not served", object.kind, object.group);
        };
        let namespace = match (&*object.namespace, resource.namespaced) {
            (_, false) => "",
            ("", true) => "default",
            (namespace, true) => namespace,
        };
        (
            resource.definition(),
            namespace.to_owned(),
            object.name.to_string(),
        )
    }
}
