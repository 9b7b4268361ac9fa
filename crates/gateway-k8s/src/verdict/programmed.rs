//! From "to be programmed" to what has happened.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::{
    Condition, ConditionStatus, ConditionType, Decision, GatewayVerdict, ListenerSetVerdict,
    ListenerVerdict, Problem, Reason, Verdict, Verdicts,
};

/// An address that could not be listened on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BindFailure {
    address: SocketAddr,
    datagrams: bool,
    problem: Problem,
}

impl BindFailure {
    /// `address` could not be listened on, because of `cause`.
    pub fn new(address: SocketAddr, cause: &io::Error) -> Self {
        let foreign = cause.kind() == io::ErrorKind::AddrNotAvailable;
        let (reason, remedy) = if foreign {
            (Reason::AddressNotUsable, "use an address of this machine")
        } else {
            (Reason::PortUnavailable, "free the port, or use another one")
        };
        let message = format!("cannot listen on {address}: {cause}");

        Self {
            address,
            datagrams: false,
            problem: Problem::new(reason, message).remedy(remedy),
        }
    }

    /// It was for datagrams, and not for connections as it is by default.
    #[must_use]
    pub fn for_datagrams(mut self) -> Self {
        let address = self.address.to_string();
        let message = &mut self.problem.message;
        *message = message.replacen(&address, &format!("{address}/udp"), 1);
        self.datagrams = true;
        self
    }

    /// Whether it is about this address of a Gateway; no address is every one.
    fn is_about(&self, address: Option<IpAddr>, socket: Socket) -> bool {
        let same = match address {
            Some(address) => self.address.ip() == address,
            None => self.address.ip().is_unspecified(),
        };

        same && self.address.port() == socket.port && self.datagrams == socket.datagrams
    }
}

/// What a listener listens with.
#[derive(Clone, Copy)]
struct Socket {
    port: u16,
    datagrams: bool,
}

impl Verdicts {
    /// Turns every `Programmed` that waits for it into what has happened.
    ///
    /// To be called after the configuration of the same resolution was applied,
    /// with every address that could not be listened on; all others are taken to
    /// be listened on.
    pub fn programmed(&mut self, failed: &[BindFailure]) {
        self.edit_listening(|verdict| verdict.programmed(failed));
    }
}

impl Verdict {
    pub(super) fn programmed(&mut self, failed: &[BindFailure]) {
        match &mut self.decision {
            Decision::Gateway(gateway) => Arc::make_mut(gateway).programmed(failed),
            Decision::ListenerSet(set) => Arc::make_mut(set).programmed(failed),
            Decision::None
            | Decision::GatewayClass(_)
            | Decision::Route(_)
            | Decision::Backend(_)
            | Decision::Policy(_) => {}
        }
    }

    /// Says of a Gateway that it lacks something of the cluster.
    pub(super) fn hindered(&mut self, problem: Problem) {
        if let Decision::Gateway(gateway) = &mut self.decision {
            let bad = Condition::bad(ConditionType::Programmed, vec![problem]);
            replace(&mut Arc::make_mut(gateway).conditions, bad);
        }
    }
}

impl GatewayVerdict {
    fn programmed(&mut self, failed: &[BindFailure]) {
        let (sockets, failures) = settle(&mut self.listeners, &self.addresses, failed);

        self.addresses.retain(|address| {
            let bound = |socket: &Socket| {
                !failures
                    .iter()
                    .any(|one| one.is_about(Some(*address), *socket))
            };
            // Where ListenerSets alone listen, it is up to them.
            sockets.is_empty() || sockets.iter().any(bound)
        });
        if waits(&self.conditions) {
            let condition = self.outcome(&failures);
            replace(&mut self.conditions, condition);
        }
    }

