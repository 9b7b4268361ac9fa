//! The tasks that follow, each with what it is for.

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use kube::Api;
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

use super::definitions::{DefinitionFollower, Definitions};
use super::discover::Installed;
use super::follow::Following;
use super::kinds::Watched;
use super::objects::ObjectFollower;
use super::pulse::Pulse;
use super::raw::Raw;
use super::supervise::Supervisor;

/// The tasks that follow.
pub(super) struct Watches {
    pub(super) context: Supervisor,
    tasks: JoinSet<()>,
    duties: HashMap<Id, Duty>,
    /// The kinds that are followed, and in which version.
    followed: BTreeMap<usize, (Arc<str>, Vec<AbortHandle>)>,
    /// The kinds of them that were not found, and since when.
    absent: BTreeMap<usize, Instant>,
    pub(super) definitions: watch::Sender<Definitions>,
    /// How often a kind was missing that was thought to be installed.
    pub(super) missing: watch::Sender<u64>,
    pub(super) pulse: Pulse,
}

/// What a task is for.
#[derive(Clone)]
pub(super) enum Duty {
    Pulse,
    Definitions,
    Objects {
        kind: usize,
        version: Arc<str>,
        scope: usize,
    },
}

impl Watches {
    pub(super) fn new(context: Supervisor) -> Self {
        let mut watches = Self {
            context,
            tasks: JoinSet::new(),
            duties: HashMap::new(),
            followed: BTreeMap::new(),
            absent: BTreeMap::new(),
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
    pub(super) fn obey(&mut self, installed: &Installed, definitions: &Definitions) -> bool {
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
                (None, Some(_)) if is_defined != Some(true) => {
                    if is_defined == Some(false) || self.is_gone(kind) {
                        self.forget(kind);
                    } else {
                        is_settled = false;
                    }
                    continue;
                }
                (Some(_) | None, _) => {}
            }
            self.absent.remove(&kind);
            is_settled &= is_defined.is_none_or(|defined| defined == installed.contains_key(&kind));
        }
        is_settled
    }

    /// Says what was found.
    pub(super) fn tell(&self, definitions: &Definitions) {
        let releases = definitions.releases();
        self.context.state.send_if_modified(|state| {
            let is_first = state.set_discovered();
            state.set_bundle_versions(releases) || is_first
        });
    }

    fn follow(&mut self, kind: usize, version: Arc<str>) {
        self.end(kind);
        let scopes = match self.context.settings.places(&Watched::all()[kind]) {
            Some(namespaces) => namespaces.len(),
            None => 1,
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

    /// Whether a kind was not found for so long that it is not there: an API server that
    /// begins again does not know all it serves at once.
    fn is_gone(&mut self, kind: usize) -> bool {
        let since = self.absent.entry(kind).or_insert_with(Instant::now);
        since.elapsed() >= ABSENT
    }

    fn forget(&mut self, kind: usize) {
        self.absent.remove(&kind);
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
        let places = self.context.settings.places(&Watched::all()[kind]);
        let namespace = places.and_then(|namespaces| namespaces.into_iter().nth(scope));
        ObjectFollower {
            kind,
            version: Arc::clone(version),
            scope,
            namespace,
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
    pub(super) async fn ended(&mut self) -> Duty {
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

    pub(super) fn restart(&mut self, duty: Duty) {
        let handle = self.start(duty.clone());
        if let Duty::Objects { kind, scope, .. } = duty
            && let Some((_, handles)) = self.followed.get_mut(&kind)
            && let Some(place) = handles.get_mut(scope)
        {
            *place = handle;
        }
    }
}

/// How long a kind is not found where its definition cannot be looked at, before it is
/// taken to be gone.
const ABSENT: Duration = Duration::from_secs(10);
