//! What was asked, and which requests are meant.

use tokio::time::Instant;

use super::request::{Asked, Target};

/// What a request wants to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verb {
    /// To know what is served: `/apis` and below, `/version`.
    Discover,
    /// One object.
    Get,
    /// All objects of a kind, or a page of them.
    List,
    /// What changes.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Replace,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Verb {
    /// Whether it changes something.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Replace | Self::Patch | Self::Delete
        )
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// What it wanted to do.
    pub verb: Verb,
    /// The plural of the kind, as in `httproutes`; for discovery what was asked
    /// for, as in `gateway.networking.k8s.io/v1`.
    pub resource: String,
    /// The namespace; empty for all or none.
    pub namespace: String,
    /// The name; empty for all.
    pub name: String,
    /// As in `status`; empty for the object itself.
    pub subresource: String,
    /// The version of the API, as in `v1`.
    pub version: String,
    /// The query as it was written, without the coding.
    pub query: String,
    /// Whether it asked for the next page of a list.
    pub is_continued: bool,
    /// What was answered; absent until then, and if nothing ever was.
    pub status: Option<u16>,
}

impl Record {
    pub(super) fn of(asked: &Asked) -> Self {
        let mut record = Self {
            at: Instant::now(),
            verb: asked.verb,
            resource: String::new(),
            namespace: String::new(),
            name: String::new(),
            subresource: String::new(),
            version: String::new(),
            query: query_text(asked),
            is_continued: asked.query.contains_key("continue"),
            status: None,
        };
        match &asked.target {
            Target::Objects(path) => {
                record.resource.clone_from(&path.plural);
                record.namespace.clone_from(&path.namespace);
                record.name.clone_from(&path.name);
                record.subresource.clone_from(&path.subresource);
                record.version.clone_from(&path.version);
            }
            Target::Group(group) => record.resource.clone_from(group),
            Target::Kinds { group, version } => record.resource = format!("{group}/{version}"),
            Target::Version | Target::Groups | Target::Unknown => {}
        }
        record
    }
}

/// Which requests are meant. All of them, until it is narrowed.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    verbs: Vec<Verb>,
    writes: bool,
    resource: Option<String>,
    object: Option<(String, String)>,
    subresource: Option<String>,
    continued: bool,
}

impl Requests {
    /// All requests.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Requests for a kind, by its plural: `httproutes`.
    #[must_use]
    pub fn to(resource: &str) -> Self {
        Self {
            resource: Some(resource.to_owned()),
            ..Self::default()
        }
    }

    /// Only those that want to do this. May be said more than once.
    #[must_use]
    pub fn verb(mut self, verb: Verb) -> Self {
        self.verbs.push(verb);
        self
    }

    /// Only those that change something.
    #[must_use]
    pub fn writes(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Only those for this object; `namespace` is empty for a kind that has none.
    #[must_use]
    pub fn object(mut self, namespace: &str, name: &str) -> Self {
        self.object = Some((namespace.to_owned(), name.to_owned()));
        self
    }

    /// Only those for this subresource, as in `status`.
    #[must_use]
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// Only those for a further page of a list.
    #[must_use]
    pub fn continued(mut self) -> Self {
        self.continued = true;
        self
    }

    /// Whether this one is meant.
    pub fn matches(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, text: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == text)
        };
        (self.verbs.is_empty() || self.verbs.contains(&record.verb))
            && (!self.writes || record.verb.is_write())
            && is(&self.resource, &record.resource)
            && is(&self.subresource, &record.subresource)
            && (!self.continued || record.is_continued)
            && self.object.as_ref().is_none_or(|(namespace, name)| {
                *namespace == record.namespace && *name == record.name
            })
    }
}

fn query_text(asked: &Asked) -> String {
    let pairs = asked.query.iter();
    let pairs: Vec<_> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join("&")
}
