//! The backends that rules of served routes refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateway_core::model::{Backend, BackendId, Certificate, ObjectName};

use super::endpoints::{self, Found};
use super::memo::{Held, Step};
use super::placing::Replaced;
use super::plans::Plans;
use crate::verdict::{Decision, Problem, Verdict, Verdicts};
use crate::world::ObjectRef;
use k8s_openapi::api::core::v1::Service;

/// Every backend that is used.
#[derive(Debug, Default)]
pub(super) struct Used {
    backends: BTreeMap<BackendId, UsedBackend>,
    /// Those of them that were found, for the data plane.
    models: Arc<BTreeMap<BackendId, Arc<Backend>>>,
    /// The bits of the kinds that any of them has asked about.
    kinds: u64,
    worked: usize,
}

#[derive(Debug, Default)]
struct UsedBackend {
    /// How many routes refer to it.
    users: usize,
    found: Option<Held<Found>>,
}

impl Used {
    /// Follows the routes that were looked at again, looks up backends that are new
    /// or that changed, and tells Services what is wrong with their endpoints.
    pub(super) fn update(
        &mut self,
        step: Step<'_>,
        plans: &Plans,
        replaced: &[Replaced],
        verdicts: &mut Verdicts,
    ) {
        self.worked = 0;
        let mut again = self.recount(replaced);
        if plans.have_changed() || self.kinds & step.touched.kinds != 0 {
            let fallen = self.backends.iter().filter(|(id, used)| {
                let mut found = used.found.iter();
                found.any(|found| !stands(found, step, client(plans, id)))
            });
            again.extend(fallen.map(|(id, _)| id.clone()));
        }
        for id in &again {
            self.find(step, client(plans, id), id);
        }
        let services = again.iter().filter(|id| id.kind() == "Service");
        let services: BTreeSet<_> = services.map(BackendId::object).collect();
        for service in services {
            self.tell(step, service, verdicts);
        }
    }

    /// The backends that were found.
    pub(super) fn models(&self) -> &Arc<BTreeMap<BackendId, Arc<Backend>>> {
        &self.models
    }

    /// How many backends the last update had to look up.
    pub(super) fn worked(&self) -> usize {
        self.worked
    }

    /// Counts who uses what, and returns the backends that are new, or used no more.
    fn recount(&mut self, replaced: &[Replaced]) -> BTreeSet<BackendId> {
        let mut again = BTreeSet::new();
        for replaced in replaced {
            let [left, joined] = replaced.backends();
            for id in joined {
                let used = self.backends.entry(id.clone()).or_default();
                used.users += 1;
                if used.users == 1 {
                    again.insert(id.clone());
                }
            }
            for id in left {
                if let Some(used) = self.backends.get_mut(id) {
                    used.users -= 1;
                    if used.users == 0 {
                        again.insert(id.clone());
                    }
                }
            }
        }
        again
    }

    fn find(&mut self, step: Step<'_>, client: Option<&Arc<Certificate>>, id: &BackendId) {
        let backend = match self.backends.get_mut(id) {
            Some(used) if used.users == 0 => {
                self.backends.remove(id);
                None
            }
            Some(used) => {
                let last = used.found.take();
                let stands = |held: &Held<Found>| stands(held, step, client);
                let result = last.as_ref().map(|held| Arc::clone(&held.result));
                let found = last.filter(stands).unwrap_or_else(|| {
                    self.worked += 1;
                    Held::work(step, result.as_ref(), |view| {
                        endpoints::find(view, step.settings, id, client)
                    })
                });
                self.kinds |= found.looks.kinds;
                let backend = found.result.backend.clone();
                used.found = Some(found);
                backend
            }
            None => None,
        };
        match (backend, self.models.get(id)) {
            (Some(now), Some(known)) if Arc::ptr_eq(&now, known) => {}
            (Some(now), _) => {
                Arc::make_mut(&mut self.models).insert(id.clone(), now);
            }
            (None, Some(_)) => {
                Arc::make_mut(&mut self.models).remove(id);
            }
            (None, None) => {}
        }
    }

    /// Tells a Service what is wrong with the endpoints of the ports that are used.
    fn tell(&self, step: Step<'_>, service: &ObjectName, verdicts: &mut Verdicts) {
        let port = |port| BackendId::new("Service", service.clone(), port);
        let mut warnings: Vec<Problem> = Vec::new();
        let of_service = self.backends.range(port(0)..);
        for (_, used) in of_service.take_while(|(id, _)| id.object() == service) {
            let found = used.found.iter().flat_map(|found| &found.result.warnings);
            for problem in found {
                if !warnings.contains(problem) {
                    warnings.push(problem.clone());
                }
            }
        }
        let (namespace, name) = (service.namespace(), service.name());
        let loaded = step.now.services.get(namespace, name);
        match loaded.filter(|_| !warnings.is_empty()) {
            Some(loaded) => {
                let verdict = Verdict::new(ObjectRef::of(&**loaded), loaded, Decision::None);
                verdicts.put(verdict.with_warnings(&Arc::new(warnings)));
            }
            None => verdicts.remove(&ObjectRef::new::<Service>(namespace, name)),
        }
    }
}

/// What a gateway shows of itself to a backend that is for it alone.
fn client<'a>(plans: &'a Plans, id: &BackendId) -> Option<&'a Arc<Certificate>> {
    let plan = plans.get(id.client()?)?;

    plan.client_certificate.as_ref()
}

fn stands(held: &Held<Found>, step: Step<'_>, client: Option<&Arc<Certificate>>) -> bool {
    held.looks.hold(step.touched) && held.result.stands(client)
}
