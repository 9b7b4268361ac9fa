//! The steps of resolution, each of which uses again what did not change.

use gateway_core::model::Configuration;

use super::memo::Step;
use super::placing::{Placements, Replaced};
use super::plans::{self, Plans};
use super::served::Served;
use super::used::Used;
use super::users::Users;
use super::view::Touched;
use super::x_backend::Ancestors;
use super::{Resolved, Settings, infrastructure, listener_set, policies, status, traffic_policies};
use crate::api::{Gateway, ListenerSet};
use crate::verdict::Verdicts;
use crate::world::World;

/// Resolves one world after another.
///
/// The result is the one of [`resolve`](super::resolve), except that a Secret which
/// was good once and no longer is still gives the certificate that it had. What comes
/// out as it was is the same `Arc` as the last time, and is not worked out again if
/// none of the objects it came from changed. Of two worlds of which one was made
/// from the other, the second costs what is different in it.
#[derive(Debug)]
pub struct Resolver {
    settings: Settings,
    world: World,
    plans: Plans,
    placements: Placements,
    served: Served,
    used: Used,
    users: Users,
    ancestors: Ancestors,
    last: Resolved,
}

impl Resolver {
    /// A resolver that remembers nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            world: World::default(),
            plans: Plans::default(),
            placements: Placements::default(),
            served: Served::default(),
            used: Used::default(),
            users: Users::default(),
            ancestors: Ancestors::default(),
            last: Resolved::default(),
        }
    }

    /// A resolver that remembers nothing but the certificates that were good.
    #[cfg(test)]
    pub(super) fn anew(&self) -> Self {
        Self {
            plans: self.plans.anew(),
            ..Self::new(self.settings.clone())
        }
    }

    /// Works out what `world` means.
    pub fn resolve(&mut self, world: &World) -> Resolved {
        let before = std::mem::replace(&mut self.world, world.clone());
        let touched = Touched::between(&before, world);
        let settings = self.settings.clone();
        let step = Step {
            settings: &settings,
            before: &before,
            now: world,
            touched: &touched,
        };
        let mut verdicts = std::mem::take(&mut self.last.verdicts);

        self.plans.update(step, &mut verdicts);
        let replaced = self.placements.update(step, &self.plans);
        self.served.update(&self.plans, &replaced);
        self.used
            .update(step, &self.plans, &replaced, &mut verdicts);
        self.tell(step, &replaced, &mut verdicts);

        if self.plans.were_made() && settings.infrastructure {
            self.last.needed = infrastructure::needed(&self.plans, world, settings.exposure);
        }
        self.last.configuration = self.configuration();
        self.last.verdicts = verdicts;
        self.last.clone()
    }

    /// How many routes, attachments and backends the last resolution had to work
    /// out; all others were as they had been.
    pub fn worked(&self) -> usize {
        self.placements.worked() + self.used.worked()
    }

    fn configuration(&self) -> Configuration {
        let gateways = self.served.gateways();
        let here = gateways.filter(|gateway| self.settings.serving.has(gateway.name()));
        let configuration = here
            .cloned()
            .fold(Configuration::new(), Configuration::with_gateway);
        configuration.with_backends(std::sync::Arc::clone(self.used.models()))
    }

    /// Tells every object what became of it, where that may be something else.
    fn tell(&mut self, step: Step<'_>, replaced: &[Replaced], verdicts: &mut Verdicts) {
        if self.plans.were_made() {
            let ours = self.plans.iter();
            let ours = ours.filter_map(|plan| status::gateway(plan, step.now, &self.served));
            verdicts.replace::<Gateway>(ours.chain(plans::without_class(step)));
            let ours = self.plans.iter();
            let ours = ours.flat_map(|plan| status::listener_sets(plan, step.now, &self.served));
            verdicts.replace::<ListenerSet>(ours.chain(listener_set::orphans(step)));
        } else {
            let recounted = self.plans.iter();
            let recounted = recounted.filter(|plan| self.served.is_recounted(&plan.name));
            for plan in recounted {
                let gateway = status::gateway(plan, step.now, &self.served);
                let sets = status::listener_sets(plan, step.now, &self.served);
                gateway
                    .into_iter()
                    .chain(sets)
                    .for_each(|verdict| verdicts.put(verdict));
            }
        }
        for Replaced { object, now, .. } in replaced {
            let verdict = now.as_deref().and_then(status::route);
            match verdict {
                Some(verdict) => verdicts.put(verdict),
                None => verdicts.remove(object),
            }
        }
        self.ancestors.update(step, replaced, verdicts);
        self.users.update(replaced);
        policies::tell(step, &self.users, verdicts);
        traffic_policies::tell(step, &self.users, verdicts);
    }
}
