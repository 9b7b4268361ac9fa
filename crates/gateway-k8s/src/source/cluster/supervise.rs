//! Which kinds are followed, and who does it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::sleep;

use super::definitions::{DefinitionFollower, Definitions};
use super::discover::{Installed, discover};
use super::failure::Failure;
use super::follow::Following;
use super::kinds::Watched;
use super::objects::ObjectFollower;
use super::pace::Pace;
use super::pulse::Pulse;
use super::raw::Raw;
use super::state::State;

/// What following needs.
#[derive(Clone)]
pub(super) struct Supervisor {
    pub(super) client: Client,
    /// The namespaces that are looked at; none for all.
    pub(super) namespaces: Arc<[String]>,
    pub(super) state: watch::Sender<State>,
}

/// Until when to leave what is followed as it is.
enum Until {
    /// Something is heard of.
    News,
    /// Then, or something is heard of.
    Then(Duration),
    /// The API server may be able to answer, or something is heard of.
    Answer(Duration, Failure),
}

impl Supervisor {
    /// Follows what the cluster has, for ever. Dropping this ends it.
    pub(super) async fn run(self) {
        let mut watches = Watches::new(self);
        let pulse = watches.pulse.clone();
        let mut definitions = watches.definitions.subscribe();
        let mut missing = watches.missing.subscribe();
        let mut pace = Pace::new();
        let mut soon = SOON;
        loop {
            let until = match discover(&watches.context.client).await {
                Ok(installed) => {
                    let known = definitions.borrow_and_update().clone();
                    let is_settled = watches.obey(&installed, &known);
                    watches.tell(&known);
                    soon = if is_settled {
                        SOON
                    } else {
                        (soon * 2).min(POLL)
                    };
                    match (known.are_hidden, is_settled) {
                        (true, _) => Until::Then(POLL),
                        (false, true) => Until::News,
                        (false, false) => Until::Then(soon),
                    }
                }
                Err(failure) => Until::Answer(pace.delay(failure.retry_after()), failure),
            };
            tokio::select! {
                () = until.wait(&pulse) => {}
                _ = definitions.changed() => sleep(BURST).await,
                _ = missing.changed() => sleep(BURST).await,
                duty = watches.ended() => {
                    tracing::error!("a watch ended by a fault of this program; it begins again");
                    sleep(SOON).await;
                    watches.restart(duty);
                }
            }
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("namespaces", &self.namespaces)
            .finish_non_exhaustive()
    }
}

impl Until {
    async fn wait(&self, pulse: &Pulse) {
        match self {
            Self::News => pending().await,
            Self::Then(delay) => sleep(*delay).await,
            Self::Answer(delay, failure) => pulse.wait(*delay, failure).await,
        }
    }
}

/// The tasks that follow.
struct Watches {
    context: Supervisor,
    tasks: JoinSet<()>,
    duties: HashMap<Id, Duty>,
    /// The kinds that are followed, and in which version.
    followed: BTreeMap<usize, (Arc<str>, Vec<AbortHandle>)>,
    definitions: watch::Sender<Definitions>,
    missing: watch::Sender<u64>,
    pulse: Pulse,
}

/// What a task is for.
#[derive(Clone)]
enum Duty {
    Pulse,
    Definitions,
    Objects {
        kind: usize,
        version: Arc<str>,
        scope: usize,
    },
}

impl Watches {
    fn new(context: Supervisor) -> Self {
        let mut watches = Self {
            context,
            tasks: JoinSet::new(),
            duties: HashMap::new(),
            followed: BTreeMap::new(),
            definitions: watch::Sender::default(),
            missing: watch::Sender::default(),
            pulse: Pulse::new(),
        };
        watches.start(Duty::Pulse);
        watches.start(Duty::Definitions);
        for (kind, watched) in Watched::all().iter().enumerate() {
            if watched.is_built_in {
                watches.follow(kind, "v1".into());
            }
        }
        watches
    }

    /// Follows the kinds that are installed and no others, and says whether that is
    /// all that is to be expected.
    fn obey(&mut self, installed: &Installed, definitions: &Definitions) -> bool {
        let mut is_settled = true;
        for (kind, watched) in Watched::all().iter().enumerate() {
            if watched.is_built_in {
                continue;
            }
            let is_defined = definitions.has(watched);
            let followed = self.followed.get(&kind).map(|(version, _)| &**version);
            match (installed.get(&kind).map(String::as_str), followed) {
                (Some(version), followed) if followed != Some(version) => {
                    self.follow(kind, version.into());
                }
                // What is defined may be served again in a moment.
                (None, Some(_)) if is_defined != Some(true) => self.forget(kind),
                (Some(_) | None, _) => {}
            }
            is_settled &= is_defined.is_none_or(|defined| defined == installed.contains_key(&kind));
        }
        is_settled
    }

