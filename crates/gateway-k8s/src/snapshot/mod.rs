//! The last good world, on disk: what is served at a start when the API server is
//! not there.
//!
//! [`write()`] and [`read()`] are the two halves; [`SnapshotKeeper`] writes whenever the
//! world has changed, but not too often, and [`recover`] reads what it left behind.
//!
//! What may surprise:
//!
//! * Secrets are part of it, with their keys. The file is readable by its owner alone
//!   (mode 0600), from the moment it is made.
//! * It is replaced as a whole: whoever reads sees the old one or the new one, also
//!   after a loss of power.
//! * Whatever is not exactly what was written is an error, and never a part of a
//!   world. A release that writes another form of it reads no older ones: a snapshot
//!   is there to bridge a restart, and the API server has the truth.
//! * Times are kept to the second, as the API writes them.
//!
//! # Example
//!
//! ```
//! use gateway_k8s::snapshot;
//! use gateway_k8s::world::World;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("world");
//! assert!(snapshot::recover(&path).is_none());
//!
//! snapshot::write(&path, &World::default())?;
//!
//! assert!(snapshot::recover(&path).is_some());
//! # Ok(())
//! # }
//! ```

mod error;
mod file;
mod format;
mod keeper;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use crate::world::World;

pub use self::error::SnapshotError;
pub use self::file::set_aside;
pub use self::keeper::SnapshotKeeper;

/// Writes `world` to `path`, in place of what is there. Waits for the disk.
///
/// # Errors
///
/// When the file system refuses. What was there before is still there then.
pub fn write(path: &Path, world: &World) -> io::Result<()> {
    file::replace(path, &format::encode(world)?)
}

/// Reads what [`write()`] wrote. Waits for the disk.
///
/// # Errors
///
/// When there is nothing, when it cannot be read, and when it is not, byte for byte,
/// what was written by a release with this form.
pub fn read(path: &Path) -> Result<World, SnapshotError> {
    format::decode(&file::read(path)?)
}

/// Reads what [`write()`] wrote, if it can be used, and says in the log if it cannot.
/// What is damaged, or of another release, is [set aside](set_aside).
pub fn recover(path: &Path) -> Option<World> {
    let error = match read(path) {
        Ok(world) => return Some(world),
        Err(SnapshotError::Absent) => return None,
        Err(error) => error,
    };
    let file = path.display();
    if !error.is_of_the_contents() {
        tracing::warn!(%file, error = &error as &dyn std::error::Error, "cannot read the last known configuration");
        return None;
    }

    match set_aside(path) {
        Ok(aside) => {
            let aside = aside.display();
            tracing::warn!(%file, %error, %aside, "the last known configuration cannot be used and was set aside");
        }
        Err(failed) => {
            tracing::warn!(%file, %error, %failed, "the last known configuration cannot be used, nor set aside");
        }
    }
    None
}
