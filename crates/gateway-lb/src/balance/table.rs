//! What a thread knows of each endpoint.

use std::iter::zip;
use std::mem;
use std::sync::Arc;

use crate::endpoint::{Endpoint, EndpointSet};

/// The endpoints as a thread saw them last, with something of each.
#[derive(Debug)]
pub(super) struct Table<T> {
    endpoints: Arc<EndpointSet>,
    entries: Vec<T>,
}

impl<T> Table<T> {
    /// Goes over to `endpoints`, taking along the entries of those that stay.
    pub(super) fn follow(&mut self, endpoints: &Arc<EndpointSet>, new: impl Fn(&Endpoint) -> T) {
        if Arc::ptr_eq(&self.endpoints, endpoints) {
            return;
        }
        let before = mem::replace(&mut self.endpoints, Arc::clone(endpoints));
        // Both sets are sorted, so one pass through the two is enough.
        let mut known = zip(before.iter(), mem::take(&mut self.entries)).peekable();

        self.entries = endpoints
            .iter()
            .map(|endpoint| {
                while known
                    .next_if(|(old, _)| old.address() < endpoint.address())
                    .is_some()
                {}
                known
                    .next_if(|(old, _)| old.address() == endpoint.address())
                    .map_or_else(|| new(endpoint), |(_, entry)| entry)
            })
            .collect();
    }

    pub(super) fn endpoints(&self) -> &EndpointSet {
        &self.endpoints
    }

    pub(super) fn entries(&self) -> &[T] {
        &self.entries
    }

    pub(super) fn get(&self, index: usize) -> Option<(&Endpoint, &T)> {
        Some((
            self.endpoints.as_slice().get(index)?,
            self.entries.get(index)?,
        ))
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<(&Endpoint, &mut T)> {
        Some((
            self.endpoints.as_slice().get(index)?,
            self.entries.get_mut(index)?,
        ))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&Endpoint, &mut T)> {
        zip(self.endpoints.iter(), &mut self.entries)
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            endpoints: Arc::default(),
            entries: Vec::new(),
        }
    }
}