    /// Says what was found.
    fn tell(&self, definitions: &Definitions) {
        let release = definitions.release();
        self.context.state.send_if_modified(|state| {
            let is_first = state.set_discovered();
            state.set_bundle_version(release) || is_first
        });
    }

    fn follow(&mut self, kind: usize, version: Arc<str>) {
        self.end(kind);
        let is_restricted =
            Watched::all()[kind].reader.namespaced && !self.context.namespaces.is_empty();
        let scopes = if is_restricted {
            self.context.namespaces.len()
        } else {
            1
        };
        self.context
            .state
            .send_modify(|state| state.follow(kind, &version, scopes));
        let handles = (0..scopes).map(|scope| {
            let version = Arc::clone(&version);
            self.start(Duty::Objects {
                kind,
                version,
                scope,
            })
        });
        let handles = handles.collect();
        self.followed.insert(kind, (version, handles));
    }

    fn forget(&mut self, kind: usize) {
        self.end(kind);
        self.context.state.send_modify(|state| state.forget(kind));
    }

    fn end(&mut self, kind: usize) {
        let (_, handles) = self.followed.remove(&kind).unwrap_or_default();
        for handle in handles {
            self.duties.remove(&handle.id());
            handle.abort();
        }
    }

    fn start(&mut self, duty: Duty) -> AbortHandle {
        let client = self.context.client.clone();
        let pulse = self.pulse.clone();
        let handle = match &duty {
            Duty::Pulse => self.tasks.spawn(pulse.run(client)),
            Duty::Definitions => {
                let following = Following::<true> {
                    api: Api::all_with(client, &Definitions::resource()),
                    field_selector: None,
                    pulse,
                };
                let follower = DefinitionFollower(self.definitions.clone());
                self.tasks.spawn(following.run(follower))
            }
            Duty::Objects {
                kind,
                version,
                scope,
            } => {
                let follower = self.follower(*kind, version, *scope);
                if Watched::all()[*kind].metadata_only {
                    self.tasks
                        .spawn(self.following::<true>(&follower).run(follower))
                } else {
                    self.tasks
                        .spawn(self.following::<false>(&follower).run(follower))
                }
            }
        };
        self.duties.insert(handle.id(), duty);
        handle
    }

    fn follower(&self, kind: usize, version: &Arc<str>, scope: usize) -> ObjectFollower {
        let namespaced = Watched::all()[kind].reader.namespaced;
        let namespace = self.context.namespaces.get(scope).filter(|_| namespaced);
        ObjectFollower {
            kind,
            version: Arc::clone(version),
            scope,
            namespace: namespace.cloned(),
            state: self.context.state.clone(),
            missing: self.missing.clone(),
        }
    }

    fn following<const METADATA: bool>(&self, follower: &ObjectFollower) -> Following<METADATA> {
        let watched = &Watched::all()[follower.kind];
        let client = self.context.client.clone();
        let resource = watched.resource(&follower.version);
        let api: Api<Raw<METADATA>> = match &follower.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        Following {
            api,
            field_selector: watched.field_selector,
            pulse: self.pulse.clone(),
        }
    }

    /// Waits until a task ends, which none does by itself.
    async fn ended(&mut self) -> Duty {
        loop {
            let Some(ended) = self.tasks.join_next_with_id().await else {
                return pending().await;
            };
            let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
            // One that was ended has no duty any more.
            if let Some(duty) = self.duties.remove(&id) {
                return duty;
            }
        }
    }

    fn restart(&mut self, duty: Duty) {
        let handle = self.start(duty.clone());
        if let Duty::Objects { kind, scope, .. } = duty
            && let Some((_, handles)) = self.followed.get_mut(&kind)
            && let Some(place) = handles.get_mut(scope)
        {
            *place = handle;
        }
    }
}

/// How long after a definition changed it is first looked again whether it is served.
const SOON: Duration = Duration::from_millis(200);

/// How often to look what is installed where nothing tells of it.
const POLL: Duration = Duration::from_secs(30);

/// Definitions come in bursts.
const BURST: Duration = Duration::from_millis(50);
