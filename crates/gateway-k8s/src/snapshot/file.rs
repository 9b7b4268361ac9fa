//! A file that is there as a whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::SnapshotError;
use super::format::{HEADER, length};

/// Reads a file, if its length is what its beginning says.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, SnapshotError> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => SnapshotError::Absent,
        _ => SnapshotError::Unreadable(error),
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // Before memory is taken for whatever else it may be.
    let start = (&mut file).take(HEADER as u64).read_to_end(&mut bytes);
    start.map_err(failed)?;
    let whole = length(&bytes)?;
    if file.metadata().map_err(failed)?.len() != whole {
        return Err(SnapshotError::Damaged);
    }

    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Puts a file with these bytes in the place of `path`, for its owner alone.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    // Of a process that was killed while it wrote.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }

    let written = write_new(&new, bytes).and_then(|()| fs::rename(&new, path));
    if let Err(error) = written {
        // It holds secrets, and is of no use.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    sync_folder(path)
}

/// Renames a file that cannot be used to `….damaged`, in the place of what has that
/// name, for somebody to look at. Returns the new name.
///
/// # Errors
///
/// When the file system refuses.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = beside(path, ".damaged");
    fs::rename(path, &aside)?;
    sync_folder(path)?;
    Ok(aside)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Without this a loss of power may undo a renaming.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };

    File::open(folder)?.sync_all()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
