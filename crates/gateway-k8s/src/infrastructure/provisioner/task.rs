//! The task that makes objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::model::ObjectName;
use k8s_openapi::api::rbac::v1::Subject;
use kube::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::metadata::foreign;
use super::super::object::{Key, Made, Objects, Seen};
use super::super::slices::endpoints;
use super::super::steps::{Step, steps};
use super::super::{Blueprint, Exposure, Needed, desired};
use super::calls::{self, is_refusal};
use super::subjects::{permit, readers};
use super::{Asked, Hindrances};
use crate::verdict::{Problem, Reason};
use crate::world::World;

pub(super) struct Task {
    client: Client,
    blueprint: Blueprint,
    namespaces: Vec<String>,
    tell: watch::Sender<Hindrances>,
    /// What was made here, as it is; nothing, until it was looked at.
    seen: Option<Seen>,
    /// When it was looked at the last time, or there was no reason to.
    looked: Instant,
    /// Who may read, if it was made so since that.
    readers: Option<Vec<Subject>>,
    /// Whether what other exposures have left was looked for since it leads.
    has_swept: bool,
}

/// Why Gateways do not have what they need.
type Found = BTreeMap<ObjectName, Problem>;

impl Task {
    pub(super) fn new(
        client: Client,
        blueprint: Blueprint,
        namespaces: Vec<String>,
        tell: watch::Sender<Hindrances>,
    ) -> Self {
        Self {
            client,
            blueprint,
            namespaces,
            tell,
            seen: None,
            looked: Instant::now(),
            readers: None,
            has_swept: false,
        }
    }

