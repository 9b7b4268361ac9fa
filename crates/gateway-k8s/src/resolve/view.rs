//! Reading a world, and remembering what was asked.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::{FixedState, RandomState};

use crate::world::{Change, ForEachKind, Kind, Loaded, World};

/// A world that writes down what it is asked.
///
/// Whatever is worked out from a view alone may be used again for any later world,
/// as long as no change in between [touched](Touched) one of the questions.
#[derive(Debug)]
pub(super) struct View<'w> {
    world: &'w World,
    looks: RefCell<(u64, Vec<u64>)>,
}

impl<'w> View<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        Self {
            world,
            looks: RefCell::default(),
        }
    }

    /// One object.
    pub(super) fn get<T: Kind>(&self, namespace: &str, name: &str) -> Option<&'w Loaded<T>> {
        self.note::<T>(Question::One(namespace, name));
        self.world.objects().get(namespace, name)
    }

    /// Every object of one kind in one namespace.
    pub(super) fn in_namespace<T: Kind>(&self, namespace: &str) -> Vec<&'w Loaded<T>> {
        self.note::<T>(Question::InNamespace(namespace));
        self.world.objects().in_namespace(namespace).collect()
    }

    /// Every object of one kind with this owner.
    pub(super) fn owned_by<T: Kind>(&self, namespace: &str, owner: &str) -> Vec<&'w Loaded<T>> {
        self.note::<T>(Question::OwnedBy(namespace, owner));
        self.world.objects().owned_by(namespace, owner).collect()
    }

    /// Everything that was asked.
    pub(super) fn into_looks(self) -> Looks {
        let (kinds, mut questions) = self.looks.into_inner();
        questions.sort_unstable();
        questions.dedup();
        Looks {
            kinds,
            questions: questions.into(),
        }
    }

    fn note<T: Kind>(&self, question: Question<'_>) {
        let mut looks = self.looks.borrow_mut();
        looks.0 |= T::BIT;
        looks.1.push(question.digest::<T>());
    }
}

/// What was asked of a world.
///
/// Only digests of the questions: should two have the same, a result is worked out
/// again that need not have been.
#[derive(Clone, Debug, Default)]
pub(super) struct Looks {
    /// The bits of the kinds that were asked about.
    pub(super) kinds: u64,
    questions: Box<[u64]>,
}

impl Looks {
    /// Whether every answer is what it was.
    pub(super) fn hold(&self, touched: &Touched) -> bool {
        let is_touched = |question| touched.questions.contains(question);
        self.kinds & touched.kinds == 0 || !self.questions.iter().any(is_touched)
    }
}

/// The questions that have another answer in one world than in the one before.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// The bits of the kinds of which some object changed.
    pub(super) kinds: u64,
    questions: HashSet<u64, RandomState>,
}

impl Touched {
    pub(super) fn between(before: &World, now: &World) -> Self {
        let mut collect = Collect {
            before,
            now,
            touched: Self::default(),
        };
        World::for_each_kind(&mut collect);
        collect.touched
    }
}

struct Collect<'a> {
    before: &'a World,
    now: &'a World,
    touched: Touched,
}

impl ForEachKind for Collect<'_> {
    fn of_kind<T: Kind>(&mut self) {
        for Change { before, now } in self.now.objects::<T>().changes(self.before.objects()) {
            self.touched.kinds |= T::BIT;
            for object in [before, now].into_iter().flatten() {
                let meta = object.meta();
                let namespace = meta.namespace.as_deref().unwrap_or_default();
                let name = meta.name.as_deref().unwrap_or_default();
                let owned = object
                    .owner()
                    .map(|owner| Question::OwnedBy(namespace, owner));
                let always = [
                    Question::One(namespace, name),
                    Question::InNamespace(namespace),
                ];
                let questions = always.into_iter().chain(owned);
                let digests = questions.map(|question| question.digest::<T>());
                self.touched.questions.extend(digests);
            }
        }
    }
}

#[derive(Hash)]
enum Question<'a> {
    One(&'a str, &'a str),
    InNamespace(&'a str),
    OwnedBy(&'a str, &'a str),
}

impl Question<'_> {
    fn digest<T: Kind>(&self) -> u64 {
        FixedState::default().hash_one((T::BIT, self))
    }
}
