//! Which kinds are followed, and who does it.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::time::sleep;

use super::discover::discover;
use super::failure::Failure;
use super::pace::Pace;
use super::pulse::Pulse;
use super::settings::ClusterSettings;
use super::state::State;
use super::watches::Watches;

/// What following needs.
#[derive(Clone)]
pub(super) struct Supervisor {
    pub(super) client: Client,
    /// What is looked at.
    pub(super) settings: Arc<ClusterSettings>,
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
                        (true, true) => Until::Then(POLL),
                        (false, true) => Until::News,
                        (_, false) => Until::Then(soon),
                    }
                }
                Err(failure) => Until::Answer(pace.after(&failure), failure),
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
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Until {
    async fn wait(&self, pulse: &Pulse) {
        match self {
            Self::News => pending().await,
            Self::Then(delay) => sleep(*delay).await,
            Self::Answer(delay, failure) => {
                pulse.wait(*delay, failure).await;
            }
        }
    }
}

/// How long after a definition changed it is first looked again whether it is served.
const SOON: Duration = Duration::from_millis(200);

/// How often to look what is installed where nothing tells of it.
const POLL: Duration = Duration::from_secs(30);

/// Definitions come in bursts.
const BURST: Duration = Duration::from_millis(50);
