//! Why a request goes where it goes.
//!
//! This reads the listeners as they are written, one match after the other, and
//! so it is also what the index is held against in tests.

mod why_not;

#[cfg(test)]
mod tests;

pub use self::why_not::{Advantage, WhyNot, WhyNotListener};

use std::cmp::Reverse;
use std::sync::Arc;

use self::why_not::Request;
use super::RequestHead;
use super::precedence::{HostRank, Precedence};
use crate::model::{Hostname, Listener, PathMatch, Route, RouteMatch};

/// Says which listener and which rule a request goes to, and why not to others.
///
/// `listeners` are those that share the address and port at which the request
/// arrives, in their order. The cost grows with the number of routes.
pub fn explain(listeners: &[Arc<Listener>], head: &RequestHead<'_>) -> Explanation {
    let request = Request::new(head);
    let chosen = choose(listeners, head.host);
    let judged = judge_all(listeners, chosen, &request);
    let winner = judged
        .iter()
        .filter(|judged| judged.why_not.is_empty())
        .min_by_key(|judged| judged.precedence());

    let mut misses: Vec<_> = judged
        .iter()
        .filter(|judged| winner.is_none_or(|winner| winner.place() != judged.place()))
        .map(|judged| (judged.farness(head.path), judged))
        .collect();
    misses.sort_by_key(|(farness, judged)| (*farness, judged.precedence()));

    Explanation {
        listener: chosen.map(|place| Arc::clone(&listeners[place])),
        other_listeners: other_listeners(listeners, chosen, &request),
        winner: winner.map(Judged::winner),
        near_misses: misses
            .into_iter()
            .map(|(_, judged)| judged.miss(winner))
            .collect(),
    }
}

/// Where a request goes, and what else it might have been meant for.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The listener that gets it. None: no listener serves the hostname.
    pub listener: Option<Arc<Listener>>,
    /// The other listeners, in their order.
    pub other_listeners: Vec<ListenerMiss>,
    /// The match that decides. None: the listener has no route for it.
    pub winner: Option<Winner>,
    /// Every other match, the nearest first: those that hold but lose; then those
    /// with the right hostname and path; then those with the right hostname, by
    /// how much of the path they share; then the rest.
    pub near_misses: Vec<NearMiss>,
}

/// A listener that does not get the request.
#[derive(Clone, Debug)]
pub struct ListenerMiss {
    /// The listener.
    pub listener: Arc<Listener>,
    /// Why it does not.
    pub why_not: WhyNotListener,
}

/// The match that decides about a request.
#[derive(Clone, Debug)]
pub struct Winner {
    /// Its route.
    pub route: Arc<Route>,
    /// The hostname of the route that is meant; none if the route has none.
    pub hostname: Option<Hostname>,
    /// The place of the rule in the route.
    pub rule_index: usize,
    /// The place of the match in the rule; 0 for a rule without matches.
    pub match_index: usize,
}

/// A match that does not get the request.
#[derive(Clone, Debug)]
pub struct NearMiss {
    /// The listener that its route is attached to.
    pub listener: Arc<Listener>,
    /// Its route.
    pub route: Arc<Route>,
    /// The place of the rule in the route.
    pub rule_index: usize,
    /// The place of the match in the rule; 0 for a rule without matches.
    pub match_index: usize,
    /// Every reason, of which there is one at least.
    pub why_not: Vec<WhyNot>,
}

/// A match, held against the request.
struct Judged<'a> {
    listener: &'a Arc<Listener>,
    route: &'a Arc<Route>,
    hostname: Option<&'a Hostname>,
    rule_index: usize,
    match_index: usize,
    condition: Option<&'a RouteMatch>,
    /// Of the listener, and of the route in its list.
    position: (usize, usize),
    /// Apart from others that may win.
    why_not: Vec<WhyNot>,
}

type FullPrecedence<'a> = (HostRank, Precedence<'a>, (usize, usize), (usize, usize));

