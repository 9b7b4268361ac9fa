//! A folder that is served.

use std::path::PathBuf;
use std::sync::Arc;

use gateway_k8s::source::folder::{Folder, FolderWatcher};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval, interval_at};

use super::control::Control;
use super::{LOOK_AGAIN, LOOK_AT_DATES};
use crate::admin::Vitals;
use crate::failure::CommandFailure;
use crate::reading::Reading;

/// Files, and a gateway that serves what they say.
#[derive(Debug)]
pub(super) struct FolderControl {
    /// Nothing, while somebody else reads.
    served: Option<Served>,
    watcher: FolderWatcher,
    vitals: Arc<Vitals>,
}

/// What waits for the file system.
#[derive(Debug)]
struct Served {
    folder: Folder,
    control: Control,
}

impl FolderControl {
    /// Reads everything, and serves it.
    pub(super) async fn start(
        paths: Vec<PathBuf>,
        control: Control,
        vitals: Arc<Vitals>,
    ) -> Result<Self, CommandFailure> {
        let served = Served {
            folder: Folder::new(paths.clone()),
            control,
        };
        // Before the first reading, so that no change falls between the two.
        let watcher = spawn_blocking(move || FolderWatcher::new(paths)).await;
        let watcher =
            watcher.map_err(|error| CommandFailure::caused("cannot watch files", &error))?;

        Ok(Self {
            served: Some(vitals.health.during(served.again()).await?),
            watcher,
            vitals,
        })
    }

    /// Reads again when files change, and looks at addresses that could not be
    /// listened on. Ends only if it cannot go on.
    pub(super) async fn follow(&mut self) -> CommandFailure {
        let mut again = interval(LOOK_AGAIN);
        let mut dates = interval_at(Instant::now() + LOOK_AT_DATES, LOOK_AT_DATES);
        loop {
            tokio::select! {
                () = self.watcher.changed() => if let Some(served) = self.served.take() {
                    let reading = self.vitals.health.during(served.again());
                    match reading.await {
                        Ok(served) => self.served = Some(served),
                        Err(failure) => return failure,
                    }
                },
                _ = again.tick() => {
                    self.vitals.health.beat();
                    if let Some(served) = &mut self.served {
                        served.control.look_again();
                    }
                }
                _ = dates.tick() => if let Some(served) = &mut self.served {
                    served.control.look_at_dates();
                },
            }
        }
    }
}

impl Served {
    /// Reading waits for the file system, and resolving takes its time.
    async fn again(mut self) -> Result<Self, CommandFailure> {
        let reading = spawn_blocking(move || {
            let start = Instant::now();
            let reading = self.folder.read();
            self.control.serve(Reading::Folder(reading), start);
            self
        });

        reading
            .await
            .map_err(|error| CommandFailure::caused("reading manifests failed", &error))
    }
}
