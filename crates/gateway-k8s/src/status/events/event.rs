//! One Event, as the API has it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use super::super::Observed;
use super::super::places::api_version;
use super::EventSettings;
use super::news::News;

/// The Event that tells of `news` about an object. `number` makes its name its own.
pub(super) fn event(
    settings: &EventSettings,
    observed: &Observed,
    news: &News,
    now: Timestamp,
    number: u64,
) -> Event {
    let object = &observed.object;
    let namespace = (!object.namespace.is_empty()).then(|| object.namespace.to_string());
    let mut event = Event {
        action: Some("Reconcile".to_owned()),
        event_time: Some(MicroTime(now)),
        note: Some(shortened(&news.note, MAX_NOTE).to_owned()),
        reason: Some(news.reason.as_str().to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some(api_version(object, &observed.version)),
            kind: Some(object.kind.to_string()),
            name: Some(object.name.to_string()),
            namespace: namespace.clone(),
            resource_version: Some(observed.resource_version.to_string()),
            uid: Some(observed.uid.to_string()),
            ..ObjectReference::default()
        }),
        reporting_controller: Some(settings.controller.to_string()),
        reporting_instance: Some(settings.instance.to_string()),
        type_: Some("Warning".to_owned()),
        ..Event::default()
    };
    event.metadata.name = Some(name(&object.name, number));
    // Where the API wants Events about objects without a namespace.
    event.metadata.namespace = Some(namespace.unwrap_or_else(|| "default".to_owned()));

    event
}

/// A name that begins like the object's, however long that is.
fn name(object: &str, number: u64) -> String {
    let suffix = format!(".{number:016x}");
    let start = shortened(object, MAX_NAME - suffix.len());
    let start = start.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());

    format!("{start}{suffix}")
}

/// As much of a text as has at most `most` bytes.
pub(super) fn shortened(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Names are no longer.
const MAX_NAME: usize = 253;

/// `Event.note` has no more bytes.
const MAX_NOTE: usize = 1024;