impl Judged<'_> {
    /// The smallest wins.
    fn precedence(&self) -> FullPrecedence<'_> {
        (
            HostRank::new(self.hostname),
            Precedence::new(self.route, self.condition),
            self.position,
            (self.rule_index, self.match_index),
        )
    }

    fn place(&self) -> ((usize, usize), usize, usize) {
        (self.position, self.rule_index, self.match_index)
    }

    /// The smallest is the nearest.
    fn farness(&self, path: &str) -> (bool, bool, usize, Reverse<usize>) {
        let any = |is_it: fn(&WhyNot) -> bool| self.why_not.iter().any(is_it);
        let shared = match self.condition.map(RouteMatch::path_match) {
            Some(PathMatch::Exact(wanted) | PathMatch::Prefix(wanted)) => {
                let pairs = wanted.bytes().zip(path.bytes());
                pairs.take_while(|(a, b)| a == b).count()
            }
            Some(PathMatch::Regex(_)) | None => 0,
        };

        (
            any(|why| matches!(why, WhyNot::Hostname { .. })),
            any(|why| matches!(why, WhyNot::Path { .. })),
            self.why_not.len(),
            Reverse(shared),
        )
    }

    fn winner(&self) -> Winner {
        Winner {
            route: Arc::clone(self.route),
            hostname: self.hostname.cloned(),
            rule_index: self.rule_index,
            match_index: self.match_index,
        }
    }

    fn miss(&self, winner: Option<&Judged<'_>>) -> NearMiss {
        let mut why_not = self.why_not.clone();
        if let Some(winner) = winner.filter(|_| why_not.is_empty()) {
            why_not.push(WhyNot::Loses {
                to: winner.route.rule_ref(winner.rule_index),
                advantage: winner.advantage(self),
            });
        }

        NearMiss {
            listener: Arc::clone(self.listener),
            route: Arc::clone(self.route),
            rule_index: self.rule_index,
            match_index: self.match_index,
            why_not,
        }
    }

    fn advantage(&self, other: &Judged<'_>) -> Advantage {
        let (mine, theirs) = (self.precedence(), other.precedence());

        if mine.0 < theirs.0 {
            return Advantage::Hostname;
        }
        mine.1.advantage(&theirs.1).unwrap_or(Advantage::Position)
    }
}

/// The place of the listener that gets requests for `host`.
fn choose(listeners: &[Arc<Listener>], host: &str) -> Option<usize> {
    (0..listeners.len())
        .filter(|place| serves(&listeners[*place], host))
        .min_by_key(|place| HostRank::new(listeners[*place].hostname()))
}

fn serves(listener: &Listener, host: &str) -> bool {
    listener.hostname().is_none_or(|name| name.matches(host))
}

fn other_listeners(
    listeners: &[Arc<Listener>],
    chosen: Option<usize>,
    request: &Request<'_>,
) -> Vec<ListenerMiss> {
    let others = listeners.iter().enumerate();

    others
        .filter(|(place, _)| Some(*place) != chosen)
        .map(|(_, listener)| ListenerMiss {
            listener: Arc::clone(listener),
            why_not: request.why_not_listener(listener, chosen.map(|place| &*listeners[place])),
        })
        .collect()
}

fn judge_all<'a>(
    listeners: &'a [Arc<Listener>],
    chosen: Option<usize>,
    request: &Request<'_>,
) -> Vec<Judged<'a>> {
    let mut judged = Vec::new();

    for (place, listener) in listeners.iter().enumerate() {
        let isolated = match chosen {
            Some(chosen) if chosen != place => Some(WhyNot::OtherListener {
                chosen: listeners[chosen].name().clone(),
            }),
            Some(_) => None,
            None => Some(WhyNot::NoListener),
        };
        for (index, route) in listener.routes().iter().enumerate() {
            judge_route(
                listener,
                route,
                (place, index),
                isolated.as_ref(),
                request,
                &mut judged,
            );
        }
    }
    judged
}

fn judge_route<'a>(
    listener: &'a Arc<Listener>,
    route: &'a Arc<Route>,
    position: (usize, usize),
    isolated: Option<&WhyNot>,
    request: &Request<'_>,
    judged: &mut Vec<Judged<'a>>,
) {
    let meant = route.hostnames().iter();
    let hostname = meant
        .filter(|name| name.matches(request.host()))
        .min_by_key(|name| HostRank::new(Some(name)));
    let astray = request.why_not_route(route);

    for (rule_index, rule) in route.rules().iter().enumerate() {
        // A rule without matches has one, for every path.
        for match_index in 0..rule.matches().len().max(1) {
            let condition = rule.matches().get(match_index);
            let mut why_not: Vec<_> = isolated.into_iter().chain(&astray).cloned().collect();
            if let Some(condition) = condition {
                request.why_not_match(condition, &mut why_not);
            } else {
                request.why_not_path(&PathMatch::default(), &mut why_not);
            }

            judged.push(Judged {
                listener,
                route,
                hostname,
                rule_index,
                match_index,
                condition,
                position,
                why_not,
            });
        }
    }
}
