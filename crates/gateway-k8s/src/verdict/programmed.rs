//! From "to be programmed" to what has happened.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gateway_core::model::{ObjectName, SectionName};

use super::{
    Condition, ConditionStatus, ConditionType, Decision, GatewayVerdict, ListenerVerdict, Problem,
    Reason, Verdicts,
};

/// What became of one listener on one address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bind {
    /// Of which Gateway.
    pub gateway: ObjectName,
    /// Which listener.
    pub listener: SectionName,
    /// The address that is listened on, or why it is not.
    pub outcome: Result<SocketAddr, BindFailure>,
}

/// Why an address is not listened on. Complete.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BindFailure {
    /// Somebody else has the port, or it may not be used.
    PortUnavailable(String),
    /// This machine does not have the address.
    AddressNotUsable(String),
}

impl BindFailure {
    fn problem(&self) -> Problem {
        match self {
            Self::PortUnavailable(cause) => Problem::new(Reason::PortUnavailable, cause)
                .remedy("free the port, or choose another one"),
            Self::AddressNotUsable(cause) => Problem::new(Reason::AddressNotUsable, cause)
                .at("spec.addresses")
                .remedy("use an address of this machine"),
        }
    }
}

impl Verdicts {
    /// Turns every `Programmed` that waits for it into what has happened.
    ///
    /// `binds` are the outcomes after the configuration was applied; several for
    /// a listener that has several addresses. A listener without an outcome
    /// still waits.
    pub fn programmed(&mut self, binds: &[Bind]) {
        for verdict in self.objects.values_mut() {
            let Decision::Gateway(gateway) = &mut verdict.decision else {
                continue;
            };
            let ours = |bind: &&Bind| {
                bind.gateway.namespace() == &*verdict.object.namespace
                    && bind.gateway.name() == &*verdict.object.name
            };
            let ours: Vec<_> = binds.iter().filter(ours).collect();

            if !ours.is_empty() {
                Arc::make_mut(gateway).programmed(&ours);
            }
        }
    }
}

impl GatewayVerdict {
    fn programmed(&mut self, binds: &[&Bind]) {
        for listener in &mut self.listeners {
            listener.programmed(binds);
        }
        self.addresses = bound_addresses(binds);

        if pending(&self.conditions) {
            let condition = self.condition(binds);
            replace(&mut self.conditions, condition);
        }
    }

    /// True as soon as one listener works, unless an address was asked for in
    /// vain.
    fn condition(&self, binds: &[&Bind]) -> Option<Condition> {
        let failed = || binds.iter().filter_map(|bind| bind.outcome.as_ref().err());
        let unusable: Vec<_> = failed()
            .filter(|failure| matches!(failure, BindFailure::AddressNotUsable(_)))
            .map(BindFailure::problem)
            .collect();
        let works = |listener: &ListenerVerdict| {
            let mut conditions = listener.conditions.iter();
            conditions.any(|one| {
                one.kind() == ConditionType::Programmed && one.status() == ConditionStatus::True
            })
        };

        if !unusable.is_empty() {
            Some(Condition::bad(ConditionType::Programmed, unusable))
        } else if self.listeners.iter().any(works) {
            Some(is_programmed())
        } else if self.listeners.iter().any(|one| pending(&one.conditions)) {
            None
        } else {
            let mut problems = vec![Problem::new(Reason::Invalid, "no listener works")];
            problems.extend(failed().map(BindFailure::problem));
            Some(Condition::bad(ConditionType::Programmed, problems))
        }
    }
}

impl ListenerVerdict {
    fn programmed(&mut self, binds: &[&Bind]) {
        let mine = || binds.iter().filter(|bind| bind.listener == self.name);
        let mut failures = mine().filter_map(|bind| bind.outcome.as_ref().err());

        let condition = if mine().any(|bind| bind.outcome.is_ok()) {
            Some(is_programmed())
        } else {
            failures
                .next()
                .map(|failure| Condition::bad(ConditionType::Programmed, vec![failure.problem()]))
        };
        if pending(&self.conditions) {
            replace(&mut self.conditions, condition);
        }
    }
}

fn is_programmed() -> Condition {
    Condition::good(
        ConditionType::Programmed,
        Reason::Programmed,
        "requests are served",
    )
}

fn pending(conditions: &[Condition]) -> bool {
    conditions.iter().any(|one| {
        one.kind() == ConditionType::Programmed && one.status() == ConditionStatus::Unknown
    })
}

fn replace(conditions: &mut [Condition], by: Option<Condition>) {
    let place = conditions
        .iter_mut()
        .find(|one| one.kind() == ConditionType::Programmed);

    if let (Some(place), Some(by)) = (place, by) {
        *place = by;
    }
}

/// Addresses that mean "everywhere" are none that a client could use.
fn bound_addresses(binds: &[&Bind]) -> Vec<IpAddr> {
    let bound = binds.iter().filter_map(|bind| bind.outcome.as_ref().ok());
    let addresses: BTreeSet<_> = bound.map(SocketAddr::ip).collect();

    addresses
        .into_iter()
        .filter(|address| !address.is_unspecified())
        .collect()
}
