//! Listens to the file system.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::survey::Areas;

/// Listens for changes in some folders, and gives a signal.
#[derive(Debug)]
pub(super) struct Events {
    watcher: RecommendedWatcher,
    areas: Areas,
    hears_all: bool,
    signal: Arc<Notify>,
    has_lost_folders: Arc<AtomicBool>,
}

impl Events {
    /// Gives a signal for every change of these absolute paths. Listens to
    /// nothing yet.
    pub(super) fn new(paths: &Arc<[PathBuf]>, signal: &Arc<Notify>) -> notify::Result<Self> {
        let has_lost_folders = Arc::<AtomicBool>::default();
        let watcher = {
            let (paths, signal) = (Arc::clone(paths), Arc::clone(signal));
            let has_lost_folders = Arc::clone(&has_lost_folders);
            notify::recommended_watcher(move |event: notify::Result<Event>| {
                if event
                    .as_ref()
                    .is_ok_and(|event| loses_folders(event, &paths))
                {
                    has_lost_folders.store(true, Ordering::Release);
                }
                // An error means that some events were lost.
                if event.map_or(true, |event| matters(&event, &paths)) {
                    signal.notify_one();
                }
            })?
        };
        Ok(Self {
            watcher,
            areas: Areas::new(),
            hears_all: false,
            signal: Arc::clone(signal),
            has_lost_folders,
        })
    }

    /// Listens to these folders and no others. Says whether that was possible.
    pub(super) fn listen(&mut self, areas: Areas) -> bool {
        let has_lost_folders = self.has_lost_folders.swap(false, Ordering::AcqRel);
        if areas == self.areas && !has_lost_folders {
            return self.hears_all;
        }
        for folder in self.areas.keys() {
            // One that was deleted is not listened to any more.
            let _ = self.watcher.unwatch(folder);
        }
        self.hears_all = true;
        for (folder, is_deep) in &areas {
            let mode = if *is_deep {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            self.hears_all &= self.watcher.watch(folder, mode).is_ok();
        }
        if !self.areas.is_empty() {
            // Nobody listened between the two.
            self.signal.notify_one();
        }
        self.areas = areas;
        self.hears_all
    }
}

fn matters(event: &Event, paths: &[PathBuf]) -> bool {
    let is_change = match event.kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    };
    let may_concern =
        || event.paths.is_empty() || event.paths.iter().any(|path| concerns(path, paths));
    is_change && may_concern()
}

/// A folder that is deleted and made again is another one, under the same name.
fn loses_folders(event: &Event, paths: &[PathBuf]) -> bool {
    let is_of_a_name = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    let leads_to = |gone: &PathBuf| paths.iter().any(|path| path.starts_with(gone));
    is_of_a_name && event.paths.iter().any(leads_to)
}

fn concerns(event: &Path, paths: &[PathBuf]) -> bool {
    // Mounted ConfigMaps change by one link, `..data`, for all their files.
    let is_of_a_mount = || {
        let name = event.file_name().map(OsStr::as_encoded_bytes);
        name.is_some_and(|name| name.starts_with(b".."))
    };
    paths
        .iter()
        .any(|path| event.starts_with(path) || path.starts_with(event))
        || is_of_a_mount()
}
