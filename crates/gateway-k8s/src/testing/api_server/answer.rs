//! A request to its answer.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::ApiServer;
use super::body::AnswerBody;
use super::fault::Fault;
use super::log::Verb;
use super::request::{Asked, ObjectPath, Target};
use super::resources;
use super::select::Selection;
use super::store::{Key, Refusal, Store, merge, not_found};
use super::watch::{self, Watch};

type Answer = Response<AnswerBody>;

/// Answers a request as it deserves.
pub(super) fn answer(server: &ApiServer, asked: &Asked, body: &[u8]) -> Answer {
    let found = match &asked.target {
        Target::Objects(path) if asked.verb == Verb::Watch => watch(server, path, asked),
        Target::Objects(path) => {
            let answer = objects(&mut server.store(), path, asked, body);
            server.tell();
            answer.map(|(status, value)| json_answer(status, &value))
        }
        target => discovered(&server.store(), target).map(|value| json_answer(200, &value)),
    };
    found.unwrap_or_else(|refusal| refused(&refusal, None))
}

/// What a fault answers; nothing if there is no answer.
pub(super) fn faulty(server: &ApiServer, asked: &Asked, fault: &Fault) -> Option<Answer> {
    let expired = Refusal(410, "Expired", "too old resource version".to_owned());
    Some(match fault {
        Fault::Refuse | Fault::Hang => return None,
        Fault::Status(code) => {
            let reason = match code {
                403 => "Forbidden",
                404 => "NotFound",
                409 => "Conflict",
                _ => "InternalError",
            };
            refused(
                &Refusal(*code, reason, format!("a fault of code {code}")),
                None,
            )
        }
        Fault::TooManyRequests { retry_after } => {
            let message = "too many requests".to_owned();
            refused(
                &Refusal(429, "TooManyRequests", message),
                Some(*retry_after),
            )
        }
        Fault::Gone if asked.verb == Verb::Watch => whole(200, Bytes::from(watch::gone())),
        Fault::Gone | Fault::GoneAtOnce => refused(&expired, None),
        Fault::Truncate => {
            let body = answer(server, asked, &[]).into_body();
            let body = body.half();
            Response::new(AnswerBody::whole(body))
        }
        Fault::Drip { bytes, pause } => {
            answer(server, asked, &[]).map(|body| body.dripping(*bytes, *pause))
        }
    })
}

fn discovered(store: &Store, target: &Target) -> Result<Value, Refusal> {
    let found = match target {
        Target::Version => Some(json!({
            "major": "1", "minor": "34", "gitVersion": "v1.34.0", "gitCommit": "",
            "gitTreeState": "clean", "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
        })),
        Target::Groups => Some(resources::groups(&store.resources)),
        Target::Group(group) => resources::group(&store.resources, group),
        Target::Kinds { group, version } => resources::kinds(&store.resources, group, version),
        Target::Objects(_) | Target::Unknown => None,
    };
    found.ok_or_else(|| not_found("the server could not find the requested resource"))
}

fn watch(server: &ApiServer, path: &ObjectPath, asked: &Asked) -> Result<Answer, Refusal> {
    let store = server.store();
    let selection = Selection::new(store.resource(path)?, path, asked)?;
    let from: u64 = asked.query("resourceVersion").parse().unwrap_or_default();
    if from < store.forgotten {
        return Ok(whole(200, Bytes::from(watch::gone())));
    }
    drop(store);
    let timeout = asked.query("timeoutSeconds").parse().ok();
    let bookmarks = asked.query("allowWatchBookmarks") == "true";
    let watch = Watch::new(server, selection, from, timeout, bookmarks);
    let mut answer = Response::new(AnswerBody::lines(watch.lines()));
    answer
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, JSON);
    Ok(answer)
}

