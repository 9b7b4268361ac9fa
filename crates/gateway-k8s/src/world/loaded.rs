//! One object, as it was read.

use std::ops::Deref;
use std::sync::Arc;

/// An object that was read.
///
/// Cheap to clone. An object that has not changed keeps its allocation from one
/// world to the next, even if it has moved within its file.
#[derive(Debug)]
pub struct Loaded<T> {
    object: Arc<T>,
}

impl<T> Loaded<T> {
    /// An object, read now.
    pub fn new(object: impl Into<Arc<T>>) -> Self {
        Self {
            object: object.into(),
        }
    }

    /// The object itself, to be kept.
    pub fn object(&self) -> &Arc<T> {
        &self.object
    }

    /// Whether both are the same reading of the same object.
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
        }
    }
}
