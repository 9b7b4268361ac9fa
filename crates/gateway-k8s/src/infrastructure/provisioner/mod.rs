//! Has the objects of Gateways made, changed and removed.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::model::ObjectName;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::task::Task;
use super::{Blueprint, Needed};
use crate::verdict::Problem;
use crate::world::World;

mod calls;
mod kinds;
mod subjects;
mod task;
#[cfg(test)]
mod tests;

/// Why Gateways do not have what they need, by name.
pub type Hindrances = Arc<BTreeMap<ObjectName, Problem>>;

/// Makes the objects of Gateways as long as it [leads](Provisioner::lead). Dropping
/// it ends that, and removes nothing.
///
/// Nothing is written that is as it should be. What somebody else has made under the
/// same name is left alone.
#[derive(Debug)]
pub struct Provisioner {
    asked: watch::Sender<Asked>,
    hindrances: watch::Receiver<Hindrances>,
    task: JoinHandle<()>,
}

/// What it was told last.
#[derive(Clone, Debug, Default)]
struct Asked {
    /// Nothing, as long as it is not known what Gateways there are.
    told: Option<(Arc<[Needed]>, World)>,
    leads: bool,
}

impl Provisioner {
    /// Begins, on the current runtime, with nothing to do. Only `namespaces` are looked
    /// into, or all if there are none.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(client: kube::Client, blueprint: Blueprint, namespaces: Vec<String>) -> Self {
        let (asked, told) = watch::channel(Asked::default());
        let (tell, hindrances) = watch::channel(Hindrances::default());
        let task = Task::new(client, blueprint, namespaces, tell);

        Self {
            asked,
            hindrances,
            task: tokio::spawn(task.run(told)),
        }
    }

    /// These Gateways need objects, in this world.
    pub fn update(&self, needed: Arc<[Needed]>, world: World) {
        self.asked.send_if_modified(|asked| {
            let is_known = asked.told.as_ref().is_some_and(|(before, seen)| {
                Arc::ptr_eq(before, &needed)
                    && seen.services.same(&world.services)
                    && seen.endpoint_slices.same(&world.endpoint_slices)
            });
            asked.told = Some((needed, world));
            !is_known
        });
    }

    /// Whether it is the one of all replicas that writes. It is not, to begin with.
    pub fn lead(&self, leads: bool) {
        self.asked
            .send_if_modified(|asked| std::mem::replace(&mut asked.leads, leads) != leads);
    }

    /// What stands in the way of Gateways, as it changes.
    pub fn hindrances(&self) -> watch::Receiver<Hindrances> {
        self.hindrances.clone()
    }
}

impl Drop for Provisioner {
    fn drop(&mut self) {
        self.task.abort();
    }
}
