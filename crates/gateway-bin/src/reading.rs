//! Objects as they were read, wherever they come from.

use gateway_k8s::source::{cluster, folder};
use gateway_k8s::world::{ObjectRef, Place, World};

use crate::admin::Source;

/// The objects of one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Reading {
    /// Of files.
    Folder(folder::Reading),
    /// Of a cluster.
    Cluster(Box<cluster::Reading>),
    /// Of a cluster, as they were kept on this machine.
    Kept(World),
}

impl Reading {
    pub(crate) fn world(&self) -> &World {
        match self {
            Self::Folder(reading) => &reading.world,
            Self::Cluster(reading) => &reading.world,
            Self::Kept(world) => world,
        }
    }

    /// Whether this is how things are, or how they were.
    pub(crate) fn source(&self) -> Source {
        match self {
            Self::Folder(_) | Self::Cluster(_) => Source::Live,
            Self::Kept(_) => Source::Snapshot,
        }
    }

    /// Where an object is written, or a field of it; nowhere, if it is not of a file.
    pub(crate) fn place(&self, object: &ObjectRef, field: &str) -> Option<Place> {
        match self {
            Self::Folder(reading) => reading.place(object, field),
            Self::Cluster(_) | Self::Kept(_) => None,
        }
    }
}