    pub(super) async fn run(mut self, mut asked: watch::Receiver<Asked>) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let now = asked.borrow_and_update().clone();
            let settled = self.settle(&now).await;
            let next = match &settled {
                Ok(true) => LOOK_AGAIN,
                Ok(false) | Err(_) => pause,
            };
            pause = if next == LOOK_AGAIN {
                SHORTEST_PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
            if let Err(error) = settled {
                tracing::warn!("cannot make the objects of Gateways, and tries again: {error}");
                self.forget();
                sleep(next).await;
                continue;
            }
            if next != LOOK_AGAIN {
                // What is refused is not asked for at every change.
                sleep(SHORTEST_PAUSE).await;
            }
            // Others may have changed what was made, however often something else is asked.
            let due = self.looked + next;
            tokio::select! {
                changed = asked.changed() => if changed.is_err() {
                    return;
                },
                () = sleep_until(due) => {}
            }
            if Instant::now() >= due {
                self.forget();
            }
        }
    }

    fn forget(&mut self) {
        self.seen = None;
        self.readers = None;
    }

    /// Makes what there is what there should be. Says whether it is.
    async fn settle(&mut self, asked: &Asked) -> Result<bool, kube::Error> {
        let (true, Some((needed, world))) = (asked.leads, &asked.told) else {
            // Whoever leads meanwhile may change everything.
            self.forget();
            self.looked = Instant::now();
            self.has_swept &= asked.leads;
            self.say(Found::new());
            return Ok(true);
        };
        let mut found = Found::new();
        self.look(world).await?;
        let seen = self.seen.clone().unwrap_or_default();
        let wanted = desired(needed, &self.blueprint, &seen, world);
        // Before there are pods, which would ask in vain.
        self.permit(needed, &wanted, &mut found).await?;
        self.miss_pods(needed, world, &mut found);
        let mut now = seen.clone();
        let done = self.do_all(&wanted, &seen, &mut now, &mut found).await;
        self.seen = Some(now);
        done?;

        self.has_swept = true;
        let is_done = found.is_empty();
        self.say(found);
        Ok(is_done)
    }

    /// Looks at what was made here, unless it is known.
    async fn look(&mut self, world: &World) -> Result<(), kube::Error> {
        let is_there = |key: &Key| {
            let service = world.services.get(&key.namespace, &key.name);
            key.kind != Made::Service || service.is_some()
        };
        if self
            .seen
            .as_ref()
            .is_some_and(|seen| seen.keys().all(is_there))
        {
            return Ok(());
        }
        let exposure = self.blueprint.exposure;
        let mut seen = Seen::new();
        for kind in Made::ALL {
            let is_made = kind.is_made(exposure);
            if !is_made && self.has_swept {
                continue;
            }
            for namespace in self.places() {
                // What is not permitted, nobody can have made; or it was permitted then.
                if is_made || calls::may_list(&self.client, kind, namespace).await? {
                    seen.extend(calls::list(&self.client, kind, exposure, namespace).await?);
                }
            }
        }
        self.seen = Some(seen);
        self.looked = Instant::now();
        Ok(())
    }

    /// Where objects can be of ours. In other namespaces they are those of another
    /// gateway, or may not even be read.
    fn places(&self) -> Vec<Option<&str>> {
        if self.namespaces.is_empty() {
            return vec![None];
        }
        let each = self.namespaces.iter();
        each.map(|one| Some(one.as_str())).collect()
    }

    async fn do_all(
        &self,
        wanted: &Objects,
        seen: &Seen,
        now: &mut Seen,
        found: &mut Found,
    ) -> Result<(), kube::Error> {
        let mut refused = BTreeSet::new();
        for step in steps(wanted, seen) {
            let (key, done) = match &step {
                Step::Wait(key) => (*key, Err(is_leaving(key))),
                Step::Leave(key) => (*key, Err(is_foreign(key))),
                Step::Remove(key) => (*key, self.remove(key, now).await?),
                // What could not be removed cannot be made anew.
                Step::Apply(key, _) if refused.contains(key) => continue,
                Step::Apply(key, object) => (*key, self.apply(key, object, now).await?),
            };
            if let Err(problem) = done {
                refused.insert(key);
                let gateways = wanted.get(key).map(|one| one.gateways.as_slice());
                for gateway in gateways.unwrap_or_default() {
                    found
                        .entry(gateway.clone())
                        .or_insert_with(|| problem.clone());
                }
            }
        }
        Ok(())
    }

    async fn remove(&self, key: &Key, now: &mut Seen) -> Result<Done, kube::Error> {
        let removed = calls::remove(&self.client, key).await;
        answered(removed, key, "removed").map(|done| done.map(|()| drop(now.remove(key))))
    }

    async fn apply(
        &self,
        key: &Key,
        object: &serde_json::Value,
        now: &mut Seen,
    ) -> Result<Done, kube::Error> {
        if !now.contains_key(key) && calls::is_there(&self.client, key).await? {
            return Ok(Err(is_foreign(key)));
        }
        let applied = calls::apply(&self.client, key, object).await;
        answered(applied, key, "made")
            .map(|done| done.map(|object| drop(now.insert(key.clone(), object))))
    }

    /// Lets the pods of Gateways read what they have to.
    async fn permit(
        &mut self,
        needed: &[Needed],
        wanted: &Objects,
        found: &mut Found,
    ) -> Result<(), kube::Error> {
        let is_dedicated = self.blueprint.exposure == Exposure::Dedicated;
        let readers = if is_dedicated {
            readers(needed, wanted)
        } else {
            Vec::new()
        };
        let is_known = self.readers.as_ref() == Some(&readers);
        if is_known || !is_dedicated && self.has_swept {
            return Ok(());
        }
        match permit(&self.client, &readers, &self.namespaces).await? {
            None => self.readers = Some(readers),
            Some(problem) => {
                for one in needed {
                    found
                        .entry(one.gateway.clone())
                        .or_insert_with(|| problem.clone());
                }
            }
        }
        Ok(())
    }

    /// Tells Gateways of load balancers that lead nowhere.
    fn miss_pods(&self, needed: &[Needed], world: &World, found: &mut Found) {
        let pods = &self.blueprint.pods;
        let shares_pods = self.blueprint.exposure == Exposure::Services;
        if !shares_pods || !endpoints(pods, world).is_empty() {
            return;
        }
        for one in needed.iter().filter(|one| !one.is_held) {
            let message =
                format!("its load balancer leads nowhere: Service {pods} has no endpoint");
            let problem = Problem::new(Reason::NoResources, message);
            let problem =
                problem.remedy("name the Service of this gateway's pods with --pod-service");
            found.entry(one.gateway.clone()).or_insert(problem);
        }
    }

    /// Tells what is in the way, if it is something else than before.
    fn say(&self, found: Found) {
        self.tell.send_if_modified(|told| {
            let is_news = **told != found;
            if is_news {
                for (gateway, problem) in &found {
                    if told.get(gateway) != Some(problem) {
                        tracing::warn!("Gateway {gateway} lacks something: {problem}");
                    }
                }
                *told = Arc::new(found);
            }
            is_news
        });
    }
}

/// What became of a step; or why nothing.
type Done<T = ()> = Result<T, Problem>;

/// What an answer means for the object alone. Other errors are those of the way to the
/// API server.
fn answered<T>(
    answer: Result<T, kube::Error>,
    key: &Key,
    what: &str,
) -> Result<Done<T>, kube::Error> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(error) if is_refusal(&error) => {
            let message = format!("{} cannot be {what}: {error}", called(key));
            Ok(Err(Problem::new(Reason::NoResources, message)))
        }
        Err(error) => Err(error),
    }
}

fn is_foreign(key: &Key) -> Problem {
    foreign(key.kind.kind(), &key.namespace, &key.name)
}

fn is_leaving(key: &Key) -> Problem {
    let message = format!("{} is being removed", called(key));
    let problem = Problem::new(Reason::NoResources, message);
    problem.remedy("wait for it; then it is made anew")
}

fn called(key: &Key) -> String {
    let (namespace, name) = (&key.namespace, &key.name);
    format!("{} {namespace}/{name}", key.kind.kind())
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often it is looked whether others have changed what was made.
const LOOK_AGAIN: Duration = Duration::from_secs(45);
