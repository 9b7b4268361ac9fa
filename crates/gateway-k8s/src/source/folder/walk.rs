//! Finds the files.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use foldhash::fast::RandomState;

/// The files below some paths, and what could not be looked at.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// In the order of the paths, then by name; each file once.
    pub(super) files: Vec<PathBuf>,
    /// Where each of the files really is, links followed.
    pub(super) real: Vec<PathBuf>,
    /// Files and folders that are there, or should be, with the reason.
    pub(super) failures: Vec<(PathBuf, io::Error)>,
    seen: HashSet<PathBuf, RandomState>,
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
            if self.seen.insert(real.clone()) {
                self.visit_folder(path, &real);
            }
        } else if meta.is_file() && (is_named || is_manifest(path)) {
            self.take(path.to_owned(), real);
        }
    }

    fn visit_folder(&mut self, folder: &Path, real: &Path) {
        let listed = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Listed::of(&entry?)).collect());
        let mut entries: Vec<Listed> = match listed {
            Ok(entries) => entries,
            Err(error) => return self.failures.push((folder.to_owned(), error)),
        };
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        for Listed { name, is_plain } in entries {
            let path = folder.join(&name);
            if is_hidden(&path) {
                continue;
            }
            // Nothing need be asked about most: ten thousand questions take long.
            if !is_plain {
                self.visit(&path, false);
            } else if is_manifest(&path) {
                self.take(path, real.join(name));
            }
        }
    }

    fn take(&mut self, path: PathBuf, real: PathBuf) {
        if self.seen.insert(real.clone()) {
            self.files.push(path);
            self.real.push(real);
        }
    }
}

struct Listed {
    name: OsString,
    /// Whether it is a file and no link.
    is_plain: bool,
}

impl Listed {
    fn of(entry: &DirEntry) -> io::Result<Self> {
        Ok(Self {
            name: entry.file_name(),
            is_plain: entry.file_type().is_ok_and(|kind| kind.is_file()),
        })
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
