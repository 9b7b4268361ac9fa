//! What the statuses of objects said when they were last seen.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::sorted::{self, Sorted};
use crate::world::ObjectRef;

/// The statuses of all objects that have one, by object.
///
/// They are kept apart from the [`World`](crate::world::World), so that writing a
/// status changes nothing that is looked at to decide what it should say. Cheap to
/// clone, and clones share what is not changed afterwards.
#[derive(Clone, Debug, Default)]
pub struct Statuses {
    objects: Sorted<Arc<Observed>>,
}

impl Statuses {
    /// What was seen of `object`.
    pub fn get(&self, object: &ObjectRef) -> Option<&Arc<Observed>> {
        self.objects.get(|observed| observed.object.cmp(object))
    }

    /// Everything that was seen, by object.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Observed>> {
        self.objects.iter()
    }

    /// What was seen anew since `before`, and the objects that are gone.
    pub fn changes<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'a ObjectRef, Option<&'a Arc<Observed>>)> {
        let edits = self.objects.edits(&before.objects).into_iter();
        edits.filter_map(|sorted::Edit { before, now }| {
            let either = now.or(before)?;
            Some((&either.object, now))
        })
    }

    /// Puts in what was seen.
    pub fn insert(&mut self, observed: Observed) {
        self.objects.insert(Arc::new(observed));
    }

    /// Forgets an object.
    pub fn remove(&mut self, object: &ObjectRef) {
        self.objects.remove(|observed| observed.object.cmp(object));
    }
}

/// What was seen of an object besides what it asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Observed {
    /// Which object.
    pub object: ObjectRef,
    /// `metadata.uid`: another object of the same name has another one.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`, with which the status can be replaced.
    pub resource_version: Box<str>,
    /// The version in which the object is read and written, as in `v1`.
    pub version: Arc<str>,
    /// `status` as JSON; absent if there is none.
    pub status: Option<Box<str>>,
}

impl sorted::Entry for Arc<Observed> {
    fn order(&self, other: &Self) -> Ordering {
        self.object.cmp(&other.object)
    }

    fn is_same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other)
    }
}
