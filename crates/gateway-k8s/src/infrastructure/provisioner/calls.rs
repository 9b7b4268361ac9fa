//! The calls that are made for objects.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use super::super::Exposure;
use super::super::metadata::MANAGER;
use super::super::object::{Key, Made};

/// All objects of a kind that were made here, in a namespace or in all.
pub(super) async fn list(
    client: &Client,
    kind: Made,
    exposure: Exposure,
    namespace: Option<&str>,
) -> Result<Vec<(Key, Value)>, kube::Error> {
    let resource = kind.resource();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let ours = ListParams::default().labels(&kind.selector(exposure));
    let found = api.list(&ours).await?.items.into_iter();
    let each = found.map(|object| {
        let key = Key {
            kind,
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        };
        (key, value(object))
    });
    Ok(each.collect())
}

/// Whether it may be asked for all objects of a kind, in a namespace or in all.
///
/// Asking what is forbidden looks like an attack to whoever reads the API server's log.
pub(super) async fn may_list(
    client: &Client,
    kind: Made,
    namespace: Option<&str>,
) -> Result<bool, kube::Error> {
    let resource = kind.resource();
    let listing = ResourceAttributes {
        verb: Some("list".to_owned()),
        group: Some(resource.group),
        resource: Some(resource.plural),
        namespace: namespace.map(str::to_owned),
        ..ResourceAttributes::default()
    };
    may(client, listing).await
}

/// Whether this is permitted. Everybody may ask that of themselves.
pub(super) async fn may(client: &Client, what: ResourceAttributes) -> Result<bool, kube::Error> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(what),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api = Api::<SelfSubjectAccessReview>::all(client.clone());
    match api.create(&PostParams::default(), &review).await {
        Ok(answer) => Ok(answer.status.is_some_and(|status| status.allowed)),
        Err(error) if is_refusal(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether there is such an object, whoever made it.
pub(super) async fn is_there(client: &Client, key: &Key) -> Result<bool, kube::Error> {
    let found = api(client, key).get_metadata_opt(&key.name).await?;
    Ok(found.is_some())
}

/// Makes an object what it should be, and returns what it is then.
pub(super) async fn apply(
    client: &Client,
    key: &Key,
    object: &Value,
) -> Result<Value, kube::Error> {
    let parameters = PatchParams::apply(MANAGER).force();
    let patch = Patch::Apply(object);
    let applied = api(client, key)
        .patch(&key.name, &parameters, &patch)
        .await?;
    let Key {
        kind,
        namespace,
        name,
    } = key;
    tracing::debug!("applied {} {namespace}/{name}", kind.kind());
    Ok(value(applied))
}

/// Removes an object.
pub(super) async fn remove(client: &Client, key: &Key) -> Result<(), kube::Error> {
    // What it has made itself goes too.
    let removed = api(client, key)
        .delete(&key.name, &DeleteParams::background())
        .await;
    match removed {
        Ok(_) => {
            let (namespace, name) = (&key.namespace, &key.name);
            tracing::debug!("removed {} {namespace}/{name}", key.kind.kind());
            Ok(())
        }
        Err(error) if code(&error) == Some(404) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The status of an answer that is none of the wanted ones.
pub(super) fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// Whether the same call would be answered the same as long as nobody changes
/// anything: what others ask for can be done meanwhile.
pub(super) fn is_refusal(error: &kube::Error) -> bool {
    code(error).is_some_and(|code| (400..500).contains(&code) && !matches!(code, 401 | 408 | 429))
}

fn api(client: &Client, key: &Key) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), &key.namespace, &key.kind.resource())
}

fn value(object: DynamicObject) -> Value {
    serde_json::to_value(object).expect("what was JSON can be JSON again")
}
