//! The Gateways of our classes, and what they share.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::model::ObjectName;

use super::certificate::Certificates;
use super::gateway::{GatewayPlan, Planning};
use super::listener_set::ByGateway;
use super::memo::Step;
use super::view::View;
use super::{Serving, Settings, address, gateway_class, infrastructure};
use crate::api::{Gateway, GatewayClass, ListenerSet};
use crate::infrastructure::Exposure;
use crate::verdict::{Decision, Problem, Reason, Verdict, Verdicts};
use crate::world::{Kind, ObjectRef};

/// The Gateways that are ours, by name.
#[derive(Debug, Default)]
pub(super) struct Plans {
    by_name: BTreeMap<ObjectName, Arc<GatewayPlan>>,
    certificates: Certificates,
    /// The bits of the kinds that were asked about.
    kinds: u64,
    were_made: bool,
    have_changed: bool,
}

impl Plans {
    #[cfg(test)]
    pub(super) fn anew(&self) -> Self {
        Self {
            certificates: self.certificates.clone(),
            ..Self::default()
        }
    }

    /// Reads the Gateways of our classes, and shares addresses and ports out, if
    /// anything changed that matters. Tells the classes, and Gateways without one.
    pub(super) fn update(&mut self, step: Step<'_>, verdicts: &mut Verdicts) {
        self.were_made = step.touched.kinds & (self.kinds | OWN_KINDS) != 0;
        self.have_changed = false;
        if !self.were_made {
            return;
        }
        let classes = step.now.gateway_classes.iter();
        let classes = classes.filter(|class| is_ours(step.settings, class));
        verdicts.replace::<GatewayClass>(classes.map(|class| {
            let judged = gateway_class::judge(step.settings, class);
            Verdict::new(
                ObjectRef::of(&**class),
                class,
                Decision::GatewayClass(judged),
            )
        }));

        let view = View::new(step.now);
        let sets = ByGateway::new(step.now);
        let planning = Planning {
            settings: step.settings,
            view: &view,
            certificates: &self.certificates,
            sets: &sets,
        };
        let mut plans = Vec::new();
        for gateway in step.now.gateways.iter() {
            let class = &gateway.spec.gateway_class_name;
            let class = step.now.gateway_classes.get("", class);
            if let Some(class) = class.filter(|class| is_ours(step.settings, class)) {
                plans.push(GatewayPlan::new(&planning, class, gateway));
            }
        }
        plans.sort_by(|one, other| (one.created, &one.name).cmp(&(other.created, &other.name)));
        match step.settings.exposure {
            Exposure::Direct => {
                plans.iter_mut().for_each(|plan| self.remind(plan));
                address::assign(&mut plans, step.settings);
                address::share_ports(&mut plans);
            }
            Exposure::Services | Exposure::Dedicated => {
                for plan in &mut plans {
                    publish(step, &view, plan);
                }
                if step.settings.exposure == Exposure::Services {
                    infrastructure::tell_apart(&mut plans);
                }
            }
        }
        self.kinds = view.into_looks().kinds;
        self.certificates.end_round(step.now);
        self.take(plans);
    }

    fn take(&mut self, plans: Vec<GatewayPlan>) {
        let last = std::mem::take(&mut self.by_name);
        self.have_changed = last.len() != plans.len();
        for plan in plans {
            let name = plan.name.clone();
            let same = last.get(&name).filter(|last| ***last == plan).cloned();
            self.have_changed |= same.is_none();
            let plan = same.unwrap_or_else(|| Arc::new(plan));
            self.by_name.insert(name, plan);
        }
    }

    /// Until its status says which address a Gateway was given, it is remembered here:
    /// another Gateway that comes in between must not get it.
    fn remind(&self, plan: &mut GatewayPlan) {
        if plan.wanted.had.is_empty()
            && let Some(last) = self.by_name.get(&plan.name)
        {
            plan.wanted.had.clone_from(&last.addresses);
        }
    }

    pub(super) fn get(&self, name: &ObjectName) -> Option<&Arc<GatewayPlan>> {
        self.by_name.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<GatewayPlan>> {
        self.by_name.values()
    }

    /// Whether the last update looked at Gateways at all.
    pub(super) fn were_made(&self) -> bool {
        self.were_made
    }

    /// Whether the last update changed a plan.
    pub(super) fn have_changed(&self) -> bool {
        self.have_changed
    }
}

/// Has a Gateway be where its Service is.
fn publish(step: Step<'_>, view: &View<'_>, plan: &mut GatewayPlan) {
    let gateways = &step.now.gateways;
    if let Some(gateway) = gateways.get(plan.name.namespace(), plan.name.name()) {
        infrastructure::publish(plan, infrastructure::found(view, plan, gateway));
    }
    // Whoever serves has pods; it is for others to wait for them.
    if step.settings.exposure == Exposure::Dedicated && step.settings.serving == Serving::Nothing {
        infrastructure::await_pods(view, plan);
    }
}

/// What Gateways are always made of.
const OWN_KINDS: u64 = Gateway::BIT | GatewayClass::BIT | ListenerSet::BIT;

fn is_ours(settings: &Settings, class: &GatewayClass) -> bool {
    *class.spec.controller_name == *settings.controller
}

/// What a Gateway is told whose class does not exist. In a cluster it may be another
/// controller's.
pub(super) fn without_class(step: Step<'_>) -> impl Iterator<Item = Verdict> {
    let gateways = step.now.gateways.iter();
    let lost = gateways.filter(move |gateway| {
        let class = &gateway.spec.gateway_class_name;
        step.settings.complete && step.now.gateway_classes.get("", class).is_none()
    });
    lost.map(move |gateway| {
        let class = &gateway.spec.gateway_class_name;
        let message = format!("there is no GatewayClass {class}");
        let problem = Problem::new(Reason::Invalid, message).at("spec.gatewayClassName");
        let problem = problem.remedy(format!(
            "add a GatewayClass {class} with controllerName {}",
            step.settings.controller
        ));
        Verdict::warning(gateway, problem)
    })
}
