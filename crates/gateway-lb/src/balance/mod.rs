//! Chooses among the endpoints of a backend.
//!
//! A [`Balancer`] is made once per backend and shared. [`Balancer::pick`] takes `&self` and waits
//! for no request: each thread has its own rotation and its own counts, so that workers write to no
//! common memory, except where [loads are bounded](LoadBound). With few requests per thread the
//! endpoints' totals may therefore differ by one per thread.
//!
//! A [`Pick`] is held for as long as the request is in flight, response body included: dropping it
//! is what tells [`Algorithm::LeastRequest`] that the request is done.
//!
//! # Endpoints that come, go and fail
//!
//! [`Balancer::update`] changes the set: the next pick is of the new one, and requests in flight
//! finish. Which members of the set may be picked is worked out when something changes, not for
//! each request: [`Preference`] puts zones first and backups last, a shared [`Health`] leaves out
//! those that are not well, and [`SlowStart`] gives those that are new less to do. None of this is
//! on by default, except that backups wait until no other endpoint is left.
//!
//! # One endpoint for one key
//!
//! [`Algorithm::Maglev`] and [`Algorithm::RingHash`] send equal keys to equal endpoints, in every
//! process and every release. [`HashKey`] takes the key from a request, and
//! [`Balancer::pick_keyed`] obeys it. Of ten endpoints that lose one, a tenth of the keys moves.
//!
//! # Cost
//!
//! A pick reads one pointer that changes with the set, and what [`Health`] says it reads; what
//! each [`Algorithm`] adds is said there. A change costs more: what may be picked, and tables, are
//! worked out anew by the first to notice. Nothing is locked, except for a moment by those who pick
//! when an ejection is over.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | each endpoint in turn, and backups once no other is left; all are thought well |
//! | for each request | one pointer, what [`Health`] says it reads, and what the [`Algorithm`] says; no allocation |
//! | misconfigured | settings that make no sense are taken as the nearest that do; each says so |
//! | nobody to pick | because the set is empty, nobody is healthy or all weights are zero: [`NoReadyEndpoint`], at once |
//! | overloaded | is not known here: of endpoints that are all busy, one is picked; connections are [limited](crate::connections::ConnectionLimit) |
//! | dropped half-way | the pick is no longer in flight; [`Algorithm::PeakEwma`] learns that it took that long at least, [`Health`] learns nothing |
//!
//! # Example
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use gateway_lb::balance::{Algorithm, Balancer, NoReadyEndpoint};
//! use gateway_lb::EndpointSet;
//!
//! # fn main() -> Result<(), NoReadyEndpoint> {
//! let one = SocketAddr::from(([10, 0, 0, 1], 8080));
//! let two = SocketAddr::from(([10, 0, 0, 2], 8080));
//! let balancer = Balancer::new(Algorithm::LeastRequest, EndpointSet::from_iter([one, two]));
//!
//! let busy = balancer.pick()?;
//! let other = balancer.pick()?;
//! assert_ne!(busy.address(), other.address());
//!
//! // A retry goes elsewhere, and an endpoint that has left is not picked again.
//! assert_eq!(balancer.pick_avoiding(&[one])?.address(), two);
//! balancer.update(EndpointSet::from_iter([one]));
//! assert_eq!(balancer.pick()?.address(), one);
//!
//! balancer.update(EndpointSet::new());
//! assert!(balancer.pick().is_err());
//! # Ok(())
//! # }
//! ```

use std::net::SocketAddr;

use arc_swap::{ArcSwap, Guard};

use self::hashed::Hashed;
use self::least_request::LeastRequest;
use self::peak_ewma::PeakEwmas;
use self::pick::Hold;
use self::round_robin::RoundRobin;
use self::snapshot::{Options, Plan, Snapshot};
use self::weighted::Weighted;
use crate::clock;
use crate::endpoint::{Endpoint, EndpointSet};
use crate::health::Health;

mod algorithm;
mod eligible;
mod hashed;
mod key;
mod least_request;
mod peak_ewma;
mod pick;
mod random;
mod round_robin;
mod slow_start;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;
mod two;
mod weighted;

pub use self::algorithm::{Algorithm, LoadBound, Maglev, PeakEwma, RingHash};
pub use self::eligible::Preference;
pub use self::key::HashKey;
pub use self::pick::{Outcome, Pick};
pub use self::slow_start::SlowStart;

/// Picks an endpoint for each request. See the [module docs](self) for an example.
#[derive(Debug)]
pub struct Balancer {
    snapshot: ArcSwap<Snapshot>,
    state: State,
    options: Box<Options>,
}

