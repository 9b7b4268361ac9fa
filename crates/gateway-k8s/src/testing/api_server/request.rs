//! What is asked for.

use std::collections::BTreeMap;

use http::Method;
use http::request::Parts;

use super::log::Verb;

/// A request, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) target: Target,
    pub(super) verb: Verb,
    pub(super) query: BTreeMap<String, String>,
    /// Whether nothing but metadata is wanted.
    pub(super) metadata_only: bool,
    /// The form of a patch.
    pub(super) content_type: String,
}

/// What a path names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Target {
    /// `/version` and the like.
    Version,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// `/apis/GROUP/VERSION` or `/api/v1`.
    Kinds { group: String, version: String },
    /// Objects of a kind, or one of them.
    Objects(ObjectPath),
    /// Something else.
    Unknown,
}

/// Objects of a kind, or one of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct ObjectPath {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) plural: String,
    /// Empty for all, and for a kind that has none.
    pub(super) namespace: String,
    /// Empty for all.
    pub(super) name: String,
    /// Empty for the object itself.
    pub(super) subresource: String,
}

impl Asked {
    pub(super) fn of(parts: &Parts) -> Self {
        let header = |name| {
            let value = parts.headers.get(name);
            let text = value.and_then(|value| value.to_str().ok());
            text.unwrap_or_default().to_owned()
        };
        let query = parts.uri.query().unwrap_or_default();
        let query: BTreeMap<_, _> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (decode(key), decode(value)))
            .collect();
        let target = target(parts.uri.path());
        let verb = verb(&parts.method, &target, query.contains_key("watch"));
        Self {
            target,
            verb,
            query,
            metadata_only: header(http::header::ACCEPT).contains("as=PartialObjectMetadata"),
            content_type: header(http::header::CONTENT_TYPE),
        }
    }

    /// What the query says.
    pub(super) fn query(&self, key: &str) -> &str {
        self.query.get(key).map(String::as_str).unwrap_or_default()
    }
}

fn verb(method: &Method, target: &Target, watch: bool) -> Verb {
    let is_one = match target {
        Target::Objects(path) => !path.name.is_empty(),
        Target::Version | Target::Groups | Target::Group(_) | Target::Kinds { .. } => {
            return Verb::Discover;
        }
        Target::Unknown => true,
    };
    match *method {
        Method::POST => Verb::Create,
        Method::PUT => Verb::Replace,
        Method::PATCH => Verb::Patch,
        Method::DELETE => Verb::Delete,
        _ if watch => Verb::Watch,
        _ if is_one => Verb::Get,
        _ => Verb::List,
    }
}

fn target(path: &str) -> Target {
    let segments: Vec<&str> = path.split('/').filter(|one| !one.is_empty()).collect();
    match segments.as_slice() {
        ["version" | "readyz" | "livez"] => Target::Version,
        ["apis"] => Target::Groups,
        ["apis", group] => Target::Group((*group).to_owned()),
        ["api", version] => kinds("", version),
        ["apis", group, version] => kinds(group, version),
        ["api", version, rest @ ..] => objects("", version, rest),
        ["apis", group, version, rest @ ..] => objects(group, version, rest),
        _ => Target::Unknown,
    }
}

fn kinds(group: &str, version: &str) -> Target {
    Target::Kinds {
        group: group.to_owned(),
        version: version.to_owned(),
    }
}

fn objects(group: &str, version: &str, rest: &[&str]) -> Target {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() && rest != ["status"] => {
            (*namespace, rest)
        }
        rest => ("", rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, "", ""),
        [plural, name] => (*plural, *name, ""),
        [plural, name, subresource] => (*plural, *name, *subresource),
        _ => return Target::Unknown,
    };
    Target::Objects(ObjectPath {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: subresource.to_owned(),
    })
}

/// Undoes the coding of a query.
fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next(), bytes.next()].map(Option::unwrap_or_default);
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                u8::from_str_radix(digits, 16).expect("a query is coded rightly")
            }
            byte => byte,
        };
        decoded.push(byte);
    }
    String::from_utf8(decoded).expect("a query is UTF-8")
}
