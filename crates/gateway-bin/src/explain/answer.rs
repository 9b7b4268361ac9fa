//! Where a request goes, as data: what is printed, for people and for programs.

use std::sync::Arc;

use gateway_core::model::{Gateway, Listener, ObjectName, Protocol};
use gateway_core::routing::{Explanation, NearMiss, WhyNot, Winner, explain};
use gateway_k8s::api;
use gateway_k8s::world::ObjectRef;
use serde::Serialize;

use super::admitted::Admitted;
use super::backends::BackendReport;
use super::filters::FilterReport;
use super::misses::{ListenerMissReport, MissReport};
use super::outcome::{OutcomeReport, outcomes};
use super::request::{Asked, Means};
use super::route::{self, WrittenRule};
use super::secured;
use super::settings;
use super::site::{self, Site};
use super::stream::StreamReport;
use crate::manifests::Manifests;

/// All that `explain` says.
#[derive(Debug, Default, Serialize)]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "String::is_empty")]
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
    /// The route that takes the connection or the datagram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<StreamReport>,
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
    /// What is set about its connections, or its sessions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) settings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
}

/// The rule that takes the request, and what it does.
#[derive(Debug, Serialize)]
pub(super) struct RuleReport {
    pub(super) kind: &'static str,
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
            method: if asked.means.has_request() {
                asked.method.to_string()
            } else {
                String::new()
            },
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
        let sites = Site::all(&manifests.resolved.configuration, asked.means);
        let explained = |site: &Site| explain(&site.listeners, &admitted.head());
        let takes = |site: &Site| !asked.means.has_request() || explained(site).winner.is_some();
        let (site, notes) = match site::choose(&sites, asked, takes) {
            Ok(found) => found,
            Err(refused) => {
                answer.refused = Some(refused);
                return answer;
            }
        };
        answer.notes.extend(notes);
        let listener = match entered(site, asked) {
            Ok(listener) => listener,
            Err(refused) => {
                answer.refused = Some(refused);
                return answer;
            }
        };

        match listener {
            // Whatever is said on it, a listener that knows no requests takes it.
            Some(listener) if !matches!(listener.protocol(), Protocol::Https(_)) => {
                answer.stream(manifests, asked, site, &listener);
            }
            Some(_) if asked.means == Means::Tls => {
                let message = "an HTTPS listener takes it, which expects requests";
                answer.refused = Some(message.to_owned());
            }
            entered => {
                answer.notes.extend(admitted.notes(asked));
                let site = site.with_listeners(|one| {
                    matches!(one.protocol(), Protocol::Http | Protocol::Https(_))
                });
                let explanation = explained(&site);
                answer.refused = misdirected(entered.as_ref(), explanation.listener.as_ref());
                if answer.refused.is_none() {
                    answer
                        .take(manifests, asked, &site, explanation, misses)
                        .await;
                }
            }
        }
        answer
    }

    fn stream(
        &mut self,
        manifests: &Manifests,
        asked: &Asked,
        site: &Site,
        listener: &Arc<Listener>,
    ) {
        if asked.means == Means::Https {
            let note = "it is taken by a listener that does not look at requests";
            self.notes.push(note.to_owned());
        }
        self.listener = Some(ListenerReport::new(manifests, site, listener));
        self.stream = StreamReport::find(manifests, listener, asked.sni.as_deref());
        if self.stream.is_none() {
            let message = format!(
                "no route of listener {} takes it: it is closed",
                listener.name()
            );
            self.refused = Some(message);
        }
    }

    /// Whether a route takes it.
    pub(super) fn has_way(&self) -> bool {
        self.rule.is_some() || self.stream.is_some()
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

/// The listener that is known before anything of a request is: none, for requests in
/// the clear.
///
/// # Errors
///
/// Why there is none where there must be one.
fn entered(site: &Site, asked: &Asked) -> Result<Option<Arc<Listener>>, String> {
    match asked.means {
        Means::Http => Ok(None),
        Means::Https | Means::Tls => secured::listener(site, asked).map(Some),
        Means::Tcp | Means::Udp => Ok(site.listeners.first().cloned()),
    }
}

/// A request for another listener than its connection was made for.
fn misdirected(entered: Option<&Arc<Listener>>, meant: Option<&Arc<Listener>>) -> Option<String> {
    let (entered, meant) = (entered?, meant?);

    (!Arc::ptr_eq(entered, meant)).then(|| {
        format!(
            "the handshake is for listener {}, and the request for listener {}: 421",
            entered.name(),
            meant.name()
        )
    })
}

impl ListenerReport {
    fn new(manifests: &Manifests, site: &Site, listener: &Arc<Listener>) -> Self {
        let gateway = site.gateway_of(listener);
        let (own, index) = written(manifests, gateway.map(Arc::as_ref), listener);
        let place = |object: Option<&ObjectRef>, field: &str| {
            let place = manifests.reading.place(object?, field);
            route::place(place)
        };
        let object = gateway.map(|gateway| {
            let name = gateway.name();
            ObjectRef::new::<api::Gateway>(name.namespace(), name.name())
        });

        Self {
            gateway: gateway.map_or_else(String::new, |one| one.name().to_string()),
            gateway_place: place(object.as_ref(), ""),
            name: listener.name().to_string(),
            hostname: listener.hostname().map(ToString::to_string),
            address: site.describe(),
            settings: settings::describe(listener),
            place: index.and_then(|index| {
                let field = format!("spec.listeners[{index}]");
                place(own.as_ref(), &field)
            }),
        }
    }
}

/// The object that a listener is written in, and its place there. The listeners of
/// ListenerSets are called `namespace/set/listener`.
fn written(
    manifests: &Manifests,
    gateway: Option<&Gateway>,
    listener: &Listener,
) -> (Option<ObjectRef>, Option<usize>) {
    let world = manifests.reading.world();
    let position =
        |listeners: &[api::Listener], name: &str| listeners.iter().position(|one| one.name == name);
    let mut parts = listener.name().as_str().splitn(3, '/');

    match (parts.next(), parts.next(), parts.next()) {
        (Some(namespace), Some(set), Some(name)) => {
            let written = world.listener_sets.get(namespace, set);
            let index = written.and_then(|set| position(&set.spec.listeners, name));
            (
                Some(ObjectRef::new::<api::ListenerSet>(namespace, set)),
                index,
            )
        }
        (Some(name), ..) => {
            let of = gateway.map(Gateway::name);
            let written = of.and_then(|of| world.gateways.get(of.namespace(), of.name()));
            let index = written.and_then(|gateway| position(&gateway.spec.listeners, name));
            let object =
                |of: &ObjectName| ObjectRef::new::<api::Gateway>(of.namespace(), of.name());
            (of.map(object), index)
        }
        (None, ..) => (None, None),
    }
}

impl RuleReport {
    async fn new(manifests: &Manifests, asked: &Asked, port: u16, winner: &Winner) -> Option<Self> {
        let rule = winner.route.rules().get(winner.rule_index)?;
        let written = WrittenRule::find(manifests, &winner.route, winner.rule_index);
        let filters = written.written().and_then(|rule| rule.filters.as_deref());
        let place = |index| written.place(&format!("filters[{index}]"));

        Some(Self {
            kind: route::kind(&winner.route),
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