impl Balancer {
    /// Picks among `endpoints` by `algorithm`.
    #[must_use]
    pub fn new(algorithm: Algorithm, endpoints: EndpointSet) -> Self {
        let options = Box::<Options>::default();
        Self {
            snapshot: ArcSwap::from_pointee(Snapshot::first(&options, algorithm, endpoints)),
            state: State::of(algorithm),
            options,
        }
    }

    /// Prefers some endpoints to others. By default backups are the last resort.
    #[must_use]
    pub fn with_preference(mut self, preference: Preference) -> Self {
        self.options.preference = preference;
        self.restarted()
    }

    /// Gives endpoints that join later a share that grows. Off by default.
    #[must_use]
    pub fn with_slow_start(mut self, slow_start: SlowStart) -> Self {
        self.options.slow_start = Some(slow_start);
        self.restarted()
    }

    /// Picks endpoints that are healthy, as `health` sees it. Several balancers may share one. By
    /// default every endpoint is.
    #[must_use]
    pub fn with_health(mut self, health: Health) -> Self {
        self.options.health = Some(health);
        self.restarted()
    }

    fn restarted(self) -> Self {
        let first = Snapshot::first(&self.options, self.algorithm(), self.endpoints());
        self.snapshot.store(first.into());
        self
    }

    /// An endpoint for the next request. Algorithms that hash take a random key.
    ///
    /// # Errors
    ///
    /// [`NoReadyEndpoint`] if none may be picked.
    pub fn pick(&self) -> Result<Pick, NoReadyEndpoint> {
        self.pick_avoiding(&[])
    }

    /// An endpoint other than those at `avoid`, if there is another; otherwise one of those.
    ///
    /// This is for the attempts after the first: `avoid` holds the addresses that failed already.
    /// Addresses that are not in the set do no harm.
    ///
    /// # Errors
    ///
    /// [`NoReadyEndpoint`] if none may be picked.
    pub fn pick_avoiding(&self, avoid: &[SocketAddr]) -> Result<Pick, NoReadyEndpoint> {
        self.pick_by(None, avoid)
    }

    /// The endpoint for `key`, for the algorithms that hash; others take no notice of it.
    ///
    /// # Errors
    ///
    /// [`NoReadyEndpoint`] if none may be picked.
    pub fn pick_keyed(&self, key: u64) -> Result<Pick, NoReadyEndpoint> {
        self.pick_by(Some(key), &[])
    }

    /// The endpoint for `key` that is not at `avoid`, if there is another.
    ///
    /// With equal keys and equal lists it is the same again.
    ///
    /// # Errors
    ///
    /// [`NoReadyEndpoint`] if none may be picked.
    pub fn pick_keyed_avoiding(
        &self,
        key: u64,
        avoid: &[SocketAddr],
    ) -> Result<Pick, NoReadyEndpoint> {
        self.pick_by(Some(key), avoid)
    }

    /// The endpoint at `address`, if it is in the set and healthy; this is for sessions.
    ///
    /// Neither zones nor weights keep a session from its endpoint: one of weight zero keeps those
    /// it has, and gets no new ones. The pick is not counted among the requests in flight.
    #[must_use]
    pub fn pick_at(&self, address: SocketAddr) -> Option<Pick> {
        let snapshot = self.current();
        let index = snapshot.all().position(address)?;
        let may_be_picked =
            snapshot.is_healthy(index) || snapshot.eligible().get(index) == Some(&true);
        let endpoint = snapshot.all().as_slice().get(index)?;
        may_be_picked.then(|| Pick::new(endpoint.clone(), Hold::None))
    }

    /// Tells how the endpoint of `pick` has answered: both [the pick](Pick::answered) and the
    /// [`Health`] of this balancer learn from it.
    pub fn answered(&self, pick: &mut Pick, outcome: Outcome) {
        pick.answered(outcome);
        if let Some(health) = &self.options.health {
            health.report(pick.address(), outcome);
        }
    }

    /// Picks among `endpoints` from now on.
    ///
    /// What is known of endpoints that stay is kept: a rotation goes on where it was, and requests
    /// in flight are still counted. An endpoint that leaves is forgotten, even if it comes back.
    /// Picks already made stay valid.
    ///
    /// Algorithms that hash make their table here, which takes up to some milliseconds.
    pub fn update(&self, endpoints: EndpointSet) {
        if *self.snapshot.load().all() == endpoints {
            return;
        }
        let now = clock::now();
        self.snapshot
            .rcu(|before| before.of(&self.options, self.algorithm(), endpoints.clone(), now));
    }

    /// The endpoints that were given, whether they may be picked or not.
    #[must_use]
    pub fn endpoints(&self) -> EndpointSet {
        self.snapshot.load().all().clone()
    }

    /// The endpoints that may be picked at the moment.
    #[must_use]
    pub fn ready_endpoints(&self) -> EndpointSet {
        EndpointSet::clone(self.current().usable())
    }

