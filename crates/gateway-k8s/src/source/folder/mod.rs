//! Manifests in files.
//!
//! A [`Folder`] reads the YAML and JSON of some files and folders into a
//! [`World`]. One mistake never costs more than the object it
//! is in: it is reported as a [`Problem`], everything else is read, and an object
//! that was good before stays as it was. Reading again costs what has changed, and
//! [`FolderWatcher`] says when that is worth while.
//!
//! What an API server does on the way in is done here where it matters: an object
//! without a namespace is in `default`, and a Secret's `stringData` is in its
//! `data`. Fields that it would fill with defaults are absent.
//!
//! # Example
//!
//! ```
//! use gateway_k8s::source::folder::Folder;
//! use gateway_k8s::world::ObjectRef;
//! use gateway_k8s::api::Gateway;
//!
//! # fn main() -> std::io::Result<()> {
//! let manifests = tempfile::tempdir()?;
//! std::fs::write(manifests.path().join("web.yaml"), "\
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: Gateway
//! metadata:
//!   name: web
//! spec:
//!   gatewayClassName: ours
//!   listeners:
//!   - name: http
//!     port: 80
//!     protocol: HTTP
//!     color: red
//! ")?;
//!
//! let reading = Folder::new([manifests.path()]).read();
//!
//! let gateway = reading.world.gateways.get("default", "web").expect("was read");
//! assert_eq!(gateway.spec.listeners[0].port, 80);
//! assert_eq!(reading.problems()[0].field.as_deref(), Some("spec.listeners[0].color"));
//! assert_eq!(reading.problems()[0].place.line, 11);
//!
//! let web = ObjectRef::new::<Gateway>("default", "web");
//! assert_eq!(reading.place(&web, "spec.listeners[0].port").map(|place| place.line), Some(9));
//! # Ok(())
//! # }
//! ```

mod catalog;
mod contents;
mod document;
mod file;
mod finding;
mod header;

mod lines;
mod reading;
mod split;
mod stamp;
#[cfg(test)]
mod tests;
mod value;
mod walk;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::reading::Reading;
pub use self::watch::FolderWatcher;

use self::catalog::Catalog;
use self::file::{File, Refreshed};
use self::walk::Walk;
use super::{Problem, Severity};
use crate::world::{Place, World};

/// Files and folders with manifests.
///
/// A folder stands for the `.yaml`, `.yml` and `.json` files in it and in its
/// folders, in the order of their names. What begins with a dot is skipped, but
/// links are followed, so that a mounted ConfigMap is read once.
#[derive(Debug)]
pub struct Folder {
    paths: Vec<PathBuf>,
    files: Vec<File>,
    failures: Vec<Problem>,
    catalog: Catalog,
    last: Reading,
}

impl Folder {
    /// Manifests in these files and folders, which need not exist yet.
    pub fn new<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self {
            paths: paths.into_iter().map(Into::into).collect(),
            files: Vec::new(),
            failures: Vec::new(),
            catalog: Catalog::default(),
            last: Reading::default(),
        }
    }

    /// Reads what may have changed since the last time. Waits for the file system.
    pub fn read(&mut self) -> Reading {
        let walk = Walk::over(&self.paths);
        let mut world = self.last.world.clone();
        let mut changed = self.follow(&walk, &mut world);
        let mut parsed = 0;

        for index in 0..self.files.len() {
            changed |= self.refresh(index, &mut world, &mut parsed);
        }
        let failures: Vec<_> = walk
            .failures
            .iter()
            .map(|(path, error)| failure(path, error))
            .collect();
        if !changed && failures == self.failures {
            return self.last.unchanged();
        }
        self.last = Reading::new(world, parsed, failures.clone(), self.catalog.clone());
        self.failures = failures;
        self.last.clone()
    }

    /// Reads a file if it may have changed, and says whether it has.
    fn refresh(&mut self, index: usize, world: &mut World, parsed: &mut usize) -> bool {
        let file = &mut self.files[index];
        match file.refresh() {
            Refreshed::Same => return false,
            Refreshed::Trouble => {}
            Refreshed::Edited(difference) => {
                *parsed += difference.parsed;
                let now = self.catalog.update(&file.contents, &difference, world);
                file.contents = Arc::new(now);
            }
        }
        self.catalog.set_file(index, &file.contents);
        true
    }

    /// Has the files that are there, and says whether they are others than before.
    fn follow(&mut self, walk: &Walk, world: &mut World) -> bool {
        let same = self
            .files
            .iter()
            .map(File::path)
            .eq(walk.files.iter().map(PathBuf::as_path));
        if same {
            return false;
        }
        let known = std::mem::take(&mut self.files).into_iter();
        let mut known: BTreeMap<PathBuf, File> =
            known.map(|file| (file.path().to_owned(), file)).collect();
        for path in &walk.files {
            self.files
                .push(known.remove(path).unwrap_or_else(|| File::new(path)));
        }
        for file in known.into_values() {
            // A folder that cannot be listed now still has what it had.
            if walk.hides(file.path()) {
                self.files.push(file);
            } else {
                self.catalog.forget(&file.contents, world);
            }
        }
        let contents = self.files.iter().map(|file| Arc::clone(&file.contents));
        self.catalog.set_files(contents.collect(), world);
        true
    }
}

fn failure(path: &Path, error: &io::Error) -> Problem {
    Problem {
        place: Place {
            file: path.into(),
            line: 1,
        },
        object: None,
        field: None,
        message: error.to_string(),
        remedy: "create it, make it readable, or do not name it".to_owned(),
        severity: Severity::Error,
    }
}
