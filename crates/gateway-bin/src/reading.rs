//! Objects as they were read, wherever they come from.

use gateway_k8s::source::folder;
use gateway_k8s::world::{ObjectRef, Place, World};

/// The objects of one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Reading {
    /// Of files.
    Folder(folder::Reading),
}

impl Reading {
    pub(crate) fn world(&self) -> &World {
        match self {
            Self::Folder(reading) => &reading.world,
        }
    }

    /// Where an object is written, or a field of it.
    pub(crate) fn place(&self, object: &ObjectRef, field: &str) -> Option<Place> {
        match self {
            Self::Folder(reading) => reading.place(object, field),
        }
    }
}
