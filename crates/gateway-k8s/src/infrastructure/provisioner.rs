//! Has the objects of Gateways made, changed and removed.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::model::ObjectName;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::objects::MANAGER;
use super::{Desired, Exposure, Needed, desired};
use crate::world::World;

/// Makes the objects of Gateways as long as it [leads](Provisioner::lead). Dropping
/// it ends that, and removes nothing.
///
/// What somebody else has made under the same name is left alone.
#[derive(Debug)]
pub struct Provisioner {
    asked: watch::Sender<Asked>,
    task: JoinHandle<()>,
}

/// What it was told last.
#[derive(Clone, Debug, Default)]
struct Asked {
    needed: Arc<[Needed]>,
    world: World,
    leads: bool,
}

impl Provisioner {
    /// Begins, on the current runtime, with nothing to do. `pods` is the Service whose
    /// endpoints are the pods of this gateway, for [`Exposure::Services`]. Only
    /// `namespaces` are looked into, or all if there are none.
    pub fn new(
        client: Client,
        exposure: Exposure,
        pods: ObjectName,
        namespaces: Vec<String>,
    ) -> Self {
        let (asked, told) = watch::channel(Asked::default());
        let task = Task {
            client,
            exposure,
            pods,
            namespaces,
            applied: BTreeMap::new(),
            was_leading: false,
        };

        Self {
            asked,
            task: tokio::spawn(task.run(told)),
        }
    }

    /// These Gateways need objects, in this world.
    pub fn update(&self, needed: Arc<[Needed]>, world: World) {
        self.asked.send_modify(|asked| {
            asked.needed = needed;
            asked.world = world;
        });
    }

    /// Whether it is the one of all replicas that writes. It is not, to begin with.
    pub fn lead(&self, leads: bool) {
        self.asked
            .send_if_modified(|asked| std::mem::replace(&mut asked.leads, leads) != leads);
    }
}

impl Drop for Provisioner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Task {
    client: Client,
    exposure: Exposure,
    pods: ObjectName,
    namespaces: Vec<String>,
    /// What was applied, by the namespace and name of its Service.
    applied: BTreeMap<(String, String), Desired>,
    was_leading: bool,
}

impl Task {
    async fn run(mut self, mut told: watch::Receiver<Asked>) {
        let mut pause = SHORTEST_PAUSE;
        while told.changed().await.is_ok() {
            loop {
                let asked = told.borrow_and_update().clone();
                let Err(error) = self.settle(&asked).await else {
                    pause = SHORTEST_PAUSE;
                    break;
                };
                tracing::warn!("cannot make the objects of Gateways, and tries again: {error}");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    async fn settle(&mut self, asked: &Asked) -> Result<(), kube::Error> {
        if !asked.leads {
            // Whoever leads meanwhile may change everything.
            self.applied.clear();
            self.was_leading = false;
            return Ok(());
        }
        let wanted = desired(&asked.needed, self.exposure, &self.pods, &asked.world);
        let wanted: BTreeMap<_, _> = wanted
            .into_iter()
            .map(|one| (key(&one.service), one))
            .collect();
        if !self.was_leading {
            self.remove_strangers(&wanted).await?;
            self.was_leading = true;
        }
        for gone in self
            .applied
            .keys()
            .filter(|key| !wanted.contains_key(*key))
            .cloned()
            .collect::<Vec<_>>()
        {
            if let Some(applied) = self.applied.remove(&gone) {
                self.remove(&applied).await?;
            }
        }
        for (key, one) in wanted {
            let is_there = asked.world.services.get(&key.0, &key.1).is_some();
            if self.applied.get(&key) != Some(&one) || !is_there {
                self.apply(self.applied.get(&key).cloned(), &one).await?;
                self.applied.insert(key, one);
            }
        }
        Ok(())
    }

    async fn apply(&self, before: Option<Desired>, now: &Desired) -> Result<(), kube::Error> {
        put(&self.client, &now.service).await?;
        for slice in &now.slices {
            put(&self.client, slice).await?;
        }
        let before = before.map(|before| before.slices).unwrap_or_default();
        for gone in before.iter().filter(|old| {
            !now.slices
                .iter()
                .any(|new| new.name_any() == old.name_any())
        }) {
            take::<EndpointSlice>(&self.client, gone).await?;
        }
        Ok(())
    }

    async fn remove(&self, gone: &Desired) -> Result<(), kube::Error> {
        for slice in &gone.slices {
            take::<EndpointSlice>(&self.client, slice).await?;
        }
        take::<Service>(&self.client, &gone.service).await
    }

    /// Removes what Gateways have left that are no longer ours since a time when
    /// nobody led. What Gateways have left that are gone, the cluster removes.
    async fn remove_strangers(
        &self,
        wanted: &BTreeMap<(String, String), Desired>,
    ) -> Result<(), kube::Error> {
        let ours = ListParams::default().labels(&format!("app.kubernetes.io/managed-by={MANAGER}"));
        for api in self.followed() {
            let found = api.list(&ours).await?.items;
            for service in found.iter().filter(|one| !wanted.contains_key(&key(*one))) {
                take::<Service>(&self.client, service).await?;
            }
        }
        Ok(())
    }

    /// The Services that can be of ours. In other namespaces they are those of another
    /// gateway, or may not even be read.
    fn followed(&self) -> Vec<Api<Service>> {
        if self.namespaces.is_empty() {
            return vec![Api::all(self.client.clone())];
        }
        let each = self.namespaces.iter();
        each.map(|one| Api::namespaced(self.client.clone(), one))
            .collect()
    }
}

fn key<T: ResourceExt>(object: &T) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
}

/// Applies an object, unless there is one of that name that we did not make.
async fn put<T>(client: &Client, object: &T) -> Result<(), kube::Error>
where
    T: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize,
{
    let (namespace, name) = key(object);
    let api = Api::<T>::namespaced(client.clone(), &namespace);
    let there = api.get_metadata_opt(&name).await?;
    if there.is_some_and(|there| {
        there
            .labels()
            .get("app.kubernetes.io/managed-by")
            .map(String::as_str)
            != Some(MANAGER)
    }) {
        let kind = T::kind(&());
        tracing::warn!(
            "{kind} {namespace}/{name} is somebody else's, so the Gateway has none; rename one of the two"
        );
        return Ok(());
    }

    let parameters = PatchParams::apply(MANAGER).force();
    api.patch(&name, &parameters, &Patch::Apply(object)).await?;
    tracing::debug!("applied {} {namespace}/{name}", T::kind(&()));
    Ok(())
}

/// Removes an object of ours.
async fn take<T>(client: &Client, object: &T) -> Result<(), kube::Error>
where
    T: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let (namespace, name) = key(object);
    let api = Api::<T>::namespaced(client.clone(), &namespace);
    match api.delete(&name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
