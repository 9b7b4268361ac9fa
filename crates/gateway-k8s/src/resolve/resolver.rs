//! The steps of resolution, each of which uses again what did not change.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use foldhash::fast::RandomState;
use gateway_core::model::{BackendId, Configuration, Gateway, ObjectName};

use super::attach::{self, Attached, Plans};
use super::certificate::Certificates;
use super::endpoints::{self, Found};
use super::gateway::{GatewayPlan, Planning};
use super::grants::Referrer;
use super::listener_set::ByGateway;
use super::memo::{Memo, Step};
use super::route::{Converted, ModelRoute, RouteObject};
use super::view::View;
use super::{Resolved, Settings, address, gateway_class, listener_set, policies, status, unobeyed};
use crate::api;
use crate::verdict::{Decision, Problem, Reason, Verdict, Verdicts};
use crate::world::{Kind, ObjectRef, Objects, World};

/// Resolves one world after another.
///
/// The result is the one of [`resolve`](super::resolve), except that a Secret which
/// was good once and no longer is still gives the certificate that it had. What comes
/// out as it was is the same `Arc` as the last time, and is not worked out again if
/// none of the objects it came from changed.
#[derive(Debug)]
pub struct Resolver {
    settings: Settings,
    world: World,
    certificates: Certificates,
    plans: Plans,
    routes: Memo<Converted>,
    attached: Memo<Attached>,
    backends: Memo<Found>,
    gateways: BTreeMap<ObjectName, Arc<Gateway>>,
}

