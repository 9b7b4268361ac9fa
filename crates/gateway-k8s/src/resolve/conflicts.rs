//! Listeners of one Gateway that cannot be told apart.

use std::collections::BTreeMap;

use gateway_core::model::Hostname;

use super::field::Field;
use super::listener::ListenerPlan;
use super::listener_set::SetPlan;
use crate::verdict::{Problem, Reason};

/// Finds conflicts, and says so on the listeners that lose: of two objects the one
/// that comes later, in the order of `plans`; of those of one object that are left all
/// of them, because the API forbids to choose a winner there.
pub(super) fn find(plans: &mut [ListenerPlan], sets: &[SetPlan]) {
    for place in by_port(plans) {
        let mut won: Vec<usize> = Vec::new();

        let objects = place.chunk_by(|one, other| plans[*one].set == plans[*other].set);
        let objects: Vec<_> = objects.map(<[_]>::to_vec).collect();
        for siblings in objects {
            let left = lose(plans, sets, &siblings, |_| won.clone());
            let left = lose(plans, sets, &left, |index| {
                let others = left.iter().copied();
                others.filter(|other| *other != index).collect()
            });
            won.extend(left);
        }
    }
}

/// Says so on those of `some` that conflict with any of their `rivals`, and returns
/// the others. All of them are looked at as they were.
fn lose(
    plans: &mut [ListenerPlan],
    sets: &[SetPlan],
    some: &[usize],
    rivals: impl Fn(usize) -> Vec<usize>,
) -> Vec<usize> {
    let found = some.iter().map(|index| {
        let mut rivals = rivals(*index).into_iter();
        rivals.find_map(|rival| conflict(&plans[*index], &plans[rival], sets))
    });
    let found: Vec<_> = found.collect();
    let mut left = Vec::new();

    for (index, problem) in some.iter().zip(found) {
        match problem {
            Some(problem) => plans[*index].conflicts.push(problem),
            None => left.push(*index),
        }
    }
    left
}

/// Finds listeners that end TLS on one port for names that could be meant by both:
/// clients that share connections between names may get to the wrong one.
///
/// Source: `ListenerConditionOverlappingTLSConfig` (GEP-3567).
pub(super) fn find_overlaps(plans: &mut [ListenerPlan], sets: &[SetPlan]) {
    let ends_tls = |plan: &ListenerPlan| {
        plan.is_accepted() && plan.spoken.is_some_and(|spoken| spoken.ends_tls())
    };

    for place in by_port(plans) {
        let place: Vec<_> = place
            .into_iter()
            .filter(|index| ends_tls(&plans[*index]))
            .collect();
        for index in &place {
            let mine = &plans[*index];
            let others = || place.iter().filter(|other| *other != index);
            let same_certificates = others()
                .find(|other| share_certificates(mine, &plans[**other]))
                .map(|other| (Reason::OverlappingCertificates, "a certificate", other));
            let overlap = same_certificates.or_else(|| {
                let other = others().find(|other| share_names(mine, &plans[**other]));
                other.map(|other| (Reason::OverlappingHostnames, "hostnames", other))
            });
            plans[*index].overlaps = overlap.map(|(reason, what, other)| {
                let name = name(&plans[*other], sets);
                (
                    reason,
                    format!("{name} has {what} for names of this listener"),
                )
            });
        }
    }
}

/// Gives listeners that share a port the settings that connections meet before it is
/// known which of them they are for: those of the first object that has a listener
/// there, so that nobody who adds a listener changes what the others have.
pub(super) fn settle_traffic(plans: &mut [ListenerPlan], sets: &[SetPlan]) {
    for place in by_port(plans) {
        let accepted = place.into_iter().filter(|one| plans[*one].is_accepted());
        let accepted: Vec<_> = accepted.collect();
        let first = accepted.first().map(|first| plans[*first].set);
        let of_first = || {
            accepted
                .iter()
                .filter(|one| first == Some(plans[**one].set))
        };
        let said = of_first().find(|one| !plans[**one].traffic.is_default());
        let Some(decides) = said.or(accepted.first()).copied() else {
            continue;
        };
        let (traffic, name) = (plans[decides].traffic.clone(), name(&plans[decides], sets));

        for other in accepted {
            let plan = &mut plans[other];
            if plan.traffic == traffic {
                continue;
            }
            if !plan.traffic.is_default() {
                let message = format!("port {} has the settings of {name}", plan.port);
                let at = Field::SPEC;
                let problem = Problem::new(Reason::UnsupportedValue, message);
                let problem = problem.at(at.item("listeners", plan.index));
                plan.warnings
                    .push(problem.remedy("set the same for both, or use another port"));
            }
            plan.traffic = traffic.clone();
        }
    }
}

/// Whether certificates of both are for one name.
fn share_certificates(one: &ListenerPlan, other: &ListenerPlan) -> bool {
    let theirs = certified(other);

    certified(one).iter().any(|name| {
        let mut theirs = theirs.iter();
        theirs.any(|their| their.intersects(name))
    })
}

fn certified(plan: &ListenerPlan) -> Vec<Hostname> {
    let certificates = plan.certificates().iter();
    let names = certificates.flat_map(|certificate| certificate.names());

    names.filter_map(|name| Hostname::new(name).ok()).collect()
}

fn share_names(one: &ListenerPlan, other: &ListenerPlan) -> bool {
    match (&one.hostname, &other.hostname) {
        (Some(one), Some(other)) => one.intersects(other),
        _ => true,
    }
}

/// The listeners of each port of each transport, in their order.
fn by_port(plans: &[ListenerPlan]) -> Vec<Vec<usize>> {
    let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, plan) in plans.iter().enumerate() {
        if let Some(spoken) = plan.spoken {
            let place = (spoken.transport(), plan.port);
            places.entry(place).or_default().push(index);
        }
    }

    places.into_values().collect()
}

fn conflict(mine: &ListenerPlan, theirs: &ListenerPlan, sets: &[SetPlan]) -> Option<Problem> {
    let at = Field::SPEC;
    let at = at.item("listeners", mine.index);
    let name = name(theirs, sets);
    let (one, other) = (mine.spoken?, theirs.spoken?);

    if !one.shares_ports_with(other) {
        let message = format!("{name} speaks {} on port {}", other.name(), theirs.port);
        let problem = Problem::new(Reason::ProtocolConflict, message);
        Some(problem.at(at.name("protocol")).remedy("use another port"))
    } else if mine.hostname == theirs.hostname {
        let (message, remedy) = match one.has_hostnames() {
            true => (
                format!("{name} has the same port and hostname"),
                "give one of them another port or hostname",
            ),
            false => (
                format!("{name} has the same port, and nothing tells them apart"),
                "give one of them another port",
            ),
        };
        let problem = Problem::new(Reason::HostnameConflict, message);
        Some(problem.at(at).remedy(remedy))
    } else {
        None
    }
}

fn name(plan: &ListenerPlan, sets: &[SetPlan]) -> String {
    match plan.set.and_then(|set| sets.get(set)) {
        Some(set) => format!("listener {} of ListenerSet {}", plan.name, set.name),
        None => format!("listener {}", plan.name),
    }
}
