//! One object, and where it came from.

use std::ops::Deref;
use std::sync::Arc;

use super::Place;

/// An object that was read, with the place it was read from.
///
/// Cheap to clone. An object that has not changed keeps its allocation from one
/// world to the next, even if it has moved within its file.
#[derive(Debug)]
pub struct Loaded<T> {
    object: Arc<T>,
    place: Option<Place>,
}

impl<T> Loaded<T> {
    /// An object from a cluster, which has no place.
    pub fn new(object: impl Into<Arc<T>>) -> Self {
        Self {
            object: object.into(),
            place: None,
        }
    }

    /// The same object, read from `place`. No place is the default.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The object itself, to be kept.
    pub fn object(&self) -> &Arc<T> {
        &self.object
    }

    /// The first line of the object, if it was read from a file.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Whether both are the same reading of the same object. Says nothing about
    /// places: an object may move within a file without having changed.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.object, &other.object)
    }
}

impl<T> Deref for Loaded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T> From<T> for Loaded<T> {
    fn from(object: T) -> Self {
        Self::new(object)
    }
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        Self {
            object: Arc::clone(&self.object),
            place: self.place.clone(),
        }
    }
}