impl Resolver {
    /// A resolver that remembers nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            world: World::default(),
            certificates: Certificates::default(),
            plans: Plans::new(),
            routes: Memo::default(),
            attached: Memo::default(),
            backends: Memo::default(),
            gateways: BTreeMap::new(),
        }
    }

    /// Works out what `world` means.
    pub fn resolve(&mut self, world: &World) -> Resolved {
        let mut verdicts = Verdicts::default();

        self.plan_gateways(world, &mut verdicts);
        let attached = self.attach_routes(world);
        let used = self.find_backends(world, &attached, &mut verdicts);
        let configuration = self.configuration(&attached, used);

        self.certificates.end_round(world);
        status::gateways(&self.plans, world, &attached, &mut verdicts);
        status::routes(&attached, &mut verdicts);
        status::x_backends(&attached, world, &mut verdicts);
        policies::tell(&attached, self.settings.complete, world, &mut verdicts);
        if self.settings.complete {
            unobeyed::warn(world, &mut verdicts);
            listener_set::warn_orphans(world, &mut verdicts);
        }
        self.world = world.clone();

        Resolved {
            configuration,
            verdicts,
        }
    }

    /// How many routes, attachments and backends the last resolution had to work
    /// out; all others were as they had been.
    pub fn worked(&self) -> usize {
        self.routes.worked() + self.attached.worked() + self.backends.worked()
    }

    /// Reads the Gateways of our classes, and shares addresses and ports out.
    fn plan_gateways(&mut self, world: &World, verdicts: &mut Verdicts) {
        let view = View::new(world);
        let sets = ByGateway::new(world);
        let planning = Planning {
            view: &view,
            certificates: &self.certificates,
            sets: &sets,
        };
        let mut plans = Vec::new();

        for class in world.gateway_classes.iter() {
            if *class.spec.controller_name == *self.settings.controller {
                let decision = Decision::GatewayClass(gateway_class::judge(&self.settings, class));
                verdicts.put(Verdict::new(ObjectRef::of(&**class), class, decision));
            }
        }
        for gateway in world.gateways.iter() {
            let class = world
                .gateway_classes
                .get("", &gateway.spec.gateway_class_name);
            match class {
                Some(class) if *class.spec.controller_name == *self.settings.controller => {
                    plans.push(GatewayPlan::new(&planning, class, gateway));
                }
                Some(_) => {}
                None if self.settings.complete => verdicts.warn(gateway, self.no_class(gateway)),
                None => {}
            }
        }

        plans.sort_by(|one, other| (one.created, &one.name).cmp(&(other.created, &other.name)));
        address::assign(&mut plans, &self.settings);
        address::share_ports(&mut plans);
        let last = std::mem::take(&mut self.plans);
        let kept = plans.into_iter().map(|plan| {
            let name = plan.name.clone();
            let same = last.get(&name).filter(|last| ***last == plan).cloned();
            (name, same.unwrap_or_else(|| Arc::new(plan)))
        });
        self.plans = kept.collect();
    }

    fn no_class(&self, gateway: &api::Gateway) -> Problem {
        let class = &gateway.spec.gateway_class_name;
        let message = format!("there is no GatewayClass {class}");
        let problem = Problem::new(Reason::Invalid, message).at("spec.gatewayClassName");

        problem.remedy(format!(
            "add a GatewayClass {class} with controllerName {}",
            self.settings.controller
        ))
    }

    fn attach_routes(&mut self, world: &World) -> Vec<Placed> {
        let mut placed = Vec::with_capacity(world.http_routes.len());

        self.attach_kind(&world.http_routes, world, &mut placed);
        self.attach_kind(&world.grpc_routes, world, &mut placed);
        self.attach_kind(&world.tls_routes, world, &mut placed);
        self.attach_kind(&world.tcp_routes, world, &mut placed);
        self.attach_kind(&world.udp_routes, world, &mut placed);
        self.routes.end_round();
        self.attached.end_round();

        placed
    }

    fn attach_kind<T: RouteObject>(
        &mut self,
        objects: &Objects<T>,
        world: &World,
        placed: &mut Vec<Placed>,
    ) {
        let Self {
            settings,
            plans,
            routes,
            attached,
            world: before,
            ..
        } = self;
        let step = Step { before, now: world };
        let mut key = String::new();

        for loaded in objects.iter() {
            let (namespace, name) = name_of(&**loaded);
            write_key::<T>(&mut key, namespace, name);

            let convert = |view: &View<'_>| {
                // Asked for, so that the result is known to depend on it.
                view.get::<T>(namespace, name);
                T::convert(view, settings, loaded)
            };
            let converted = routes.get(&key, step, |_| true, convert);
            let attached = attached.get(
                &key,
                step,
                |attached| attached.stands(&converted, plans),
                |view| {
                    view.get::<T>(namespace, name);
                    attach::attach(view, settings, loaded, &converted, plans)
                },
            );
            placed.push(Placed {
                generation: loaded.meta().generation,
                attached,
            });
        }
    }

    /// Looks up every backend that an attached route refers to.
    fn find_backends(
        &mut self,
        world: &World,
        placed: &[Placed],
        verdicts: &mut Verdicts,
    ) -> BTreeMap<BackendId, Arc<gateway_core::model::Backend>> {
        let Self {
            settings,
            backends,
            plans,
            world: before,
            ..
        } = self;
        let step = Step { before, now: world };
        let mut used: HashSet<&BackendId, RandomState> = HashSet::default();
        let mut found = BTreeMap::new();
        let mut key = String::new();

        for placed in placed.iter().filter(|placed| placed.is_served()) {
            used.extend(&placed.attached.backends);
        }
        // In order, for the sake of the warnings.
        let mut used: Vec<_> = used.into_iter().collect();
        used.sort_unstable();
        for id in used {
            key.clear();
            // Writing to a String cannot fail.
            let _ = write!(key, "{id}");
            let plan = id.client().and_then(|gateway| plans.get(gateway));
            let client = plan.and_then(|plan| plan.client_certificate.as_ref());
            let result = backends.get(
                &key,
                step,
                |found| found.stands(client),
                |view| endpoints::find(view, settings, id, client),
            );
            let (namespace, name) = (id.object().namespace(), id.object().name());
            if let Some(service) = world.services.get(namespace, name) {
                for problem in &result.warnings {
                    verdicts.warn(service, problem.clone());
                }
            }
            if let Some(backend) = &result.backend {
                found.insert(id.clone(), Arc::clone(backend));
            }
        }
        backends.end_round();

        found
    }

    fn configuration(
        &mut self,
        placed: &[Placed],
        backends: BTreeMap<BackendId, Arc<gateway_core::model::Backend>>,
    ) -> Configuration {
        let mut routes: HashMap<&ObjectName, Vec<Vec<ModelRoute>>, RandomState> =
            HashMap::default();
        for (name, plan) in &self.plans {
            routes.insert(name, vec![Vec::new(); plan.listeners.len()]);
        }
        for placed in placed {
            for (gateway, listener) in &placed.attached.listeners {
                let listeners = routes.get_mut(gateway);
                if let Some(routes) = listeners.and_then(|all| all.get_mut(*listener)) {
                    routes.extend(placed.attached.route_of(gateway).cloned());
                }
            }
        }

        let mut configuration = Configuration::new();
        let mut gateways = BTreeMap::new();
        for (name, plan) in &self.plans {
            let built = routes.get(name).and_then(|routes| plan.model(routes));
            if let Some(built) = built {
                let same = self
                    .gateways
                    .get(name)
                    .filter(|last| ***last == built)
                    .cloned();
                let gateway = same.unwrap_or_else(|| Arc::new(built));
                configuration = configuration.with_gateway(Arc::clone(&gateway));
                gateways.insert(name.clone(), gateway);
            }
        }
        self.gateways = gateways;

        backends
            .into_iter()
            .fold(configuration, |configuration, (id, backend)| {
                configuration.with_backend(id, backend)
            })
    }
}

/// A route of the world, and where it is attached.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) generation: Option<i64>,
    pub(super) attached: Arc<Attached>,
}

impl Placed {
    fn is_served(&self) -> bool {
        self.attached.converted.route.is_some() && !self.attached.listeners.is_empty()
    }
}

fn name_of<T: Kind>(route: &T) -> (&str, &str) {
    let meta = route.meta();

    (
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
    )
}

/// A name may have any byte, so that only its length says where it ends.
fn write_key<T: Referrer>(key: &mut String, namespace: &str, name: &str) {
    key.clear();
    // Writing to a String cannot fail.
    let _ = write!(key, "{} {}:{namespace}{name}", T::KIND, namespace.len());
}