fn objects(
    store: &mut Store,
    path: &ObjectPath,
    asked: &Asked,
    body: &[u8],
) -> Result<(u16, Value), Refusal> {
    let resource = store.resource(path)?.clone();
    let selection = Selection::new(&resource, path, asked)?;
    let key = |name: &str| -> Key {
        (
            resource.definition(),
            path.namespace.clone(),
            name.to_owned(),
        )
    };
    if store.forbidden.contains(&path.plural) {
        let message = format!("{} are forbidden", path.plural);
        return Err(Refusal(403, "Forbidden", message));
    }
    let status_only = path.subresource == "status";
    let is_known = path.subresource.is_empty() || status_only && resource.has_status;
    if !is_known {
        return Err(not_found("there is no such subresource"));
    }
    let (code, object) = match asked.verb {
        Verb::List => return list(store, &selection, asked).map(|list| (200, list)),
        Verb::Get => (200, store.get(&key(&path.name))?.clone()),
        Verb::Create if resource.kind == resources::REVIEW => {
            let mut review = read(body)?;
            let asked = &review["spec"]["resourceAttributes"]["resource"];
            let is_forbidden = store.forbidden.iter().any(|one| asked == one.as_str());
            review["status"] = json!({ "allowed": !is_forbidden });
            (201, review)
        }
        Verb::Create => {
            let mut object = read(body)?;
            object["apiVersion"] = json!(resource.api_version());
            let name = object["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            if resource.has_status {
                object
                    .as_object_mut()
                    .and_then(|fields| fields.remove("status"));
            }
            (201, store.create(key(&name), object)?)
        }
        Verb::Replace => {
            let mut object = read(body)?;
            object["apiVersion"] = json!(resource.api_version());
            (200, store.replace(key(&path.name), object, status_only)?)
        }
        Verb::Patch => patch(store, key(&path.name), asked, &read(body)?, status_only)?,
        Verb::Delete => (200, store.delete(&key(&path.name))?),
        Verb::Discover | Verb::Watch => return Err(not_found("is answered elsewhere")),
    };
    Ok((code, selection.shown(&object)))
}

fn patch(
    store: &mut Store,
    key: Key,
    asked: &Asked,
    patch: &Value,
    status_only: bool,
) -> Result<(u16, Value), Refusal> {
    let is_apply = asked.content_type.starts_with("application/apply-patch");
    if asked.content_type.starts_with("application/json-patch") {
        let message = "this server knows merge patches and applied objects".to_owned();
        return Err(Refusal(415, "UnsupportedMediaType", message));
    }
    let mut object = match store.get(&key) {
        Ok(object) => object.clone(),
        Err(_) if is_apply && !status_only => return Ok((201, store.create(key, patch.clone())?)),
        Err(refusal) => return Err(refusal),
    };
    let api_version = object["apiVersion"].take();
    merge(&mut object, patch);
    object["apiVersion"] = api_version;
    Ok((200, store.replace(key, object, status_only)?))
}

/// A page. Further pages are as new as the first says they are: what changed since
/// is told by the watch.
fn list(store: &Store, selection: &Selection, asked: &Asked) -> Result<Value, Refusal> {
    let token = asked.query("continue");
    let mut token = token.splitn(3, '\n');
    let revision = token.next().and_then(|text| text.parse().ok());
    let after = (
        token.next().unwrap_or_default(),
        token.next().unwrap_or_default(),
    );
    let revision: u64 = revision.unwrap_or(store.revision);
    if revision < store.forgotten {
        let message = "the provided continue parameter is too old".to_owned();
        return Err(Refusal(410, "Expired", message));
    }
    let limit = asked.query("limit").parse().unwrap_or(usize::MAX);
    let mut rest = store
        .objects
        .iter()
        .filter(|((_, namespace, name), _)| (namespace.as_str(), name.as_str()) > after)
        .filter(|(key, object)| selection.has(key, object));
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let next = rest.next().and(page.last());
    let next = next.map(|((_, namespace, name), _)| format!("{revision}\n{namespace}\n{name}"));
    let items = page.into_iter().map(|(_, object)| selection.shown(object));
    Ok(selection.list(items.collect(), revision, next))
}

fn read(body: &[u8]) -> Result<Value, Refusal> {
    let value: Result<Value, _> = serde_json::from_slice(body);
    let value = value.map_err(|error| Refusal(400, "BadRequest", error.to_string()))?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Refusal(400, "BadRequest", "is not an object".to_owned()))
}

fn refused(Refusal(code, reason, message): &Refusal, retry_after: Option<u64>) -> Answer {
    let mut status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    });
    if let Some(seconds) = retry_after {
        status["details"] = json!({ "retryAfterSeconds": seconds });
    }
    let mut answer = json_answer(*code, &status);
    if let Some(seconds) = retry_after {
        answer
            .headers_mut()
            .insert(http::header::RETRY_AFTER, seconds.into());
    }
    answer
}

fn json_answer(code: u16, value: &Value) -> Answer {
    whole(code, Bytes::from(value.to_string()))
}

fn whole(code: u16, body: Bytes) -> Answer {
    let mut answer = Response::new(AnswerBody::whole(body));
    *answer.status_mut() = StatusCode::from_u16(code).expect("a status code");
    answer
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, JSON);
    answer
}

const JSON: http::HeaderValue = http::HeaderValue::from_static("application/json");
