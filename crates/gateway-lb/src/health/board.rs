//! The health of many endpoints, to be shared.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;

use super::settings::{Ejection, HealthSettings};
use super::state::EndpointHealth;
use crate::balance::Outcome;
use crate::clock;
use crate::endpoint::{Endpoint, EndpointSet};
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering};

/// The health of endpoints. See the [module docs](super) for an example.
///
/// Clones share it. It knows the endpoints of the balancers that were given it, and forgets those
/// that none of them has any more.
#[derive(Clone, Debug)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: HealthSettings,
    /// Grows with every change that a balancer has to know of.
    version: AtomicU64,
    /// When the first of those ejected returns, in nanoseconds from `origin`.
    next_return: AtomicU64,
    origin: Instant,
    /// What requests read. Written together with `states`, under its lock.
    entries: ArcSwap<Entries>,
    states: Mutex<HashMap<SocketAddr, EndpointHealth>>,
}

type Entries = HashMap<SocketAddr, Arc<Entry>>;

/// What requests have to know of an endpoint, and what they leave behind.
#[derive(Debug)]
struct Entry {
    healthy: AtomicBool,
    /// Whether the last request has failed, so that a success is news.
    failing: AtomicBool,
    /// Successes that its state has not been told of; counted only if a ratio is watched.
    successes: AtomicU32,
}

impl Health {
    /// Knows no endpoint yet.
    #[must_use]
    pub fn new(settings: HealthSettings) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings,
                version: AtomicU64::new(0),
                next_return: AtomicU64::new(NEVER),
                origin: clock::now(),
                entries: ArcSwap::default(),
                states: Mutex::default(),
            }),
        }
    }

    /// Another one with these settings, whose endpoints begin as this one knows them: those that
    /// are down stay down, and those that are ejected stay so until the time that was set. Without
    /// an [`Ejection`] in the settings nobody is ejected.
    ///
    /// What it knows is for the first balancer that it is given to, and for those that come while
    /// that has the endpoint. What this one is told from now on stays here.
    #[must_use]
    pub fn renewed(&self, settings: HealthSettings) -> Self {
        let states = self.shared.states();
        let renewed = states
            .iter()
            .map(|(address, state)| (*address, state.renewed(&settings)))
            .collect();
        drop(states);
        let health = Self::new(settings);
        let mut states = health.shared.states();
        *states = renewed;
        health.shared.publish(&states, []);
        drop(states);
        health
    }

    /// Whether `other` is a clone of this, or this of it: what one is told, both know.
    #[must_use]
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &HealthSettings {
        &self.shared.settings
    }

    /// Whether the endpoint at `address` is healthy; `None` if it is not known.
    #[must_use]
    pub fn is_healthy(&self, address: SocketAddr) -> Option<bool> {
        self.return_those_due();
        let entries = self.shared.entries.load();
        entries.get(&address).map(|entry| entry.is_healthy())
    }

    /// The endpoints that balancers have at the moment, in the order of their addresses.
    #[must_use]
    pub fn endpoints(&self) -> EndpointSet {
        let entries = self.shared.entries.load();
        let used = entries.iter().filter(|(_, entry)| is_used(entry));
        used.map(|(address, _)| Endpoint::new(*address)).collect()
    }

    /// A check of the endpoint at `address` has passed or not. One that is not known is ignored.
    pub fn checked(&self, address: SocketAddr, passed: bool) {
        self.change(address, |shared, states| {
            if let Some(state) = states.get_mut(&address) {
                state.checked(&shared.settings, passed);
            }
        });
    }

    /// Nobody checks its endpoints any more: those that checks have taken down, or that none has
    /// proven yet, are up, for no check would bring them up again. Those that are ejected stay so.
    ///
    /// Call it when the last checks have ended. Endpoints that come later begin as the settings
    /// say.
    pub fn unchecked(&self) {
        let mut states = self.shared.states();
        for state in states.values_mut() {
            state.unchecked();
        }
        self.shared.publish(&states, states.keys().copied());
    }

    /// The endpoint at `address` has answered a request or failed to. One that is not known is
    /// ignored.
    pub fn report(&self, address: SocketAddr, outcome: Outcome) {
        let Some(ejection) = self.shared.settings.ejection() else {
            return;
        };
        match outcome {
            Outcome::Success => self.succeeded(ejection, address),
            Outcome::Failure => self.failed(ejection, address),
        }
    }

    fn succeeded(&self, ejection: &Ejection, address: SocketAddr) {
        let entries = self.shared.entries.load();
        let Some(entry) = entries.get(&address) else {
            return;
        };
        let is_counted = ejection.ratio().is_some();
        if is_counted {
            entry.successes.fetch_add(1, Ordering::Relaxed);
        }
        if entry.failing.load(Ordering::Relaxed) {
            self.change(address, |_, states| {
                if let Some(state) = states.get_mut(&address) {
                    // Who has failed meanwhile may have counted it: then it came before that.
                    let counted = match is_counted {
                        true => entry.successes.swap(0, Ordering::Relaxed),
                        false => 1,
                    };
                    state.succeeded(ejection, counted, clock::now());
                }
            });
        }
    }

    fn failed(&self, ejection: &Ejection, address: SocketAddr) {
        let now = clock::now();
        self.change(address, |shared, states| {
            let entries = shared.entries.load();
            let used = entries.values().filter(|entry| is_used(entry)).count();
            let ejected = zip_used(&entries, states)
                .filter(|state| state.ejected_until().is_some_and(|until| until > now))
                .count();
            let (Some(entry), Some(state)) = (entries.get(&address), states.get_mut(&address))
            else {
                return;
            };
            state.succeeded(ejection, entry.successes.swap(0, Ordering::Relaxed), now);
            state.failed(ejection, now, ejected < ejection.most(used));
        });
    }

    /// Changes the state of the endpoint at `address`, and tells everybody.
    fn change(
        &self,
        address: SocketAddr,
        change: impl FnOnce(&Shared, &mut HashMap<SocketAddr, EndpointHealth>),
    ) {
        let mut states = self.shared.states();
        change(&self.shared, &mut states);
        self.shared.publish(&states, [address]);
    }

    /// Lets those return whose time has come. Reads one number if nobody is ejected.
    fn return_those_due(&self) {
        let due = self.shared.next_return.load(Ordering::Relaxed);
        if due == NEVER {
            return;
        }
        let now = clock::now();
        if self.shared.nanos(now) < due {
            return;
        }
        let mut states = self.shared.states();
        for state in states.values_mut() {
            state.advance(now);
        }
        self.shared.publish(&states, states.keys().copied());
    }

    /// The health of `endpoints`, which are known for as long as somebody keeps the answer.
    pub(crate) fn watch(&self, endpoints: &EndpointSet) -> Watched {
        let shared = &self.shared;
        let mut states = shared.states();
        let before = shared.entries.load_full();
        let mut entries: Entries = before
            .iter()
            .filter(|(_, entry)| is_used(entry))
            .map(|(address, entry)| (*address, Arc::clone(entry)))
            .collect();
        // `before` holds a handle too, so from here on only the counts of `before` tell. Who was
        // never there is inherited.
        states.retain(|address, _| entries.contains_key(address) || !before.contains_key(address));

        let watched = endpoints
            .iter()
            .map(|endpoint| {
                let address = endpoint.address();
                let entry = entries.entry(address).or_insert_with(|| {
                    let new = || EndpointHealth::new(&shared.settings);
                    let state = states.entry(address).or_insert_with(new);
                    Arc::new(Entry::of(state))
                });
                Arc::clone(entry)
            })
            .collect();
        states.retain(|address, _| entries.contains_key(address));
        let version = shared.version.load(Ordering::Acquire);
        shared.entries.store(Arc::new(entries));
        Watched {
            health: self.clone(),
            entries: watched,
            version,
        }
    }
}