    /// True as soon as one listener works, unless an address was asked for in
    /// vain.
    fn outcome(&self, failures: &[&BindFailure]) -> Condition {
        let works = self.listeners.iter().any(|one| is_true(&one.conditions));
        let mut problems: Vec<_> = failures.iter().map(|one| one.problem.clone()).collect();

        if works {
            problems.retain(|problem| problem.reason == Reason::AddressNotUsable);
        } else {
            // A port that is taken is a reason of listeners only.
            for problem in &mut problems {
                if problem.reason == Reason::PortUnavailable {
                    problem.reason = Reason::Invalid;
                }
            }
            problems.sort_by_key(|problem| problem.reason != Reason::AddressNotUsable);
        }

        Condition::judged(
            ConditionType::Programmed,
            Reason::Programmed,
            "requests are served",
            problems,
        )
    }
}

impl ListenerSetVerdict {
    fn programmed(&mut self, failed: &[BindFailure]) {
        let (_, failures) = settle(&mut self.listeners, &self.addresses, failed);

        if waits(&self.conditions) {
            let works = self.listeners.iter().any(|one| is_true(&one.conditions));
            let problems = failures.iter().map(|one| one.problem.clone());
            let problems = if works {
                Vec::new()
            } else {
                problems.collect()
            };
            let condition = Condition::judged(
                ConditionType::Programmed,
                Reason::Programmed,
                "requests are served",
                problems,
            );
            replace(&mut self.conditions, condition);
        }
    }
}

/// Tells listeners what became of their sockets. Returns the sockets that were
/// waited for, and the failures about them.
fn settle<'a>(
    listeners: &mut [ListenerVerdict],
    addresses: &[IpAddr],
    failed: &'a [BindFailure],
) -> (Vec<Socket>, Vec<&'a BindFailure>) {
    let waiting = listeners.iter().filter(|one| waits(&one.conditions));
    let sockets: Vec<_> = waiting.map(ListenerVerdict::socket).collect();
    let mine = |failure: &&BindFailure| {
        let mut sockets = sockets.iter();
        sockets.any(|socket| is_about_any(failure, addresses, *socket))
    };
    let failures: Vec<_> = failed.iter().filter(mine).collect();

    for listener in listeners {
        listener.programmed(addresses, &failures);
    }

    (sockets, failures)
}

impl ListenerVerdict {
    fn socket(&self) -> Socket {
        Socket {
            port: self.port,
            datagrams: self.datagrams,
        }
    }

    fn programmed(&mut self, addresses: &[IpAddr], failures: &[&BindFailure]) {
        if !waits(&self.conditions) {
            return;
        }
        let socket = self.socket();
        let mine = failures.iter();
        let mine = mine.filter(|failure| is_about_any(failure, addresses, socket));
        let problems: Vec<_> = mine.map(|failure| failure.problem.clone()).collect();

        let condition = if problems.len() < addresses.len().max(1) {
            let summary = "requests are served";
            Condition::good(ConditionType::Programmed, Reason::Programmed, summary)
        } else {
            Condition::bad(ConditionType::Programmed, problems)
        };
        replace(&mut self.conditions, condition);
    }
}

fn is_about_any(failure: &BindFailure, addresses: &[IpAddr], socket: Socket) -> bool {
    if addresses.is_empty() {
        failure.is_about(None, socket)
    } else {
        addresses
            .iter()
            .any(|address| failure.is_about(Some(*address), socket))
    }
}

fn waits(conditions: &[Condition]) -> bool {
    find(conditions).is_some_and(|one| one.status() == ConditionStatus::Unknown)
}

fn is_true(conditions: &[Condition]) -> bool {
    find(conditions).is_some_and(|one| one.status() == ConditionStatus::True)
}

fn find(conditions: &[Condition]) -> Option<&Condition> {
    let mut conditions = conditions.iter();

    conditions.find(|one| one.kind() == ConditionType::Programmed)
}

fn replace(conditions: &mut [Condition], by: Condition) {
    let mut conditions = conditions.iter_mut();

    if let Some(place) = conditions.find(|one| one.kind() == by.kind()) {
        *place = by;
    }
}
