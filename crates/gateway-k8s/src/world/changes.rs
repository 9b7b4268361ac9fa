//! What is different between two worlds, whatever the kind.

use super::{Change, Kind, ObjectRef, World};

/// The names of the objects that differ between two worlds, by kind and name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// Those that were not there before.
    pub added: Vec<ObjectRef>,
    /// Those that were read anew.
    pub changed: Vec<ObjectRef>,
    /// Those that are gone.
    pub removed: Vec<ObjectRef>,
}

/// Something to be done for every kind of a [`World`].
pub(crate) trait ForEachKind {
    /// Does it for one of them.
    fn of_kind<T: Kind>(&mut self);
}

impl World {
    /// What is different from `before`, at the cost of [`Objects::changes`](super::Objects::changes).
    pub fn changes(&self, before: &Self) -> Changes {
        let mut collect = Collect {
            before,
            now: self,
            changes: Changes::default(),
        };
        Self::for_each_kind(&mut collect);
        collect.changes
    }

    /// Whether both are the same reading of the same objects. `false` may still mean
    /// that they are equal.
    pub fn same(&self, other: &Self) -> bool {
        let mut compare = Compare {
            one: self,
            other,
            are_same: true,
        };
        Self::for_each_kind(&mut compare);
        compare.are_same
    }
}

struct Collect<'a> {
    before: &'a World,
    now: &'a World,
    changes: Changes,
}

impl ForEachKind for Collect<'_> {
    fn of_kind<T: Kind>(&mut self) {
        for change in self.now.objects::<T>().changes(self.before.objects()) {
            match change {
                Change {
                    now: Some(now),
                    before: None,
                } => self.changes.added.push(ObjectRef::of(&**now)),
                Change { now: Some(now), .. } => self.changes.changed.push(ObjectRef::of(&**now)),
                Change { before, .. } => {
                    let removed = before.map(|before| ObjectRef::of(&**before));
                    self.changes.removed.extend(removed);
                }
            }
        }
    }
}

struct Compare<'a> {
    one: &'a World,
    other: &'a World,
    are_same: bool,
}

impl ForEachKind for Compare<'_> {
    fn of_kind<T: Kind>(&mut self) {
        self.are_same &= self.one.objects::<T>().same(self.other.objects());
    }
}
