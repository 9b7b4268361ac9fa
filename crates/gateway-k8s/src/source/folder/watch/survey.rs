//! Looks at what is there to be watched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::folder::stamp::Stamp;
use crate::source::folder::walk::Walk;

/// What is there, at one moment.
#[derive(Debug)]
pub(super) struct Survey {
    /// Where to listen.
    pub(super) areas: Areas,
    /// Whether whoever listens there hears of every change: whether all is there,
    /// and no link leads to somewhere else.
    pub(super) areas_are_enough: bool,
    /// What to compare with, otherwise.
    pub(super) sweep: Sweep,
}

/// Folders to listen to, and whether that is deep: to their folders as well.
pub(super) type Areas = BTreeMap<PathBuf, bool>;

/// What the file system says of all files.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Sweep {
    files: Vec<(PathBuf, Option<Stamp>)>,
    failures: Vec<PathBuf>,
}

impl Survey {
    /// Looks around these absolute paths. Waits for the file system. Sizes and times
    /// are left out if they need not be compared, and are not `wanted` either.
    pub(super) fn of(paths: &[PathBuf], wanted: bool) -> Self {
        let areas = areas(paths);
        let walk = Walk::over(paths);
        let areas_are_enough = walk.failures.is_empty() && {
            let real = |(folder, is_deep): (&PathBuf, &bool)| {
                Some((fs::canonicalize(folder).ok()?, *is_deep))
            };
            let real: Areas = areas.iter().filter_map(real).collect();
            walk.real.iter().all(|file| is_heard(file, &real))
        };
        Self {
            areas,
            areas_are_enough,
            sweep: if wanted || !areas_are_enough {
                Sweep::of(walk)
            } else {
                Sweep::default()
            },
        }
    }
}

impl Sweep {
    /// Looks at every file below these paths. Waits for the file system.
    pub(super) fn over(paths: &[PathBuf]) -> Self {
        Self::of(Walk::over(paths))
    }

    fn of(walk: Walk) -> Self {
        let stamped = |path: PathBuf| {
            let stamp = fs::metadata(&path).ok().as_ref().map(Stamp::of);
            (path, stamp)
        };
        Self {
            files: walk.files.into_iter().map(stamped).collect(),
            failures: walk.failures.into_iter().map(|(path, _)| path).collect(),
        }
    }
}

/// A path is told of by the folder it is in, or would be in; what is in it, by
/// itself.
fn areas(paths: &[PathBuf]) -> Areas {
    let mut areas = Areas::new();
    for path in paths {
        let mut above = path.ancestors().skip(1);
        if let Some(folder) = above.find(|ancestor| ancestor.is_dir()) {
            areas.entry(folder.to_owned()).or_default();
        }
        if path.is_dir() {
            areas.insert(path.clone(), true);
        }
    }
    areas
}

/// Whether a file is in one of the areas; both are real paths.
fn is_heard(file: &Path, areas: &Areas) -> bool {
    let mut above = file.ancestors().skip(1);
    let parent = above.next().and_then(|parent| areas.get(parent));
    parent.is_some() || above.any(|folder| areas.get(folder).copied().unwrap_or_default())
}
