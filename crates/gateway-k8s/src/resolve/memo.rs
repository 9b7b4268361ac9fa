//! Results that are used again while what they came from is the same.

use std::sync::Arc;

use super::Settings;
use super::view::{Looks, Touched, View};
use crate::world::World;

/// From the world that was resolved last to the one that is resolved now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) settings: &'a Settings,
    pub(super) before: &'a World,
    pub(super) now: &'a World,
    pub(super) touched: &'a Touched,
}

/// A result, with everything that was asked for it.
#[derive(Debug)]
pub(super) struct Held<T> {
    pub(super) looks: Looks,
    pub(super) result: Arc<T>,
}

impl<T: PartialEq> Held<T> {
    /// Works something out. What is equal to `last` is `last`.
    pub(super) fn work(
        step: Step<'_>,
        last: Option<&Arc<T>>,
        work: impl FnOnce(&View<'_>) -> T,
    ) -> Self {
        let view = View::new(step.now);
        let result = work(&view);
        let same = last.filter(|last| ***last == result).cloned();
        Self {
            looks: view.into_looks(),
            result: same.unwrap_or_else(|| Arc::new(result)),
        }
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self {
            looks: self.looks.clone(),
            result: Arc::clone(&self.result),
        }
    }
}
