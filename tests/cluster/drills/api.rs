//! The API server, through `kubectl proxy`.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

/// Reads and writes objects, as administrator.
#[derive(Debug)]
pub(crate) struct Api {
    socket: PathBuf,
}

impl Api {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// An object, if there is one and the API server answers.
    pub(crate) fn get(
        &self,
        version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Option<Value> {
        let path = format!("{}/{name}", collection(version, kind, namespace));
        let (status, body) = self.call("GET", &path, "", "")?;
        (status == 200).then(|| serde_json::from_str(&body).expect("is JSON"))
    }

    /// All objects of a kind, of one namespace or of all.
    pub(crate) fn list(&self, version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        let path = collection(version, kind, namespace);
        let found = self.call("GET", &path, "", "");
        let Some((200, body)) = found else {
            return Vec::new();
        };
        let mut list: Value = serde_json::from_str(&body).expect("is JSON");
        match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        }
    }

    /// Makes an object, or makes it what it is to be.
    #[track_caller]
    pub(crate) fn apply(&self, object: &Value) -> Value {
        self.expect("PATCH", &applied(object), APPLY, &object.to_string())
    }

    /// The same, and whether it was done.
    pub(crate) fn try_apply(&self, object: &Value) -> bool {
        let answer = self.call("PATCH", &applied(object), APPLY, &object.to_string());
        answer.is_some_and(|(status, _)| (200..300).contains(&status))
    }

    /// Changes fields of an object, or of a part of it such as `/status`.
    #[track_caller]
    pub(crate) fn merge(&self, object: &Value, part: &str, fields: &Value) -> Value {
        let path = format!("{}{part}?fieldManager=somebody-else", path_of(object));
        self.expect("PATCH", &path, MERGE, &fields.to_string())
    }

    /// Has an object removed, if there is one.
    #[track_caller]
    pub(crate) fn delete(&self, object: &Value) {
        let status = self.try_delete(object);
        assert!(matches!(status, Some(200 | 202 | 404)), "{status:?}");
    }

    /// The same, and the status of the answer, if there is one.
    pub(crate) fn try_delete(&self, object: &Value) -> Option<u16> {
        // Pods need not take their leave.
        let path = format!("{}?gracePeriodSeconds=1", path_of(object));
        self.call("DELETE", &path, "", "").map(|(status, _)| status)
    }

    #[track_caller]
    fn expect(&self, method: &str, path: &str, media: &str, body: &str) -> Value {
        let (status, answer) = self
            .call(method, path, media, body)
            .expect("the API server answers");
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        serde_json::from_str(&answer).expect("is JSON")
    }

    /// The status and the body of an answer.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        media: &str,
        body: &str,
    ) -> Option<(u16, String)> {
        let mut stream = UnixStream::connect(&self.socket).ok()?;
        stream.set_read_timeout(Some(LIMIT)).ok()?;
        // Of release 1.0, so that the body is what comes until the end.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nhost: localhost\r\naccept: application/json\r\n\
             content-type: {media}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }
}

fn applied(object: &Value) -> String {
    format!("{}?fieldManager=drills&force=true", path_of(object))
}

fn path_of(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    let collection = collection(
        &text(&object["apiVersion"]),
        &text(&object["kind"]),
        &text(&metadata["namespace"]),
    );
    format!("{collection}/{}", text(&metadata["name"]))
}

fn collection(version: &str, kind: &str, namespace: &str) -> String {
    let root = if version.contains('/') { "apis" } else { "api" };
    let kind = kind.to_lowercase();
    let plural = match kind.strip_suffix('y') {
        Some(stem) if !kind.ends_with("ay") => format!("{stem}ies"),
        _ if kind.ends_with('s') => format!("{kind}es"),
        _ => format!("{kind}s"),
    };
    if namespace.is_empty() {
        format!("/{root}/{version}/{plural}")
    } else {
        format!("/{root}/{version}/namespaces/{namespace}/{plural}")
    }
}

const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const LIMIT: Duration = Duration::from_secs(30);
