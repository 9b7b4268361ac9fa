//! A match of a rule of a route, where a look-up meets it.

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use super::precedence::Precedence;
use super::table::Match;
use super::{RequestHead, conditions};
use crate::model::{PathMatch, Route, RouteMatch};

/// A route with what its rules lead to.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) route: Arc<Route>,
    /// One for each rule; none where no request can get here.
    pub(super) targets: Targets<T>,
}

/// What the rules of a route lead to. Most routes have one rule.
#[derive(Debug)]
pub(super) enum Targets<T> {
    One(T),
    Several(Box<[T]>),
}

impl<T> Targets<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::One(target) => std::slice::from_ref(target),
            Self::Several(targets) => targets,
        }
    }
}

impl<T> FromIterator<T> for Targets<T> {
    fn from_iter<I: IntoIterator<Item = T>>(targets: I) -> Self {
        let mut targets: Vec<_> = targets.into_iter().collect();

        match targets.pop() {
            Some(target) if targets.is_empty() => Self::One(target),
            last => Self::Several(targets.into_iter().chain(last).collect()),
        }
    }
}

impl<T> Entry<T> {
    /// Every match of every rule, with the rule's place and its own. A rule without
    /// matches has one for every path.
    pub(super) fn conditions(
        &self,
    ) -> impl Iterator<Item = (usize, usize, &PathMatch, Option<&RouteMatch>)> {
        let rules = self.route.rules().iter().enumerate();

        rules.flat_map(|(place, rule)| {
            let every_path = rule
                .matches()
                .is_empty()
                .then(|| (place, 0, &*EVERY_PATH, None));
            let written = rule.matches().iter().enumerate();

            every_path
                .into_iter()
                .chain(written.map(move |(index, it)| (place, index, it.path_match(), Some(it))))
        })
    }
}

/// One match of one rule, with all that an ordinary look-up reads of it.
#[derive(Clone, Debug)]
pub(super) struct Candidate<T> {
    target: T,
    // A look-up takes the address of the route, and reads it only where there are
    // conditions.
    entry: Arc<Entry<T>>,
    // A route of so many rules or matches does not fit into memory.
    rule: u32,
    condition: u32,
    // Known beforehand, so that plain matches do not look into the route.
    conditional: bool,
}

impl<T: Clone> Candidate<T> {
    /// Nothing, if no request can get to the rule.
    pub(super) fn new(
        entry: &Arc<Entry<T>>,
        rule: usize,
        index: usize,
        condition: Option<&RouteMatch>,
    ) -> Option<Self> {
        Some(Self {
            target: entry.targets.as_slice().get(rule)?.clone(),
            entry: Arc::clone(entry),
            rule: rule as u32,
            condition: index as u32,
            conditional: condition.is_some_and(conditions::exist),
        })
    }
}

impl<T> Candidate<T> {
    /// Whether what it asks for besides its path is as it asks.
    #[inline]
    pub(super) fn holds(&self, head: &RequestHead<'_>) -> bool {
        !self.conditional
            || self
                .condition()
                .is_some_and(|condition| conditions::hold(condition, head))
    }

    /// What the look-up answers.
    #[inline]
    pub(super) fn matched(&self) -> Match<'_, T> {
        Match {
            rule: &self.target,
            route: &self.entry.route,
            rule_index: self.rule as usize,
            match_index: self.condition as usize,
        }
    }

    /// Where it belongs.
    pub(super) fn entry(&self) -> *const Entry<T> {
        Arc::as_ptr(&self.entry)
    }

    /// Which of two is asked first. `position` says where in the listener's list a
    /// route is, and is asked only about routes of one name and age.
    pub(super) fn order(
        &self,
        other: &Self,
        position: impl Fn(*const Entry<T>) -> usize,
    ) -> Ordering {
        let here = (self.rule, self.condition);
        let there = (other.rule, other.condition);

        self.precedence()
            .cmp(&other.precedence())
            .then_with(|| {
                if Arc::ptr_eq(&self.entry, &other.entry) {
                    Ordering::Equal
                } else {
                    position(self.entry()).cmp(&position(other.entry()))
                }
            })
            .then(here.cmp(&there))
    }

    fn precedence(&self) -> Precedence<'_> {
        Precedence::new(&self.entry.route, self.condition())
    }

    fn condition(&self) -> Option<&RouteMatch> {
        let rule = self.entry.route.rules().get(self.rule as usize)?;

        rule.matches().get(self.condition as usize)
    }
}

/// What a rule without matches asks for.
pub(super) static EVERY_PATH: LazyLock<PathMatch> = LazyLock::new(PathMatch::default);
