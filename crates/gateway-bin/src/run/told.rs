//! What the log has said, so that it says nothing twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::listening::Socket;
use crate::findings::{Finding, Identity};

/// The problems and sockets that were told of.
#[derive(Debug, Default)]
pub(super) struct Told {
    problems: HashSet<Identity>,
    listening: BTreeMap<Socket, String>,
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

    /// Whether these are other sockets than were told of.
    pub(super) fn is_news(&self, sockets: &[Socket]) -> bool {
        let sockets: BTreeSet<_> = sockets.iter().collect();

        !sockets.into_iter().eq(self.listening.keys())
    }

    /// Tells of sockets that are new, or gone, or have other listeners.
    pub(super) fn listening(&mut self, now: BTreeMap<Socket, String>) {
        for socket in self.listening.keys().filter(|old| !now.contains_key(old)) {
            tracing::info!("no longer listening on {socket}");
        }
        for (socket, whom) in &now {
            if self.listening.get(socket) != Some(whom) {
                tracing::info!("listening on {socket} for {whom}");
            }
        }
        self.listening = now;
    }
}
