//! From "to be programmed" to what has happened.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::{
    Condition, ConditionStatus, ConditionType, Decision, GatewayVerdict, ListenerVerdict, Problem,
    Reason, Verdict, Verdicts,
};
use crate::api::Gateway;

/// An address that could not be listened on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BindFailure {
    address: SocketAddr,
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
            problem: Problem::new(reason, message).remedy(remedy),
        }
    }

    /// Whether it is about this address of a Gateway; no address is every one.
    fn is_about(&self, address: Option<IpAddr>, port: u16) -> bool {
        let same = match address {
            Some(address) => self.address.ip() == address,
            None => self.address.ip().is_unspecified(),
        };

        same && self.address.port() == port
    }
}

impl Verdicts {
    /// Turns every `Programmed` that waits for it into what has happened.
    ///
    /// To be called after the configuration of the same resolution was applied,
    /// with every address that could not be listened on; all others are taken to
    /// be listened on.
    pub fn programmed(&mut self, failed: &[BindFailure]) {
        let gateways: Vec<_> = self.of_kind::<Gateway>().cloned().collect();
        for verdict in gateways {
            if let Decision::Gateway(gateway) = &verdict.decision {
                let mut gateway = GatewayVerdict::clone(gateway);
                gateway.programmed(failed);
                self.put(Verdict {
                    decision: Decision::Gateway(Arc::new(gateway)),
                    ..Verdict::clone(&verdict)
                });
            }
        }
    }
}

impl GatewayVerdict {
    fn programmed(&mut self, failed: &[BindFailure]) {
        let waiting = self.listeners.iter().filter(|one| waits(&one.conditions));
        let ports: Vec<_> = waiting.map(|one| one.port).collect();
        let mine = |failure: &&BindFailure| {
            let mut ports = ports.iter();
            ports.any(|port| is_about_any(failure, &self.addresses, *port))
        };
        let failures: Vec<_> = failed.iter().filter(mine).collect();

        for listener in &mut self.listeners {
            listener.programmed(&self.addresses, &failures);
        }
        self.addresses.retain(|address| {
            let bound = |port: &u16| {
                !failures
                    .iter()
                    .any(|one| one.is_about(Some(*address), *port))
            };
            ports.iter().any(bound)
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

impl ListenerVerdict {
    fn programmed(&mut self, addresses: &[IpAddr], failures: &[&BindFailure]) {
        if !waits(&self.conditions) {
            return;
        }
        let mine = failures.iter();
        let mine = mine.filter(|failure| is_about_any(failure, addresses, self.port));
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

fn is_about_any(failure: &BindFailure, addresses: &[IpAddr], port: u16) -> bool {
    if addresses.is_empty() {
        failure.is_about(None, port)
    } else {
        addresses
            .iter()
            .any(|address| failure.is_about(Some(*address), port))
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
