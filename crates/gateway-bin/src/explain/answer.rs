//! Where a request goes, as data: what is printed, for people and for programs.

use std::sync::Arc;

use gateway_core::model::Listener;
use gateway_core::routing::{Explanation, NearMiss, WhyNot, Winner, explain};
use gateway_k8s::api::Gateway;
use gateway_k8s::world::ObjectRef;
use serde::Serialize;

use super::admitted::Admitted;
use super::backends::BackendReport;
use super::filters::FilterReport;
use super::misses::{ListenerMissReport, MissReport};
use super::outcome::{OutcomeReport, outcomes};
use super::request::Asked;
use super::route::{self, WrittenRule};
use super::site::{self, Site};
use crate::manifests::Manifests;

/// All that `explain` says.
#[derive(Debug, Default, Serialize)]
pub(super) struct Answer {
    pub(super) method: String,
    pub(super) url: String,
    /// What may surprise.
    pub(super) notes: Vec<String>,
    /// Why the request gets to no listener at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) listener: Option<ListenerReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<RuleReport>,
    pub(super) near_misses: Vec<MissReport>,
    /// How many more there are.
    pub(super) more_near_misses: usize,
    pub(super) other_listeners: Vec<ListenerMissReport>,
}

/// The listener that gets the request.
#[derive(Debug, Serialize)]
pub(super) struct ListenerReport {
    pub(super) gateway: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gateway_place: Option<String>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hostname: Option<String>,
    pub(super) address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
}

/// The rule that takes the request, and what it does.
#[derive(Debug, Serialize)]
pub(super) struct RuleReport {
    pub(super) route: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) route_place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hostname: Option<String>,
    pub(super) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    #[serde(rename = "match")]
    pub(super) condition: String,
    pub(super) filters: Vec<FilterReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeouts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<String>,
    pub(super) backends: Vec<BackendReport>,
    pub(super) outcomes: Vec<OutcomeReport>,
}

impl Answer {
    /// Follows a request through the manifests.
    pub(super) async fn find(manifests: &Manifests, asked: &Asked, misses: usize) -> Self {
        let mut answer = Self {
            method: asked.method.to_string(),
            url: asked.url.clone(),
            ..Self::default()
        };
        let admitted = match Admitted::new(asked).await {
            Ok(admitted) => admitted,
            Err(status) => {
                answer.refused = Some(format!(
                    "the request is answered with {status} before it is routed"
                ));
                return answer;
            }
        };
        answer.notes.extend(admitted.notes(asked));

        let sites = Site::all(&manifests.resolved.configuration);
        let explained = |site: &Site| explain(&site.listeners, &admitted.head());
        match site::choose(&sites, asked, |site| explained(site).winner.is_some()) {
            Ok((site, notes)) => {
                answer.notes.extend(notes);
                answer
                    .take(manifests, asked, site, explained(site), misses)
                    .await;
            }
            Err(refused) => answer.refused = Some(refused),
        }
        answer
    }

    /// Whether a rule takes the request.
    pub(super) fn has_rule(&self) -> bool {
        self.rule.is_some()
    }

    async fn take(
        &mut self,
        manifests: &Manifests,
        asked: &Asked,
        site: &Site,
        explanation: Explanation,
        misses: usize,
    ) {
        let listener = explanation.listener.as_ref();
        self.listener = listener.map(|one| ListenerReport::new(manifests, site, one));
        if let Some(winner) = &explanation.winner {
            self.rule = RuleReport::new(manifests, asked, site.port, winner).await;
        }

        // Once a rule has it, rules for other hosts are no surprise.
        let is_near = |miss: &&NearMiss| {
            explanation.winner.is_none()
                || !miss
                    .why_not
                    .iter()
                    .any(|why| matches!(why, WhyNot::Hostname { .. }))
        };
        let near: Vec<_> = explanation.near_misses.iter().filter(is_near).collect();
        let shown = near.iter().take(misses);
        self.near_misses = shown.map(|miss| MissReport::new(manifests, miss)).collect();
        self.more_near_misses = near.len() - self.near_misses.len();
        let others = explanation.other_listeners.iter();
        self.other_listeners = others
            .map(|miss| ListenerMissReport::new(site, miss))
            .collect();
    }
}

impl ListenerReport {
    fn new(manifests: &Manifests, site: &Site, listener: &Arc<Listener>) -> Self {
        let gateway = site.gateway_of(listener);
        let object = gateway.map(|gateway| {
            let name = gateway.name();
            ObjectRef::new::<Gateway>(name.namespace(), name.name())
        });
        let place = |field: &str| {
            let place = manifests.reading.place(object.as_ref()?, field);
            route::place(place)
        };
        let index = object.as_ref().and_then(|object| {
            let gateways = &manifests.reading.world.gateways;
            let written = gateways.get(&object.namespace, &object.name)?;
            let mut names = written.spec.listeners.iter().map(|one| one.name.as_str());
            names.position(|name| name == listener.name().as_str())
        });

        Self {
            gateway: gateway.map_or_else(String::new, |one| one.name().to_string()),
            gateway_place: place(""),
            name: listener.name().to_string(),
            hostname: listener.hostname().map(ToString::to_string),
            address: site.describe(),
            place: index.and_then(|index| place(&format!("spec.listeners[{index}]"))),
        }
    }
}

impl RuleReport {
    async fn new(manifests: &Manifests, asked: &Asked, port: u16, winner: &Winner) -> Option<Self> {
        let rule = winner.route.rules().get(winner.rule_index)?;
        let written = WrittenRule::find(manifests, winner.route.name(), winner.rule_index);
        let filters = written.written().and_then(|rule| rule.filters.as_deref());
        let place = |index| written.place(&format!("filters[{index}]"));

        Some(Self {
            route: winner.route.name().to_string(),
            route_place: written.route_place(),
            hostname: winner.hostname.as_ref().map(ToString::to_string),
            index: written.index,
            name: rule.name().map(ToString::to_string),
            place: written.place(""),
            condition: route::describe(rule.matches().get(winner.match_index)),
            filters: FilterReport::all(filters.unwrap_or_default(), place),
            timeouts: route::timeouts(rule),
            retry: written.retry(),
            backends: BackendReport::all(&manifests.resolved.configuration, rule, &written),
            outcomes: outcomes(rule, winner.match_index, asked, port).await,
        })
    }
}
