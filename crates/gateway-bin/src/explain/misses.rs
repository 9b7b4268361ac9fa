//! What the request might have been meant for.

use gateway_core::model::{Hostname, Route};
use gateway_core::routing::{ListenerMiss, NearMiss, WhyNot};
use serde::Serialize;

use super::route::{self, WrittenRule};
use super::site::Site;
use crate::manifests::Manifests;

/// A match that does not get the request.
#[derive(Debug, Serialize)]
pub(super) struct MissReport {
    pub(super) kind: &'static str,
    pub(super) route: String,
    pub(super) rule: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule_name: Option<String>,
    #[serde(rename = "match")]
    pub(super) condition: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    pub(super) why_not: Vec<String>,
}

impl MissReport {
    pub(super) fn new(manifests: &Manifests, miss: &NearMiss) -> Self {
        let written = WrittenRule::find(manifests, &miss.route, miss.rule_index);
        let rule = miss.route.rules().get(miss.rule_index);
        let matched = rule.and_then(|rule| rule.matches().get(miss.match_index));
        let of_match = format!("matches[{}]", miss.match_index);
        let field = if matched.is_some() { &of_match } else { "" };

        Self {
            kind: route::kind(&miss.route),
            route: miss.route.name().to_string(),
            rule: written.index,
            rule_name: rule.and_then(|rule| rule.name()).map(ToString::to_string),
            condition: route::describe(matched),
            place: written.place(field),
            why_not: miss
                .why_not
                .iter()
                .map(|why| describe(why, &miss.route))
                .collect(),
        }
    }
}

/// Why a match does not get the request; for which hosts it is, if that is why.
fn describe(why: &WhyNot, route: &Route) -> String {
    match why {
        WhyNot::Hostname { .. } => {
            let hosts: Vec<_> = route.hostnames().iter().map(Hostname::as_str).collect();
            format!("{why}: they are {}", hosts.join(", "))
        }
        _ => why.to_string(),
    }
}

/// A listener at the same address that does not get the request.
#[derive(Debug, Serialize)]
pub(super) struct ListenerMissReport {
    pub(super) gateway: String,
    pub(super) name: String,
    pub(super) why_not: String,
}

impl ListenerMissReport {
    pub(super) fn new(site: &Site, miss: &ListenerMiss) -> Self {
        let gateway = site.gateway_of(&miss.listener);

        Self {
            gateway: gateway.map_or_else(String::new, |one| one.name().to_string()),
            name: miss.listener.name().to_string(),
            why_not: miss.why_not.to_string(),
        }
    }
}
