//! Says when manifests may have changed.

mod events;
mod survey;
#[cfg(test)]
mod tests;

use std::path::{PathBuf, absolute};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use self::events::Events;
use self::survey::{Survey, Sweep};

/// Waits for changes of files and folders, whether they exist or not.
///
/// Listens to the file system, and compares sizes and times every two seconds
/// where that is not enough: where nothing can be listened to, and for files that
/// are missing or linked to from outside. Make it before the first reading, so
/// that no change falls between the two.
#[derive(Debug)]
pub struct FolderWatcher {
    /// Absolute, as the paths of events are.
    paths: Arc<[PathBuf]>,
    signal: Arc<Notify>,
    events: Option<Events>,
    sweep: Option<Sweep>,
    sweep_every: Duration,
    /// A change that nobody has been told of yet.
    is_pending: bool,
}

impl FolderWatcher {
    /// Watches these files and folders. Waits for the file system.
    pub fn new<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        let mut watcher = Self::polling(paths, SWEEP_EVERY);
        watcher.events = Events::new(&watcher.paths, &watcher.signal)
            .inspect_err(|error| tracing::warn!(%error, "cannot listen for changes of files"))
            .ok();
        watcher.settle(Survey::of(&watcher.paths, true));
        watcher
    }

    /// Watches by comparing sizes and times only, for file systems that do not
    /// tell of changes made elsewhere (NFS). Waits for the file system.
    pub fn polling<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>, every: Duration) -> Self {
        let paths: Arc<[PathBuf]> = paths
            .into_iter()
            .map(|path| from_root(path.into()))
            .collect();
        Self {
            sweep: Some(Sweep::over(&paths)),
            paths,
            signal: Arc::default(),
            events: None,
            sweep_every: every,
            is_pending: false,
        }
    }

    /// Waits until something may have changed since the last call, and then until
    /// it has been quiet for 50 ms, but no more than 500 ms.
    ///
    /// Cancel safe: a change that was noticed is told by the next call.
    pub async fn changed(&mut self) {
        if !self.is_pending {
            self.first().await;
            self.is_pending = true;
        }
        let latest = Instant::now() + LONGEST_BURST;
        loop {
            let quiet = (Instant::now() + QUIET).min(latest);
            if timeout_at(quiet, self.signal.notified()).await.is_err() {
                break;
            }
        }
        let (paths, sweeps) = (Arc::clone(&self.paths), self.sweep.is_some());
        if let Ok(survey) = spawn_blocking(move || Survey::of(&paths, sweeps)).await {
            self.settle(survey);
        }
        self.is_pending = false;
    }

    async fn first(&mut self) {
        let Some(known) = &mut self.sweep else {
            return self.signal.notified().await;
        };
        while timeout(self.sweep_every, self.signal.notified())
            .await
            .is_err()
        {
            let paths = Arc::clone(&self.paths);
            // Far away file systems take long.
            let Ok(now) = spawn_blocking(move || Sweep::over(&paths)).await else {
                continue;
            };
            if *known != now {
                return;
            }
        }
    }

    /// Listens where the paths lead now, and sweeps only if that misses some.
    fn settle(&mut self, survey: Survey) {
        let hears_all = match &mut self.events {
            Some(events) => events.listen(survey.areas) && survey.areas_are_enough,
            None => false,
        };
        self.sweep = (!hears_all).then_some(survey.sweep);
    }
}

/// The path from the root, where there is a way to tell.
fn from_root(path: PathBuf) -> PathBuf {
    absolute(&path).unwrap_or(path)
}

const QUIET: Duration = Duration::from_millis(50);
const LONGEST_BURST: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(2);
