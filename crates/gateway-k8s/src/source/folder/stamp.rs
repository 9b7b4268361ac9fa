//! Tells whether a file may have changed.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// What the file system says about a file's contents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    file: u64,
}

impl Stamp {
    /// The stamp of a file with this metadata, links followed.
    pub(super) fn of(meta: &Metadata) -> Self {
        Self {
            modified: meta.modified().ok(),
            length: meta.len(),
            file: file_number(meta),
        }
    }

    /// Whether a later change is certain to give another stamp. One within the
    /// file system's idea of an instant may not.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let age = self
            .modified
            .and_then(|modified| now.duration_since(modified).ok());
        age.is_some_and(|age| age > COARSEST_CLOCK)
    }
}

// FAT's two seconds.
const COARSEST_CLOCK: Duration = Duration::from_secs(2);

#[cfg(unix)]
fn file_number(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn file_number(_: &Metadata) -> u64 {
    0
}
