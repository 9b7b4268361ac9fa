//! What each Gateway serves, for the data plane and in numbers.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use gateway_core::model::{Gateway, ObjectName};

use super::attach::Attached;
use super::gateway::GatewayPlan;
use super::placing::Replaced;
use super::plans::Plans;
use super::route::ModelRoute;
use crate::sorted::{Entry, Sorted};

/// The Gateways of the model, and how many routes their listeners have.
#[derive(Debug, Default)]
pub(super) struct Served {
    gateways: BTreeMap<ObjectName, ServedGateway>,
    /// The routes at the listeners of each Gateway, by name.
    attached: HashMap<ObjectName, Sorted<Arc<Attached>>, RandomState>,
    counts: HashMap<ObjectName, Vec<u32>, RandomState>,
    recounted: BTreeSet<ObjectName>,
}

#[derive(Debug)]
struct ServedGateway {
    plan: Arc<GatewayPlan>,
    /// Nothing, if it is not served.
    model: Option<Arc<Gateway>>,
}

impl Served {
    /// Follows the plans, and the routes that were looked at again.
    pub(super) fn update(&mut self, plans: &Plans, replaced: &[Replaced]) {
        let edited = self.count(replaced);
        replaced.iter().for_each(|one| self.attach(one));
        if plans.have_changed() {
            let is_there = |name: &ObjectName| plans.get(name).is_some();
            self.gateways.retain(|name, _| is_there(name));
            self.attached.retain(|name, _| is_there(name));
            self.counts.retain(|name, _| is_there(name));
        }
        let is_stale = |plan: &&Arc<GatewayPlan>| {
            let known = self.gateways.get(&plan.name);
            known.is_none_or(|known| !Arc::ptr_eq(&known.plan, plan)) || edited.contains(&plan.name)
        };
        let stale: Vec<_> = plans.iter().filter(is_stale).cloned().collect();

        for plan in &stale {
            let routes = self.routes_of(plan);
            let last = self.gateways.remove(&plan.name);
            let last = last.and_then(|known| known.model);
            let model = plan.model(routes, last.as_deref());
            let same = last.filter(|last| model.as_ref() == Some(last));
            let model = same.or(model.map(Arc::new));
            let plan = Arc::clone(plan);
            self.gateways
                .insert(plan.name.clone(), ServedGateway { plan, model });
        }
    }

    /// The Gateways that can be served, by name.
    pub(super) fn gateways(&self) -> impl Iterator<Item = &Arc<Gateway>> {
        self.gateways.values().filter_map(|one| one.model.as_ref())
    }

    /// How many routes a listener has.
    pub(super) fn count_of(&self, gateway: &ObjectName, listener: usize) -> u32 {
        let counts = self.counts.get(gateway);
        let count = counts.and_then(|counts| counts.get(listener));
        count.copied().unwrap_or_default()
    }

    /// Whether some listener of a Gateway has another number of routes since the
    /// last update.
    pub(super) fn is_recounted(&self, gateway: &ObjectName) -> bool {
        self.recounted.contains(gateway)
    }

    fn attach(
        &mut self,
        Replaced {
            object,
            before,
            now,
        }: &Replaced,
    ) {
        if let Some(before) = before {
            for (gateway, _) in &before.listeners {
                let attached = self.attached.get_mut(gateway);
                attached.map(|all| all.remove(|one| one.converted.object.cmp(object)));
            }
        }
        if let Some(now) = now {
            for (gateway, _) in &now.listeners {
                let attached = self.attached.entry(gateway.clone()).or_default();
                attached.insert(Arc::clone(now));
            }
        }
    }

    /// The routes of each listener of a Gateway, in the order of their names.
    fn routes_of(&self, plan: &GatewayPlan) -> Vec<Vec<ModelRoute>> {
        let mut routes = vec![Vec::new(); plan.listeners.len()];
        let attached = self.attached.get(&plan.name);
        for attached in attached.into_iter().flat_map(Sorted::iter) {
            for (gateway, listener) in &attached.listeners {
                if *gateway == plan.name
                    && let Some(routes) = routes.get_mut(*listener)
                {
                    routes.extend(attached.route_of(gateway).cloned());
                }
            }
        }
        routes
    }

    /// Counts the routes of listeners, and returns the Gateways of which a listener
    /// has other routes.
    fn count(&mut self, replaced: &[Replaced]) -> HashSet<ObjectName> {
        let mut edited = HashSet::new();
        self.recounted.clear();
        for Replaced { before, now, .. } in replaced {
            let (before, now) = (before.as_deref(), now.as_deref());
            let (left, joined) = (listeners(before), listeners(now));
            if left != joined || !is_same_route(before, now) {
                let names = left.iter().chain(joined).map(|(gateway, _)| gateway);
                edited.extend(names.cloned());
            }
            let (left, joined) = (counting(before), counting(now));
            if left != joined {
                left.iter().for_each(|id| *self.counted(id) -= 1);
                joined.iter().for_each(|id| *self.counted(id) += 1);
            }
        }
        edited
    }

    fn counted(&mut self, (gateway, listener): &(ObjectName, usize)) -> &mut u32 {
        self.recounted.insert(gateway.clone());
        let counts = self.counts.entry(gateway.clone()).or_default();
        if counts.len() <= *listener {
            counts.resize(listener + 1, 0);
        }
        &mut counts[*listener]
    }
}

fn listeners(attached: Option<&Attached>) -> &[(ObjectName, usize)] {
    attached.map_or(&[], |attached| &attached.listeners)
}

fn counting(attached: Option<&Attached>) -> &[(ObjectName, usize)] {
    attached.map_or(&[], Attached::counted)
}

fn is_same_route(before: Option<&Attached>, now: Option<&Attached>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => now.has_same_routes(before),
        (before, now) => {
            let is_served = |one: Option<&Attached>| one.is_some_and(Attached::is_served);
            !is_served(before) && !is_served(now)
        }
    }
}

impl Entry for Arc<Attached> {
    fn order(&self, other: &Self) -> Ordering {
        self.converted.object.cmp(&other.converted.object)
    }

    fn is_same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other)
    }
}
