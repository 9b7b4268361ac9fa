//! Writes the world down whenever it has changed, but not too often.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use crate::world::World;

/// Keeps a snapshot on disk of the last world it was given.
///
/// The newest world counts; those that came between two writings are never written.
/// What could not be written is tried again, and said once until it succeeds. Files
/// are written by the runtime's threads for what blocks.
///
/// Dropping it is like [`SnapshotKeeper::finish`] without waiting: what has not been
/// written is, if the runtime lives long enough.
#[derive(Debug)]
pub struct SnapshotKeeper {
    newest: watch::Sender<Numbered>,
    /// Dropped at the end.
    end: oneshot::Sender<Infallible>,
    task: JoinHandle<()>,
}

/// The world that was brought last, and which one of all that were; 0 for none.
type Numbered = (u64, World);

impl SnapshotKeeper {
    /// Keeps a snapshot at `path`, written every `pause` at most.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time.
    #[must_use]
    pub fn start(path: impl Into<PathBuf>, pause: Duration) -> Self {
        let (newest, worlds) = watch::channel(Numbered::default());
        let (end, ended) = oneshot::channel();
        let keeping = Keeping {
            path: path.into().into(),
            worlds,
            written: 0,
            is_failing: false,
        };
        Self {
            newest,
            end,
            task: tokio::spawn(keeping.run(pause, ended)),
        }
    }

    /// Keeps `world` from now on, of which the reading must be complete: what is
    /// missing in it would be missing after a restart. Costs next to nothing.
    pub fn keep(&self, world: World) {
        self.newest
            .send_modify(|(number, newest)| (*number, *newest) = (*number + 1, world));
    }

    /// Writes what has not been written, in one attempt, and ends.
    pub async fn finish(self) {
        drop(self.end);
        // Whatever went wrong has been said.
        let _ = self.task.await;
    }
}

struct Keeping {
    path: Arc<Path>,
    worlds: watch::Receiver<Numbered>,
    /// The number of the world that is on disk.
    written: u64,
    is_failing: bool,
}

impl Keeping {
    async fn run(mut self, pause: Duration, mut ended: oneshot::Receiver<Infallible>) {
        loop {
            tokio::select! {
                biased;
                _ = &mut ended => break,
                () = self.news() => {}
            }
            self.write().await;
            tokio::select! {
                biased;
                _ = &mut ended => break,
                () = sleep(pause) => {}
            }
        }
        if self.is_behind() {
            self.write().await;
        }
    }

    fn is_behind(&self) -> bool {
        self.worlds.borrow().0 != self.written
    }

    /// Resolves when there is something to write.
    async fn news(&mut self) {
        while !self.is_behind() {
            if self.worlds.changed().await.is_err() {
                // The end is being said at this moment.
                pending::<()>().await;
            }
        }
    }

    async fn write(&mut self) {
        let (number, world) = self.worlds.borrow_and_update().clone();
        let path = Arc::clone(&self.path);
        let writing = spawn_blocking(move || super::write(&path, &world));
        let written = writing.await.map_err(io::Error::other);

        match written.and_then(|written| written) {
            Ok(()) => (self.written, self.is_failing) = (number, false),
            Err(error) => {
                if !self.is_failing {
                    let file = self.path.display();
                    tracing::warn!(%file, %error, "cannot keep the configuration for the next start");
                }
                self.is_failing = true;
            }
        }
    }
}
