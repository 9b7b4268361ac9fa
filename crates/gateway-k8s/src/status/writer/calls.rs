//! The calls of a writer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;
use kube::Client;
use serde_json::{Value, json};

use super::super::Observed;
use super::super::call::{CallError, call};
use super::super::places::api_version;
use crate::world::ObjectRef;

/// A call under way. Dropping it gives it up; it may have arrived.
pub(super) type Call = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What became of a call.
pub(super) struct Done {
    pub(super) object: ObjectRef,
    /// What the server has now.
    pub(super) answer: Result<Observed, CallError>,
    /// The status that was sent; nothing was, to read.
    pub(super) sent: Option<Value>,
}

/// Reads an object again.
pub(super) fn reading(
    client: &Client,
    object: &ObjectRef,
    path: String,
    observed: &Observed,
) -> Call {
    let (client, object) = (client.clone(), object.clone());
    let version = Arc::clone(&observed.version);

    Box::pin(async move {
        let answer = call(&client, Method::GET, &path, None).await;
        Done {
            answer: answer.and_then(|answer| found(&object, version, &answer)),
            object,
            sent: None,
        }
    })
}

/// Replaces the status by all of it: its lists of entries are atomic, and an apply of
/// our entries would take away those of others. The version makes sure that nothing
/// was written meanwhile. No `spec` is sent: for the subresource the API server takes
/// everything but the status from what it has before it validates, and what is read
/// into older types must not be written back.
pub(super) fn writing(
    client: &Client,
    object: &ObjectRef,
    path: String,
    base: &Observed,
    status: Value,
) -> Call {
    let (client, object) = (client.clone(), object.clone());
    let version = Arc::clone(&base.version);
    let mut metadata = json!({
        "name": &*object.name,
        "resourceVersion": &*base.resource_version,
        "uid": &*base.uid,
    });
    if !object.namespace.is_empty() {
        metadata["namespace"] = (*object.namespace).into();
    }
    let body = json!({
        "apiVersion": api_version(&object, &version),
        "kind": &*object.kind,
        "metadata": metadata,
        "status": status,
    });

    Box::pin(async move {
        let path = format!("{path}/status");
        let answer = call(&client, Method::PUT, &path, Some(&body)).await;
        Done {
            answer: answer.and_then(|answer| found(&object, version, &answer)),
            object,
            sent: Some(status),
        }
    })
}

/// What an answer says of an object.
fn found(object: &ObjectRef, version: Arc<str>, answer: &Value) -> Result<Observed, CallError> {
    let text = |key: &str| answer["metadata"][key].as_str();
    let (Some(uid), Some(resource_version)) = (text("uid"), text("resourceVersion")) else {
        let message = "the answer is no object".to_owned();
        return Err(CallError::Failed { message });
    };

    Ok(Observed {
        object: object.clone(),
        uid: uid.into(),
        resource_version: resource_version.into(),
        version,
        status: answer
            .get("status")
            .map(|status| status.to_string().into_boxed_str()),
    })
}
