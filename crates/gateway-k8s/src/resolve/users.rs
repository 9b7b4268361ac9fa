//! Who uses Services, for policies that are about these.

use std::collections::{BTreeMap, BTreeSet};

use gateway_core::model::ObjectName;

use super::attach::Attached;
use super::memo::Step;
use super::placing::Replaced;
use crate::verdict::{Verdict, Verdicts};
use crate::world::{Kind, Loaded};

/// The Gateways whose routes refer to each port of each Service.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// By Service: port and Gateway, with how many routes lead from one to the other.
    services: BTreeMap<ObjectName, BTreeMap<(u16, ObjectName), usize>>,
    have_changed: bool,
}

impl Users {
    /// Follows the routes that were looked at again.
    pub(super) fn update(&mut self, replaced: &[Replaced]) {
        self.have_changed = false;
        for Replaced { before, now, .. } in replaced {
            // In this order, so that nobody is gone in between.
            now.iter().for_each(|now| self.join(now));
            before.iter().for_each(|before| self.leave(before));
        }
    }

    /// Tells every policy of a kind that is about Services what `told` says, if it may
    /// be something else than the last time: `kinds` are those it is made of.
    pub(super) fn tell<T: Kind>(
        &self,
        step: Step<'_>,
        kinds: u64,
        verdicts: &mut Verdicts,
        told: impl Fn(&Loaded<T>) -> Option<Verdict>,
    ) {
        let (now, before) = (step.now.objects::<T>(), step.before.objects::<T>());
        let is_touched = self.have_changed || step.touched.kinds & kinds != 0;
        if is_touched && !(now.is_empty() && before.is_empty()) {
            verdicts.replace::<T>(now.iter().filter_map(told));
        }
    }

    /// Those of any port of a Service.
    pub(super) fn of_service(&self, namespace: &str, service: &str) -> BTreeSet<&ObjectName> {
        self.of(namespace, service, |_| true)
    }

    /// Those of some ports of a Service.
    pub(super) fn of_ports(
        &self,
        namespace: &str,
        service: &str,
        ports: &BTreeSet<u16>,
    ) -> BTreeSet<&ObjectName> {
        self.of(namespace, service, |port| ports.contains(&port))
    }

    fn of(
        &self,
        namespace: &str,
        service: &str,
        is_meant: impl Fn(u16) -> bool,
    ) -> BTreeSet<&ObjectName> {
        let users = self.services.get(&ObjectName::new(namespace, service));
        let users = users.into_iter().flat_map(BTreeMap::keys);
        users
            .filter(|(port, _)| is_meant(*port))
            .map(|(_, gateway)| gateway)
            .collect()
    }

    fn join(&mut self, attached: &Attached) {
        for (service, user) in uses(attached) {
            let users = self.services.entry(service.clone()).or_default();
            let routes = users.entry(user).or_default();
            *routes += 1;
            self.have_changed |= *routes == 1;
        }
    }

    fn leave(&mut self, attached: &Attached) {
        for (service, user) in uses(attached) {
            let Some(users) = self.services.get_mut(service) else {
                continue;
            };
            if let Some(routes) = users.get_mut(&user) {
                *routes -= 1;
                if *routes == 0 {
                    users.remove(&user);
                    self.have_changed = true;
                }
            }
            if users.is_empty() {
                self.services.remove(service);
            }
        }
    }
}

/// The Services that a route refers to, each with a port and a Gateway.
fn uses(attached: &Attached) -> impl Iterator<Item = (&ObjectName, (u16, ObjectName))> {
    let backends = attached.converted.backends.iter();
    let services = backends.filter(|id| id.kind() == "Service");
    services.flat_map(|id| {
        let gateways = attached.listeners.iter();
        gateways.map(|(gateway, _)| (id.object(), (id.port(), gateway.clone())))
    })
}
