//! Why a snapshot cannot be used.

use std::io;

/// Why there is no world in a file. No message has anything of the contents in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// There is no file.
    #[error("there is no snapshot")]
    Absent,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
    /// It does not begin as a snapshot does.
    #[error("it is no snapshot")]
    NoSnapshot,
    /// It is one of a release that writes another form.
    #[error("it has the form {version}, which this release does not read")]
    Foreign {
        /// The form.
        version: u32,
    },
    /// Some of it is missing, or is not what was written.
    #[error("it is damaged")]
    Damaged,
    /// It is whole, but an object in it is not understood, or its kind is not.
    #[error("it has a {kind} that this release does not understand")]
    Object {
        /// The kind, with its group.
        kind: String,
    },
}

impl SnapshotError {
    /// Whether the file was read and cannot be used, now or later.
    pub fn is_of_the_contents(&self) -> bool {
        match self {
            Self::Absent | Self::Unreadable(_) => false,
            Self::NoSnapshot | Self::Foreign { .. } | Self::Damaged | Self::Object { .. } => true,
        }
    }
}
