//! The objects of one kind.

use std::cmp::Ordering;

use super::{Kind, Loaded};
use crate::sorted::{self, Sorted};

/// Objects of one kind by namespace and name, in that order.
///
/// Cheap to clone, and clones share what is not changed afterwards.
#[derive(Debug)]
pub struct Objects<T> {
    all: Sorted<Loaded<T>>,
    owned: Sorted<Owned<T>>,
}

/// What became of an object between two worlds: at least one of the two is there.
#[derive(Debug)]
pub struct Change<'a, T> {
    /// The object as it was.
    pub before: Option<&'a Loaded<T>>,
    /// The object as it is.
    pub now: Option<&'a Loaded<T>>,
}

impl<T: Kind> Objects<T> {
    /// The object called `name` in `namespace`; `namespace` is empty for a kind
    /// that has none.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Loaded<T>> {
        self.all
            .get(|object| name_of(object).cmp(&(namespace, name)))
    }

    /// Every object, by namespace and then by name.
    pub fn iter(&self) -> impl Iterator<Item = &Loaded<T>> {
        self.all.iter()
    }

    /// The objects of one namespace, by name.
    pub fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Loaded<T>> {
        self.all
            .from(|object| name_of(object).cmp(&(namespace, "")))
            .take_while(move |object| name_of(object).0 == namespace)
    }

    /// The objects of one namespace with this [owner](Kind::owner), by name. Costs
    /// nothing for the others.
    pub fn owned_by(&self, namespace: &str, owner: &str) -> impl Iterator<Item = &Loaded<T>> {
        self.owned
            .from(|Owned(object)| {
                owner_of(object)
                    .cmp(&(namespace, owner))
                    .then(Ordering::Greater)
            })
            .take_while(move |Owned(object)| owner_of(object) == (namespace, owner))
            .map(|Owned(object)| object)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether both are the same reading of the same objects. `false` may still
    /// mean that they are equal.
    pub fn same(&self, other: &Self) -> bool {
        self.all.same(&other.all)
    }

    /// What was added, removed, or read anew since `before`, by namespace and name.
    ///
    /// Of two worlds of which one was made from the other, this costs what was
    /// changed, and otherwise a comparison of all names.
    pub fn changes<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = Change<'a, T>> {
        let edits = self.all.edits(&before.all).into_iter();
        edits.map(|sorted::Edit { before, now }| Change { before, now })
    }

    /// Puts an object in, and returns the one of the same name that was there.
    pub fn insert(&mut self, object: impl Into<Loaded<T>>) -> Option<Loaded<T>> {
        let object = object.into();
        let before = self.all.insert(object.clone());
        if let Some(before) = &before {
            if before.same(&object) {
                return Some(object);
            }
            self.disown(before);
        }
        if object.owner().is_some() {
            self.owned.insert(Owned(object));
        }
        before
    }

    /// Takes an object out.
    pub fn remove(&mut self, namespace: &str, name: &str) -> Option<Loaded<T>> {
        let wanted = |object: &Loaded<T>| name_of(object).cmp(&(namespace, name));
        let removed = self.all.remove(wanted)?;
        self.disown(&removed);
        Some(removed)
    }

    fn disown(&mut self, object: &Loaded<T>) {
        if object.owner().is_some() {
            let wanted = Owned(object.clone());
            self.owned
                .remove(|other| sorted::Entry::order(other, &wanted));
        }
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self {
            all: Sorted::default(),
            owned: Sorted::default(),
        }
    }
}

impl<T> Clone for Objects<T> {
    fn clone(&self) -> Self {
        Self {
            all: self.all.clone(),
            owned: self.owned.clone(),
        }
    }
}

impl<T: Kind> FromIterator<Loaded<T>> for Objects<T> {
    fn from_iter<I: IntoIterator<Item = Loaded<T>>>(objects: I) -> Self {
        let mut collected = Self::default();
        for object in objects {
            collected.insert(object);
        }
        collected
    }
}

impl<T: Kind> sorted::Entry for Loaded<T> {
    fn order(&self, other: &Self) -> Ordering {
        name_of(self).cmp(&name_of(other))
    }

    fn is_same(&self, other: &Self) -> bool {
        self.same(other)
    }
}

/// An object that is a part of another, by that.
#[derive(Debug)]
struct Owned<T>(Loaded<T>);

impl<T: Kind> sorted::Entry for Owned<T> {
    fn order(&self, other: &Self) -> Ordering {
        let (one, other) = (&self.0, &other.0);
        owner_of(one)
            .cmp(&owner_of(other))
            .then_with(|| name_of(one).cmp(&name_of(other)))
    }

    fn is_same(&self, other: &Self) -> bool {
        self.0.same(&other.0)
    }
}

impl<T> Clone for Owned<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

fn name_of<T: Kind>(object: &Loaded<T>) -> (&str, &str) {
    let meta = object.meta();
    (
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
    )
}

fn owner_of<T: Kind>(object: &Loaded<T>) -> (&str, &str) {
    (name_of(object).0, object.owner().unwrap_or_default())
}
