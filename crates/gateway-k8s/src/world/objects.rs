//! The objects of one kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Kind, Loaded};

type ByName<V> = BTreeMap<Arc<str>, V>;

/// Objects of one kind by namespace and name, in that order.
///
/// Cheap to clone: namespaces are shared until one of them is changed.
#[derive(Debug)]
pub struct Objects<T> {
    namespaces: Arc<ByName<Arc<InNamespace<T>>>>,
}

impl<T> Objects<T> {
    /// The object called `name` in `namespace`; `namespace` is empty for a kind
    /// that has none.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Loaded<T>> {
        self.namespaces.get(namespace)?.objects.get(name)
    }

    /// Every object, by namespace and then by name.
    pub fn iter(&self) -> impl Iterator<Item = &Loaded<T>> {
        self.namespaces
            .values()
            .flat_map(|inside| inside.objects.values())
    }

    /// The objects of one namespace, by name.
    pub fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Loaded<T>> {
        self.namespaces
            .get(namespace)
            .into_iter()
            .flat_map(|inside| inside.objects.values())
    }

    /// The objects of one namespace with this [owner](Kind::owner), by name. Costs
    /// nothing for the others.
    pub fn owned_by(&self, namespace: &str, owner: &str) -> impl Iterator<Item = &Loaded<T>> {
        self.namespaces
            .get(namespace)
            .and_then(|inside| inside.owned.get(owner))
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.namespaces
            .values()
            .map(|inside| inside.objects.len())
            .sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.namespaces.is_empty()
    }

    /// Whether both are the same reading of the same objects. `false` may still
    /// mean that they are equal.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.namespaces, &other.namespaces)
    }
}

impl<T: Kind> Objects<T> {
    /// Puts an object in, and returns the one of the same name that was there.
    pub fn insert(&mut self, object: impl Into<Loaded<T>>) -> Option<Loaded<T>> {
        let object = object.into();
        let meta = object.meta();
        let name = Arc::from(meta.name.as_deref().unwrap_or_default());
        let namespace = meta.namespace.as_deref().unwrap_or_default();

        let namespaces = Arc::make_mut(&mut self.namespaces);
        if let Some(inside) = namespaces.get_mut(namespace) {
            return Arc::make_mut(inside).insert(name, object);
        }
        let namespace = Arc::from(namespace);
        let mut inside = InNamespace::default();
        let none = inside.insert(name, object);
        namespaces.insert(namespace, Arc::new(inside));
        none
    }

    /// Takes an object out.
    pub fn remove(&mut self, namespace: &str, name: &str) -> Option<Loaded<T>> {
        // Look first: a copy of the map for nothing would make it another one.
        self.get(namespace, name)?;
        let namespaces = Arc::make_mut(&mut self.namespaces);
        let inside = Arc::make_mut(namespaces.get_mut(namespace)?);
        let removed = inside.remove(name);
        if inside.objects.is_empty() {
            namespaces.remove(namespace);
        }
        removed
    }
}

impl<T> Objects<T> {
    /// Takes the allocations of `before` where these say the same.
    pub(crate) fn share(&mut self, before: &Self) {
        if self.same(before) {
            return;
        }
        let namespaces = Arc::make_mut(&mut self.namespaces);
        for (namespace, inside) in namespaces.iter_mut() {
            if let Some(known) = before.namespaces.get(namespace)
                && inside.says_the_same(known)
            {
                *inside = Arc::clone(known);
            }
        }
        let all = |(name, inside): (&Arc<str>, &Arc<InNamespace<T>>)| {
            before
                .namespaces
                .get(name)
                .is_some_and(|known| Arc::ptr_eq(known, inside))
        };
        if namespaces.len() == before.namespaces.len() && namespaces.iter().all(all) {
            self.namespaces = Arc::clone(&before.namespaces);
        }
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self {
            namespaces: Arc::default(),
        }
    }
}

impl<T> Clone for Objects<T> {
    fn clone(&self) -> Self {
        Self {
            namespaces: Arc::clone(&self.namespaces),
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

#[derive(Debug)]
struct InNamespace<T> {
    objects: ByName<Loaded<T>>,
    owned: ByName<ByName<Loaded<T>>>,
}

impl<T: Kind> InNamespace<T> {
    fn insert(&mut self, name: Arc<str>, object: Loaded<T>) -> Option<Loaded<T>> {
        let before = self.remove(&name);
        if let Some(owner) = object.owner() {
            let owned = self.owned.entry(Arc::from(owner)).or_default();
            owned.insert(Arc::clone(&name), object.clone());
        }
        self.objects.insert(name, object);
        before
    }

    fn remove(&mut self, name: &str) -> Option<Loaded<T>> {
        let removed = self.objects.remove(name)?;
        if let Some(owner) = removed.owner()
            && let Some(owned) = self.owned.get_mut(owner)
        {
            owned.remove(name);
            if owned.is_empty() {
                self.owned.remove(owner);
            }
        }
        Some(removed)
    }
}

impl<T> InNamespace<T> {
    fn says_the_same(&self, other: &Self) -> bool {
        let pairs = || self.objects.values().zip(other.objects.values());
        self.objects.len() == other.objects.len()
            && pairs().all(|(one, other)| one.same(other) && one.place() == other.place())
    }
}

impl<T> Default for InNamespace<T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            owned: BTreeMap::new(),
        }
    }
}

impl<T> Clone for InNamespace<T> {
    fn clone(&self) -> Self {
        Self {
            objects: self.objects.clone(),
            owned: self.owned.clone(),
        }
    }
}
