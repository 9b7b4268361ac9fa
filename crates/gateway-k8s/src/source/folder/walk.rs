//! Finds the files.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files below some paths, and what could not be looked at.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// In the order of the paths, then by name; each file once.
    pub(super) files: Vec<PathBuf>,
    /// Files and folders that are there, or should be, with the reason.
    pub(super) failures: Vec<(PathBuf, io::Error)>,
    seen: BTreeSet<PathBuf>,
}

impl Walk {
    /// Looks at every path: a file counts whatever it is called, a folder stands
    /// for its manifests and those of its folders.
    pub(super) fn over(paths: &[PathBuf]) -> Self {
        let mut walk = Self::default();
        for path in paths {
            walk.visit(path, true);
        }
        walk
    }

    /// Whether a file may well be there, below what could not be looked at.
    pub(super) fn hides(&self, file: &Path) -> bool {
        let may_be_there = |error: &io::Error| error.kind() != io::ErrorKind::NotFound;
        self.failures
            .iter()
            .any(|(path, error)| may_be_there(error) && file.starts_with(path))
    }

    fn visit(&mut self, path: &Path, is_named: bool) {
        let looked_at = fs::metadata(path).and_then(|meta| Ok((meta, fs::canonicalize(path)?)));
        let (meta, real) = match looked_at {
            Ok(found) => found,
            // Deleted since its folder was listed, or a link to nowhere.
            Err(error) if !is_named && error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.failures.push((path.to_owned(), error)),
        };
        // Links can lead to the same file twice, and folders into themselves.
        if meta.is_dir() {
            if self.seen.insert(real) {
                self.visit_folder(path);
            }
        } else if meta.is_file() && (is_named || is_manifest(path)) && self.seen.insert(real) {
            self.files.push(path.to_owned());
        }
    }

    fn visit_folder(&mut self, folder: &Path) {
        let listed = fs::read_dir(folder).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<Vec<_>>>()
        });
        match listed {
            Ok(mut entries) => {
                entries.sort();
                for entry in entries.iter().filter(|entry| !is_hidden(entry)) {
                    self.visit(entry, false);
                }
            }
            Err(error) => self.failures.push((folder.to_owned(), error)),
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}

/// Editors' files, and the `..data` and `..2026_…` of mounted ConfigMaps, whose
/// files are linked to from beside them.
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
