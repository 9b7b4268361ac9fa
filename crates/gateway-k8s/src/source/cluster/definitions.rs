//! The CustomResourceDefinitions of the Gateway API.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::ApiResource;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::discover::is_ours;
use super::failure::Failure;
use super::follow::Follower;
use super::kinds::Watched;
use super::raw::text;

/// What is known of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions {
    /// By name, as in `gateways.gateway.networking.k8s.io`, the release it is of.
    releases: BTreeMap<String, Option<String>>,
    /// Whether all of them are known.
    pub(super) are_listed: bool,
    /// Whether they cannot be watched now, so that it has to be asked what is
    /// installed every now and then.
    pub(super) are_hidden: bool,
}

impl Definitions {
    /// What to ask for.
    pub(super) fn resource() -> ApiResource {
        ApiResource {
            group: "apiextensions.k8s.io".to_owned(),
            version: "v1".to_owned(),
            api_version: "apiextensions.k8s.io/v1".to_owned(),
            kind: "CustomResourceDefinition".to_owned(),
            plural: "customresourcedefinitions".to_owned(),
        }
    }

    /// Whether the kind is defined; nothing, if that is not known.
    pub(super) fn has(&self, watched: &Watched) -> Option<bool> {
        let is_known = self.are_listed && !self.are_hidden;
        is_known.then(|| self.releases.contains_key(&watched.definition()))
    }

    /// The releases that are installed, each once.
    pub(super) fn releases(&self) -> Vec<String> {
        let all = self.releases.values();
        let all: BTreeSet<_> = all
            .map(|release| release.as_deref().unwrap_or(UNLABELLED))
            .collect();
        all.into_iter().map(str::to_owned).collect()
    }
}

/// Keeps [`Definitions`] up to date. Whoever waits is woken by every event of one of
/// them, for a definition says by its events that it begins to be served.
#[derive(Debug)]
pub(super) struct DefinitionFollower(pub(super) watch::Sender<Definitions>);

impl Follower for DefinitionFollower {
    type Staged = BTreeMap<String, Option<String>>;

    fn stage(&self, staged: &mut Self::Staged, object: Map<String, Value>) {
        if let Some((name, release)) = definition(&object) {
            staged.insert(name, release);
        }
    }

    fn swap(&self, staged: Self::Staged) {
        self.0.send_modify(|definitions| {
            definitions.releases = staged;
            definitions.are_listed = true;
        });
    }

    fn put(&self, object: Map<String, Value>) {
        if let Some((name, release)) = definition(&object) {
            self.0
                .send_modify(|definitions| drop(definitions.releases.insert(name, release)));
        }
    }

    fn remove(&self, object: &Map<String, Value>) {
        if let Some((name, _)) = definition(object) {
            self.0
                .send_modify(|definitions| drop(definitions.releases.remove(&name)));
        }
    }

    fn is_well(&self) {
        self.0
            .send_if_modified(|definitions| std::mem::take(&mut definitions.are_hidden));
    }

    fn fails(&self, _: &Failure) {
        self.0
            .send_if_modified(|definitions| !std::mem::replace(&mut definitions.are_hidden, true));
    }
}

/// The name and the release of a definition that matters.
fn definition(object: &Map<String, Value>) -> Option<(String, Option<String>)> {
    let metadata = object.get("metadata")?.as_object()?;
    let name = text(metadata, "name")?;
    let (_, group) = name.split_once('.')?;
    if !is_ours(group) {
        return None;
    }
    let annotations = metadata.get("annotations").and_then(Value::as_object);
    let release = annotations.and_then(|annotations| text(annotations, RELEASE));
    Some((name.to_owned(), release.map(str::to_owned)))
}

/// The release of a definition that does not say of which it is.
const UNLABELLED: &str = "unknown";

/// Source: `pkg/consts` of the Gateway API.
const RELEASE: &str = "gateway.networking.k8s.io/bundle-version";