impl Shared {
    fn states(&self) -> MutexGuard<'_, HashMap<SocketAddr, EndpointHealth>> {
        // A state is valid after every step, so a panic elsewhere leaves nothing half done.
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `states` known to those who only read.
    fn publish(
        &self,
        states: &HashMap<SocketAddr, EndpointHealth>,
        changed: impl IntoIterator<Item = SocketAddr>,
    ) {
        let entries = self.entries.load();
        let mut news = false;
        for address in changed {
            if let (Some(entry), Some(state)) = (entries.get(&address), states.get(&address)) {
                entry.failing.store(state.is_failing(), Ordering::Relaxed);
                let healthy = state.is_healthy();
                news |= entry.healthy.swap(healthy, Ordering::Relaxed) != healthy;
            }
        }
        let next = states
            .values()
            .filter_map(EndpointHealth::ejected_until)
            .min();
        self.next_return.store(
            next.map_or(NEVER, |next| self.nanos(next)),
            Ordering::Relaxed,
        );
        if news {
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    fn nanos(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin);
        u64::try_from(since.as_nanos()).unwrap_or(NEVER - 1)
    }
}

impl Entry {
    fn of(state: &EndpointHealth) -> Self {
        Self {
            healthy: AtomicBool::new(state.is_healthy()),
            failing: AtomicBool::new(state.is_failing()),
            successes: AtomicU32::new(0),
        }
    }

    fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }
}

/// The health of the endpoints of one set.
#[derive(Debug)]
pub(crate) struct Watched {
    health: Health,
    /// In the order of the set.
    entries: Arc<[Arc<Entry>]>,
    version: u64,
}

impl Watched {
    /// Whether it may be other than when this was made.
    pub(crate) fn has_changed(&self) -> bool {
        self.health.return_those_due();
        self.health.shared.version.load(Ordering::Acquire) != self.version
    }

    /// The same endpoints as they are now.
    pub(crate) fn again(&self) -> Self {
        Self {
            health: self.health.clone(),
            entries: Arc::clone(&self.entries),
            version: self.health.shared.version.load(Ordering::Acquire),
        }
    }

    /// Whether the endpoint at `index` of the set is healthy.
    pub(crate) fn is_healthy(&self, index: usize) -> bool {
        self.entries
            .get(index)
            .is_none_or(|entry| entry.is_healthy())
    }
}

/// Whether a balancer has it; the map itself keeps one handle.
fn is_used(entry: &Arc<Entry>) -> bool {
    Arc::strong_count(entry) > 1
}

/// The states of those that balancers have.
fn zip_used<'a>(
    entries: &'a Entries,
    states: &'a HashMap<SocketAddr, EndpointHealth>,
) -> impl Iterator<Item = &'a EndpointHealth> {
    entries
        .iter()
        .filter(|(_, entry)| is_used(entry))
        .filter_map(|(address, _)| states.get(address))
}

const NEVER: u64 = u64::MAX;
