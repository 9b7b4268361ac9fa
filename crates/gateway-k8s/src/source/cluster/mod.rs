//! The objects of a cluster.
//!
//! A [`Cluster`] follows the kinds the gateway looks at and says when something is
//! different. One object that cannot be read never costs more than itself; a kind
//! that is not installed is not missed, and is followed as soon as it is; where the
//! API server is away, all that is known stays.
//!
//! # Permissions
//!
//! `list` and `watch` of the kinds of the Gateway API that are to be served, of
//! Services, EndpointSlices, Namespaces (their metadata), Secrets (of type
//! `kubernetes.io/tls`) and ConfigMaps; and, to notice at once when a kind is
//! installed, of CustomResourceDefinitions (their metadata). What is not permitted is
//! done without.
//!
//! # Example
//!
//! ```no_run
//! use gateway_k8s::source::cluster::{Cluster, ClusterSettings, connect};
//!
//! # async fn follow() -> Result<(), gateway_k8s::source::cluster::ConnectError> {
//! let client = connect(None).await?;
//! let mut cluster = Cluster::new(client, ClusterSettings::new());
//!
//! loop {
//!     let reading = cluster.changed().await;
//!     println!("{} HTTPRoutes", reading.world.http_routes.len());
//! }
//! # }
//! ```

mod connect;
mod definitions;
mod discover;
mod failure;
mod follow;
mod kinds;
mod lean;
mod object;
mod objects;
mod pace;
mod patience;
mod progress;
mod pulse;
mod raw;
mod reading;
mod settings;
mod state;
mod supervise;
#[cfg(test)]
mod tests;
mod watches;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

pub use self::connect::{ConnectError, connect};
pub use self::reading::{KindState, ObjectProblem, Reading, WatchedKind};
pub use self::settings::ClusterSettings;

use self::state::State;
use self::supervise::Supervisor;
use crate::world::World;

/// What was told last, and when.
#[derive(Debug)]
struct Told {
    at: Instant,
    /// How long whoever was told was busy with it; nothing, while that goes on.
    took: Option<Duration>,
    world: World,
    /// When the objects were others for the last time.
    world_at: Instant,
}

/// Follows a cluster. Dropping it ends that.
#[derive(Debug)]
pub struct Cluster {
    supervisor: Supervisor,
    task: JoinHandle<()>,
    news: watch::Receiver<State>,
    /// Whether there is something that was not told.
    is_pending: bool,
    told: Option<Told>,
    /// Since when nothing is waited for but what cannot be had.
    stuck: Option<Instant>,
}

impl Cluster {
    /// Follows the cluster of `client`, by tasks of the runtime this is called in.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(client: Client, settings: ClusterSettings) -> Self {
        let state = watch::Sender::new(State::new());
        let news = state.subscribe();
        let supervisor = Supervisor {
            client,
            settings: Arc::new(settings),
            state,
        };
        Self {
            task: tokio::spawn(supervisor.clone().run()),
            supervisor,
            news,
            is_pending: true,
            told: None,
            stuck: None,
        }
    }

    /// Waits until something is different from the last reading: an object, a status,
    /// or how watching goes.
    ///
    /// The first reading is given when every kind that is installed was listed. A kind
    /// that still may not be listed ten seconds after the others were is not waited for
    /// any longer, nor is one that still cannot be after a minute. One change is told at once; while many come, they are told together,
    /// so that from one reading to the next it is twice as long as the caller was busy
    /// with the first: one to ten milliseconds. Those of statuses keep those of objects
    /// waiting for nothing.
    ///
    /// Dropping the future loses nothing: what was to be told is told the next time.
    pub async fn changed(&mut self) -> Reading {
        if let Some(told) = &mut self.told {
            told.took.get_or_insert_with(|| told.at.elapsed());
        }
        loop {
            while !self.is_pending {
                self.wait().await;
            }
            if let Some(due) = self.due().filter(|due| *due > Instant::now()) {
                tokio::select! {
                    () = sleep_until(due) => {}
                    // It may be more urgent.
                    _ = self.news.changed() => continue,
                }
            }
            self.is_pending = false;
            if self.may_be_served() {
                let reading = self.news.borrow_and_update().reading();
                self.note(&reading);
                return reading;
            }
        }
    }

    /// How watching goes, whether or not a reading was given.
    pub fn kinds(&self) -> Vec<WatchedKind> {
        self.news.borrow().kinds()
    }

    /// When what is new may be told.
    fn due(&self) -> Option<Instant> {
        let told = self.told.as_ref()?;
        let last = if self.news.borrow().world.same(&told.world) {
            told.at
        } else {
            told.world_at
        };
        let busy = told.took.unwrap_or_default().saturating_mul(PAUSE);
        Some(last + busy.clamp(SHORTEST, LONGEST))
    }

    fn note(&mut self, reading: &Reading) {
        let now = Instant::now();
        let last = self.told.take();
        let last = last.filter(|told| told.world.same(&reading.world));
        self.told = Some(Told {
            at: now,
            took: None,
            world: reading.world.clone(),
            world_at: last.map_or(now, |told| told.world_at),
        });
    }

    /// Waits until it is worth while to look.
    async fn wait(&mut self) {
        let given_up = self.given_up();
        let impatient = async {
            match given_up {
                Some(end) => sleep_until(end).await,
                None => pending().await,
            }
        };
        tokio::select! {
            // It cannot end: the supervisor has the sender.
            _ = self.news.changed() => {}
            () = impatient => {}
            _ = &mut self.task => {
                tracing::error!("following the cluster ended by a fault of this program; it begins again");
                let supervisor = self.supervisor.clone();
                self.task = tokio::spawn(async {
                    sleep(AGAIN).await;
                    supervisor.run().await;
                });
                return;
            }
        }
        self.is_pending = true;
    }

    fn may_be_served(&mut self) -> bool {
        let state = self.news.borrow_and_update();
        let (is_complete, is_listed, is_stuck) =
            (state.is_complete, state.is_listed(), state.is_stuck());
        drop(state);
        if is_complete {
            return true;
        }
        let now = Instant::now();
        self.stuck = is_stuck.then(|| self.stuck.unwrap_or(now));
        let is_given_up = self.given_up().is_some_and(|end| now >= end);
        if is_listed || is_given_up {
            self.stuck = None;
            self.supervisor.state.send_if_modified(|state| {
                state.is_complete = true;
                false
            });
        }
        is_listed || is_given_up
    }

    /// Until when what cannot be had is waited for.
    fn given_up(&self) -> Option<Instant> {
        let patience = if self.news.borrow().is_whole() {
            PATIENCE
        } else {
            LONG_PATIENCE
        };
        self.stuck.map(|since| since + patience)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How long what may not be had is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what cannot be had now is: an API server that begins is not ready for all.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// How often the time that a reading took passes before the next, within limits.
const PAUSE: u32 = 2;
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(10);

/// How long to wait before beginning again.
const AGAIN: Duration = Duration::from_secs(1);
