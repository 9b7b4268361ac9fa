//! What the log has said, so that it says nothing twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::SocketAddr;

use crate::findings::{Finding, Identity};

/// The problems and addresses that were told of.
#[derive(Debug, Default)]
pub(super) struct Told {
    problems: HashSet<Identity>,
    listening: BTreeMap<SocketAddr, String>,
}

impl Told {
    /// Tells of problems that are new, and of how many are gone.
    pub(super) fn problems(&mut self, now: Vec<Finding>) {
        let identities: HashSet<_> = now.iter().map(Finding::identity).collect();
        let solved = self.problems.difference(&identities).count();

        for finding in &now {
            if self.problems.contains(&finding.identity()) {
                continue;
            }
            if finding.is_error() {
                tracing::error!("{finding}");
            } else {
                tracing::warn!("{finding}");
            }
        }
        if solved > 0 {
            let plural = if solved == 1 { "" } else { "s" };
            tracing::info!("{solved} problem{plural} solved, {} left", now.len());
        }
        self.problems = identities;
    }

    /// Whether these are other addresses than were told of.
    pub(super) fn is_news(&self, addresses: &[SocketAddr]) -> bool {
        let addresses: BTreeSet<_> = addresses.iter().collect();

        !addresses.into_iter().eq(self.listening.keys())
    }

    /// Tells of addresses that are new, or gone, or have other listeners.
    pub(super) fn listening(&mut self, now: BTreeMap<SocketAddr, String>) {
        for address in self.listening.keys().filter(|old| !now.contains_key(old)) {
            tracing::info!("no longer listening on {address}");
        }
        for (address, whom) in &now {
            if self.listening.get(address) != Some(whom) {
                tracing::info!("listening on {address} for {whom}");
            }
        }
        self.listening = now;
    }
}
