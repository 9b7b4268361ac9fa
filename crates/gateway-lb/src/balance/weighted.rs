//! In turn, by weight.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;

use super::pick::{Hold, Pick};
use super::table::Table;
use crate::endpoint::{Endpoint, EndpointSet};
use crate::per_thread::PerThread;

/// Smooth weighted round robin, for each thread by itself.
#[derive(Debug)]
pub(super) struct Weighted {
    credits: PerThread<RefCell<Table<Credit>>>,
}

/// What an endpoint has earned and not spent. Each pick it earns its weight; the one that has
/// most is picked and pays what all have earned together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Credit(i64);

impl Weighted {
    pub(super) const fn new() -> Self {
        Self {
            credits: PerThread::new(),
        }
    }

    /// The endpoint whose turn it is among those not at `avoid`, if there are others.
    pub(super) fn pick(&self, endpoints: &Arc<EndpointSet>, avoid: &[SocketAddr]) -> Option<Pick> {
        let mut credits = self.credits.get_or(RefCell::default).borrow_mut();
        // Where a thread begins is random, so that threads do not all begin with the same one.
        credits.follow(endpoints, |endpoint| {
            Credit(fastrand::i64(0..=i64::from(endpoint.weight())))
        });

        let allowed = |endpoint: &Endpoint| !avoid.contains(&endpoint.address());
        let endpoint = if avoid.is_empty() || !endpoints.iter().any(allowed) {
            turn(&mut credits, |_| true)
        } else {
            turn(&mut credits, allowed)
        }?;
        Some(Pick::new(endpoint, Hold::None))
    }
}

fn turn(credits: &mut Table<Credit>, allowed: impl Fn(&Endpoint) -> bool) -> Option<Endpoint> {
    let mut best: Option<(usize, i64)> = None;
    let mut earned = 0;
    for (index, (endpoint, credit)) in credits.iter_mut().enumerate() {
        if !allowed(endpoint) {
            continue;
        }
        let weight = i64::from(endpoint.weight());
        credit.0 += weight;
        earned += weight;
        if best.is_none_or(|(_, most)| credit.0 > most) {
            best = Some((index, credit.0));
        }
    }

    let (endpoint, credit) = credits.get_mut(best?.0)?;
    credit.0 -= earned;
    Some(endpoint.clone())
}
