//! Who may read what routes are made of.

use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, Subject};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use super::super::Needed;
use super::super::object::Objects;
use super::super::permissions::{BINDING, has_pods, subject};
use super::calls::{code, may};
use crate::verdict::{Problem, Reason};

/// Lets these read, and of the namespaces that are followed nobody else. Says what was
/// in the way, if that is not to be changed by trying again.
///
/// # Errors
///
/// Of the way to the API server.
pub(super) async fn permit(
    client: &Client,
    readers: &[Subject],
    followed: &[String],
) -> Result<Option<Problem>, kube::Error> {
    if readers.is_empty() && !may(client, changing()).await? {
        return Ok(None);
    }
    match change(client, readers, followed).await {
        Ok(()) => Ok(None),
        // Where nobody has installed it, there are none.
        Err(error) if code(&error) == Some(404) && readers.is_empty() => Ok(None),
        Err(error) if matches!(code(&error), Some(403 | 404)) => {
            let message = format!("ClusterRoleBinding {BINDING} cannot be changed: {error}");
            let problem = Problem::new(Reason::NoResources, message);
            Ok(Some(problem.remedy("apply deploy/dedicated.yaml")))
        }
        Err(error) => Err(error),
    }
}

/// What has to be permitted.
fn changing() -> ResourceAttributes {
    ResourceAttributes {
        verb: Some("patch".to_owned()),
        group: Some("rbac.authorization.k8s.io".to_owned()),
        resource: Some("clusterrolebindings".to_owned()),
        name: Some(BINDING.to_owned()),
        ..ResourceAttributes::default()
    }
}

async fn change(
    client: &Client,
    readers: &[Subject],
    followed: &[String],
) -> Result<(), kube::Error> {
    let api = Api::<ClusterRoleBinding>::all(client.clone());
    let there = api.get(BINDING).await?;
    let before = there.subjects.as_deref().unwrap_or_default();
    if let Some(subjects) = subjects(before, readers, followed) {
        // Whoever changed it meanwhile is not to be forgotten.
        let version = there.resource_version();
        let fields = json!({"metadata": {"resourceVersion": version}, "subjects": subjects});
        let parameters = PatchParams::default();
        api.patch(BINDING, &parameters, &Patch::Merge(fields))
            .await?;
    }
    Ok(())
}

/// Who reads what routes are made of: the pods of these Gateways, in order.
pub(super) fn readers(needed: &[Needed], wanted: &Objects) -> Vec<Subject> {
    let with_pods = needed.iter().filter(|one| has_pods(one, wanted));
    let mut readers: Vec<_> = with_pods.map(subject).collect();
    readers.sort_by(|one, other| place(one).cmp(&place(other)));
    readers.dedup();
    readers
}

/// The subjects of the ClusterRoleBinding as they should be, if they are not. Those of
/// namespaces that are not `followed` are others' business; none followed means all.
fn subjects(before: &[Subject], readers: &[Subject], followed: &[String]) -> Option<Vec<Subject>> {
    let is_ours = |subject: &&Subject| {
        let namespace = subject.namespace.as_ref();
        followed.is_empty() || namespace.is_some_and(|one| followed.contains(one))
    };
    let others = before.iter().filter(|one| !is_ours(one));
    let mut wanted: Vec<_> = others.chain(readers).cloned().collect();
    wanted.sort_by(|one, other| place(one).cmp(&place(other)));
    wanted.dedup();

    (wanted != before).then_some(wanted)
}

fn place(subject: &Subject) -> (Option<&str>, &str) {
    (subject.namespace.as_deref(), &subject.name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;

    fn all() -> Vec<Subject> {
        let account = |(namespace, name): (&str, &str)| Subject {
            api_group: None,
            kind: "ServiceAccount".to_owned(),
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
        };
        let all = [("edge", "a"), ("edge", "b"), ("other", "c"), ("shop", "d")];
        all.map(account).to_vec()
    }

    fn some() -> impl Strategy<Value = Vec<Subject>> {
        subsequence(all(), 0..=4)
    }

    fn of(subjects: &[Subject], namespaces: &[String], within: bool) -> Vec<Subject> {
        let is_within = |one: &Subject| {
            let namespace = one.namespace.as_ref();
            namespaces.is_empty() || namespace.is_some_and(|one| namespaces.contains(one))
        };
        let meant = subjects.iter().filter(|one| is_within(one) == within);
        meant.cloned().collect()
    }

    proptest! {
        /// Of the namespaces that are followed those who read and no others, of all
        /// others those who were there; and then nothing is to be changed.
        #[test]
        fn others_keep_what_they_have(
            before in some(),
            readers in some(),
            followed in select(vec![vec![], vec!["edge"], vec!["edge", "shop"]]),
        ) {
            let followed: Vec<_> = followed.into_iter().map(str::to_owned).collect();
            let readers = of(&readers, &followed, true);

            let now = subjects(&before, &readers, &followed);
            let now = now.unwrap_or_else(|| before.clone());

            prop_assert_eq!(of(&now, &followed, true), readers.clone());
            prop_assert_eq!(of(&now, &followed, false), of(&before, &followed, false));
            prop_assert_eq!(subjects(&now, &readers, &followed), None);
        }
    }
}