    /// Whether one of the endpoints that are picked from is at `address`.
    #[must_use]
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.snapshot.load().all().contains(address)
    }

    /// How endpoints are picked.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.state {
            State::RoundRobin(_) => Algorithm::RoundRobin,
            State::LeastRequest(_) => Algorithm::LeastRequest,
            State::Weighted(_) => Algorithm::WeightedRoundRobin,
            State::PeakEwma(state) => Algorithm::PeakEwma(state.settings()),
            State::Planned(algorithm) => *algorithm,
        }
    }

    fn pick_by(&self, key: Option<u64>, avoid: &[SocketAddr]) -> Result<Pick, NoReadyEndpoint> {
        let snapshot = self.current();
        match (snapshot.starting(), snapshot.plan()) {
            (_, Plan::Hashed(hashed)) => pick_hashed(hashed, &snapshot, key, avoid),
            (None, _) => self.state.pick(&snapshot, avoid),
            (Some(_), _) => self.pick_slowly(&snapshot, avoid),
        }
        .ok_or(NoReadyEndpoint)
    }

    /// Declines picks of endpoints that are starting, as often as their share says.
    fn pick_slowly(&self, snapshot: &Snapshot, avoid: &[SocketAddr]) -> Option<Pick> {
        let now = clock::now();
        let share = |endpoint: &Endpoint| match (snapshot.starting(), &self.options.slow_start) {
            (Some(starting), Some(settings)) => snapshot
                .usable()
                .position(endpoint.address())
                .map_or(1.0, |index| starting.share(settings, index, now)),
            _ => 1.0,
        };
        for _ in 0..DECLINES {
            let pick = self.state.pick(snapshot, avoid)?;
            let share = share(&pick);
            if share >= 1.0 || fastrand::f64() < share {
                return Some(pick);
            }
        }
        self.state.pick(snapshot, avoid)
    }

    fn current(&self) -> Guard<std::sync::Arc<Snapshot>> {
        let snapshot = self.snapshot.load();
        if !snapshot.may_be_stale() {
            return snapshot;
        }
        let now = clock::now();
        let Some(next) = snapshot.refreshed(&self.options, now) else {
            return snapshot;
        };
        // If somebody else has been faster, theirs is as new, or the next pick makes it so.
        self.snapshot.compare_and_swap(&snapshot, next.into());
        self.snapshot.load()
    }
}

fn pick_hashed(
    hashed: &Hashed,
    snapshot: &Snapshot,
    key: Option<u64>,
    avoid: &[SocketAddr],
) -> Option<Pick> {
    let key = key.unwrap_or_else(|| fastrand::u64(..));
    hashed.pick(key, snapshot.eligible(), avoid)
}

/// How often an endpoint that is starting is declined in a row; what is left after so many is
/// too little to matter.
const DECLINES: usize = 16;

/// No endpoint of the backend may be picked: there is none, or none is healthy.
///
/// Of such a backend the Gateway API's `HTTPRouteRule.backendRefs` says that its requests should be
/// answered with 503.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[error("no endpoint is ready")]
pub struct NoReadyEndpoint;

/// What an algorithm remembers from pick to pick.
#[derive(Debug)]
enum State {
    RoundRobin(RoundRobin),
    LeastRequest(LeastRequest),
    Weighted(Weighted),
    PeakEwma(Box<PeakEwmas>),
    /// Nothing: all there is to know is in the snapshot's plan.
    Planned(Algorithm),
}

impl State {
    fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RoundRobin => Self::RoundRobin(RoundRobin::new()),
            Algorithm::LeastRequest => Self::LeastRequest(LeastRequest::new()),
            Algorithm::WeightedRoundRobin => Self::Weighted(Weighted::new()),
            Algorithm::PeakEwma(settings) => Self::PeakEwma(Box::new(PeakEwmas::new(settings))),
            Algorithm::Random | Algorithm::RingHash(_) | Algorithm::Maglev(_) => {
                Self::Planned(algorithm)
            }
        }
    }

    fn pick(&self, snapshot: &Snapshot, avoid: &[SocketAddr]) -> Option<Pick> {
        let usable = snapshot.usable();
        match (self, snapshot.plan()) {
            (Self::RoundRobin(rotation), _) => rotation.pick(usable, avoid),
            (Self::LeastRequest(counts), _) => counts.pick(usable, avoid),
            (Self::Weighted(credits), _) => credits.pick(usable, avoid),
            (Self::PeakEwma(latencies), _) => latencies.pick(usable, avoid),
            (Self::Planned(_), Plan::Sums(sums)) => random::pick(usable, sums, avoid),
            (Self::Planned(_), Plan::Hashed(hashed)) => pick_hashed(hashed, snapshot, None, avoid),
            (Self::Planned(_), Plan::None) => None,
        }
    }
}
