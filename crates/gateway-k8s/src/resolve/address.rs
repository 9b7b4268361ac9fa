//! Where Gateways listen, and which of two may have a port.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use gateway_core::model::ObjectName;

use super::field::Field;
use super::gateway::GatewayPlan;
use super::spoken::Transport;
use super::{AddressRange, Settings};
use crate::api::{Gateway, GatewayAddress};
use crate::verdict::{Problem, Reason};

/// What a Gateway asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    /// These addresses.
    pub(super) fixed: Vec<IpAddr>,
    /// So many more, whichever.
    pub(super) any: usize,
    /// What it had before, to be given again.
    pub(super) had: Vec<IpAddr>,
}

/// Reads `spec.addresses`. What cannot be given is a problem.
pub(super) fn wanted(gateway: &Gateway) -> (Wanted, Vec<Problem>) {
    let mut wanted = Wanted::default();
    let mut problems = Vec::new();
    let written = gateway.spec.addresses.as_deref().unwrap_or_default();
    let at = Field::SPEC;

    for (index, address) in written.iter().enumerate() {
        match fixed(address) {
            Ok(None) => wanted.any += 1,
            Ok(Some(address)) if !wanted.fixed.contains(&address) => wanted.fixed.push(address),
            Ok(Some(_)) => {}
            Err(message) => {
                let problem = Problem::new(Reason::UnsupportedAddress, message);
                problems.push(
                    problem
                        .at(at.item("addresses", index))
                        .remedy("use an address of type IPAddress"),
                );
            }
        }
    }
    if written.is_empty() {
        wanted.any = 1;
    }
    let had = gateway
        .status
        .iter()
        .flat_map(|status| status.addresses.iter().flatten());
    wanted.had = had
        .filter_map(|address| address.value.parse().ok())
        .collect();

    (wanted, problems)
}

fn fixed(address: &GatewayAddress) -> Result<Option<IpAddr>, String> {
    let kind = address.r#type.as_deref().unwrap_or("IPAddress");
    if kind != "IPAddress" {
        return Err(format!("addresses of type {kind} cannot be given"));
    }
    if let Some(scope) = address
        .routability
        .as_deref()
        .filter(|scope| !scope.is_empty())
    {
        return Err(format!("addresses of routability {scope} cannot be given"));
    }

    match address.value.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => {
            let parsed = text
                .parse()
                .map_err(|_| format!("{text:?} is not an IP address"));
            parsed.map(Some)
        }
    }
}

/// Gives addresses to Gateways: those that they name, then those they had, then
/// what is left of the pool, to the oldest first. Without a pool, whoever names
/// none listens everywhere.
pub(super) fn assign(plans: &mut [GatewayPlan], settings: &Settings) {
    let named = plans
        .iter()
        .flat_map(|plan| plan.wanted.fixed.iter().copied());
    let mut taken: BTreeSet<_> = named.collect();

    for plan in &mut *plans {
        plan.addresses = plan.wanted.fixed.clone();
    }
    if settings.pool.is_empty() {
        for plan in plans.iter_mut().filter(|plan| plan.wanted.any > 0) {
            plan.addresses.clear();
        }
        for plan in plans {
            plan.wanted.had.clear();
        }
        return;
    }

    for plan in plans.iter_mut().filter(|plan| plan.is_accepted()) {
        let had = std::mem::take(&mut plan.wanted.had);
        for address in had {
            if plan.missing() > 0 && settings.pool_has(address) && taken.insert(address) {
                plan.addresses.push(address);
            }
        }
    }
    for plan in plans.iter_mut().filter(|plan| plan.is_accepted()) {
        let pool = settings.pool.iter().flat_map(AddressRange::iter);
        let free = pool.filter(|address| taken.insert(*address));
        let given: Vec<_> = free.take(plan.missing()).collect();
        plan.addresses.extend(given);
        if plan.missing() > 0 {
            let message = "no address of the pool is free";
            let problem = Problem::new(Reason::AddressNotAssigned, message);
            plan.unassigned =
                Some(problem.remedy("add addresses to the pool, or name one in spec.addresses"));
        }
    }
}

/// Lets the oldest Gateway have each port of each address. Gateways are never
/// merged: a listener of a younger one on the same port is refused.
pub(super) fn share_ports(plans: &mut [GatewayPlan]) {
    let mut taken: BTreeMap<(Option<IpAddr>, Transport, u16), ObjectName> = BTreeMap::new();

    for plan in plans.iter_mut().filter(|plan| plan.is_served()) {
        let everywhere = [None];
        let some: Vec<_> = plan.addresses.iter().copied().map(Some).collect();
        let addresses = if some.is_empty() {
            &everywhere[..]
        } else {
            &some[..]
        };

        for listener in &mut plan.listeners {
            let Some(spoken) = listener.spoken.filter(|_| listener.is_served()) else {
                continue;
            };
            let transport = spoken.transport();
            let key = |address: &Option<IpAddr>| (*address, transport, listener.port);
            let mut keys = addresses.iter().map(key);
            let other = keys
                .find_map(|key| taken.get(&key))
                .filter(|owner| **owner != plan.name);
            match other {
                Some(other) => {
                    listener
                        .refused
                        .push(port_taken(listener.index, listener.port, other))
                }
                None => {
                    for address in addresses {
                        taken.insert((*address, transport, listener.port), plan.name.clone());
                    }
                }
            }
        }
    }
}

fn port_taken(index: usize, port: u16, by: &ObjectName) -> Problem {
    let at = Field::SPEC;
    let at = at.item("listeners", index);
    let message =
        format!("Gateway {by}, which is older, listens on port {port} of the same address");
    let problem = Problem::new(Reason::PortUnavailable, message).at(at.name("port"));

    problem.remedy(
        "give each of the two Gateways addresses of its own in spec.addresses, or use another port",
    )
}
