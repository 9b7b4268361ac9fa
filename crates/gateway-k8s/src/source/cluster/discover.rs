//! Which kinds a cluster has.

use std::collections::BTreeMap;

use kube::Client;
use tokio::time::timeout;

use super::failure::Failure;
use super::kinds::Watched;

/// The kinds that are installed, by their place in [`Watched::all`], and the version
/// in which each is to be watched. Those that every cluster has are not among them.
pub(super) type Installed = BTreeMap<usize, String>;

/// Asks an API server which kinds it serves.
///
/// A kind that is not in the answer is certainly not served now: anything that
/// hinders looking is a failure.
pub(super) async fn discover(client: &Client) -> Result<Installed, Failure> {
    let groups = in_time(client.list_api_groups()).await?.groups;
    let mut served: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for group in groups.iter().filter(|group| is_ours(&group.name)) {
        for version in &group.versions {
            let resources = in_time(client.list_api_group_resources(&version.group_version));
            for resource in resources.await?.resources {
                // A subresource has a name of two parts.
                let can_watch = resource.verbs.iter().any(|verb| verb == "watch");
                if can_watch && !resource.name.contains('/') {
                    let kind = (group.name.clone(), resource.kind);
                    served
                        .entry(kind)
                        .or_default()
                        .push(version.version.clone());
                }
            }
        }
    }
    let installed = Watched::all()
        .iter()
        .enumerate()
        .filter_map(|(index, watched)| {
            let kind = (watched.group.to_string(), watched.kind.to_string());
            let served = served.get(&kind)?;
            let known = watched.reader.versions.iter();
            let version = known
                .copied()
                .find(|known| served.iter().any(|one| one == known))?;
            Some((index, version.to_owned()))
        });
    Ok(installed.collect())
}

/// Whether a group has kinds that not every cluster has.
pub(super) fn is_ours(group: &str) -> bool {
    let mut kinds = Watched::all().iter();
    kinds.any(|kind| !kind.is_built_in && kind.group == group)
}

async fn in_time<T>(answer: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
    let answer = timeout(ANSWER, answer).await.map_err(|_| Failure::Slow)?;
    answer.map_err(Failure::Client)
}

const ANSWER: std::time::Duration = std::time::Duration::from_secs(30);
