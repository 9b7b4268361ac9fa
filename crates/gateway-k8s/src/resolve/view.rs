//! Reading a world, and remembering what was read.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

use crate::world::{Kind, Loaded, World};

/// A world that writes down what it is asked.
///
/// Whatever is worked out from a view alone may be used again for any world that
/// answers the same questions with the same objects.
#[derive(Debug)]
pub(super) struct View<'w> {
    world: &'w World,
    looks: RefCell<Vec<Look>>,
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
        self.look(Question::One(namespace.into(), name.into()))
            .into_iter()
            .next()
    }

    /// Every object of one kind in one namespace.
    pub(super) fn in_namespace<T: Kind>(&self, namespace: &str) -> Vec<&'w Loaded<T>> {
        self.look(Question::InNamespace(namespace.into()))
    }

    /// Every object of one kind with this owner.
    pub(super) fn owned_by<T: Kind>(&self, namespace: &str, owner: &str) -> Vec<&'w Loaded<T>> {
        self.look(Question::OwnedBy(namespace.into(), owner.into()))
    }

    /// Everything that was asked.
    pub(super) fn into_looks(self) -> Looks {
        Looks(self.looks.into_inner())
    }

    fn look<T: Kind>(&self, question: Question) -> Vec<&'w Loaded<T>> {
        let mut found = Vec::new();
        question.ask(self.world, |object| found.push(object));
        let kept = found.iter().map(|object: &&Loaded<T>| {
            let object: Kept = Arc::clone(object.object()) as _;
            object
        });
        self.looks.borrow_mut().push(Look {
            found: kept.collect(),
            question,
            same_kind: |one, other| one.objects::<T>().same(other.objects::<T>()),
            holds: Look::holds::<T>,
        });

        found
    }
}

/// What was asked of a world, and the answers.
#[derive(Debug)]
pub(super) struct Looks(Vec<Look>);

impl Looks {
    /// Whether `now` gives the answers that `before` gave.
    pub(super) fn hold(&self, before: &World, now: &World) -> bool {
        let holds = |look: &Look| (look.same_kind)(before, now) || (look.holds)(look, now);

        self.0.iter().all(holds)
    }
}

struct Look {
    question: Question,
    // Kept alive, so that no other object can take the same address.
    found: Vec<Kept>,
    same_kind: fn(&World, &World) -> bool,
    holds: fn(&Self, &World) -> bool,
}

impl Look {
    fn holds<T: Kind>(&self, world: &World) -> bool {
        let mut kept = self.found.iter();
        let mut same = true;
        self.question.ask(world, |now: &Loaded<T>| {
            let address = Arc::as_ptr(now.object());
            same &= kept
                .next()
                .is_some_and(|kept| std::ptr::addr_eq(Arc::as_ptr(kept), address));
        });

        same && kept.next().is_none()
    }
}

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {} found", self.question, self.found.len())
    }
}

type Kept = Arc<dyn Any + Send + Sync>;

#[derive(Debug)]
enum Question {
    One(Box<str>, Box<str>),
    InNamespace(Box<str>),
    OwnedBy(Box<str>, Box<str>),
}

impl Question {
    fn ask<'w, T: Kind>(&self, world: &'w World, answer: impl FnMut(&'w Loaded<T>)) {
        let objects = world.objects::<T>();

        match self {
            Self::One(namespace, name) => objects.get(namespace, name).into_iter().for_each(answer),
            Self::InNamespace(namespace) => objects.in_namespace(namespace).for_each(answer),
            Self::OwnedBy(namespace, owner) => objects.owned_by(namespace, owner).for_each(answer),
        }
    }
}
