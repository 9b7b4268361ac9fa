//! The reasons for which a request goes elsewhere.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, Method};

use super::HostRank;
use crate::model::{
    Hostname, Listener, PathMatch, Route, RouteMatch, RuleRef, SectionName, ValueMatch,
};
use crate::routing::{RequestHead, conditions};

/// Why a match does not get a request. Complete: routing looks at nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WhyNot {
    /// It holds, but another one wins.
    Loses {
        /// The rule of the match that wins.
        to: RuleRef,
        /// What makes it win.
        advantage: Advantage,
    },
    /// Its route is attached to another listener than the one that was chosen.
    OtherListener {
        /// The listener that was chosen.
        chosen: SectionName,
    },
    /// No listener serves the host.
    NoListener,
    /// Its route is for other hosts.
    Hostname {
        /// The host of the request.
        host: Arc<str>,
    },
    /// The path is another.
    Path {
        /// The path of the request.
        path: Arc<str>,
        /// The path it asks for.
        wanted: PathMatch,
    },
    /// The method is another.
    Method {
        /// The method of the request.
        found: Method,
        /// The method it asks for.
        wanted: Method,
    },
    /// The request has no such header.
    NoHeader {
        /// The header.
        name: HeaderName,
    },
    /// The header's value is another.
    Header {
        /// The header.
        name: HeaderName,
        /// Its value in the request, which may be a secret.
        found: String,
        /// The value it asks for.
        wanted: ValueMatch,
    },
    /// The request has no such query parameter.
    NoQuery {
        /// The parameter.
        name: Arc<str>,
    },
    /// The query parameter's value is another.
    Query {
        /// The parameter.
        name: Arc<str>,
        /// Its value in the request, decoded.
        found: String,
        /// The value it asks for.
        wanted: ValueMatch,
    },
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loses { to, advantage } => {
                write!(f, "a more specific match won: {to}, because {advantage}")
            }
            Self::OtherListener { chosen } => {
                write!(f, "the request belongs to listener {chosen}")
            }
            Self::NoListener => f.write_str("no listener serves the host"),
            Self::Hostname { host } => {
                write!(f, "the route's hostnames do not include {host}")
            }
            Self::Path { path, wanted } => match wanted {
                PathMatch::Exact(exact) => write!(f, "path {path} is not {exact}"),
                PathMatch::Prefix(prefix) if prefix.is_empty() => {
                    write!(f, "path {path} is not under prefix /")
                }
                PathMatch::Prefix(prefix) => write!(f, "path {path} is not under prefix {prefix}"),
                PathMatch::Regex(pattern) => {
                    write!(f, "path {path} does not match regex {pattern}")
                }
            },
            Self::Method { found, wanted } => write!(f, "method is {found}, not {wanted}"),
            Self::NoHeader { name } => write!(f, "header {name} is missing"),
            Self::Header {
                name,
                found,
                wanted,
            } => write!(f, "header {name} is {found:?}, not {wanted}"),
            Self::NoQuery { name } => write!(f, "query parameter {name} is missing"),
            Self::Query {
                name,
                found,
                wanted,
            } => write!(f, "query parameter {name} is {found:?}, not {wanted}"),
        }
    }
}

/// What makes one of two matches win that both hold, in the order in which it
/// counts. Complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Advantage {
    /// Its route's hostname is more specific.
    Hostname,
    /// Its path is more specific.
    Path,
    /// It asks for a method.
    Method,
    /// It asks for more headers.
    Headers,
    /// It asks for more query parameters.
    Query,
    /// Its route is older.
    Age,
    /// Its route comes first by name.
    Name,
    /// It is written first.
    Position,
}

impl fmt::Display for Advantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hostname => "its route's hostname is more specific",
            Self::Path => "its path is more specific",
            Self::Method => "it asks for a method",
            Self::Headers => "it asks for more headers",
            Self::Query => "it asks for more query parameters",
            Self::Age => "its route is older",
            Self::Name => "its route comes first by name",
            Self::Position => "it is written first",
        })
    }
}

/// Why a listener does not get a request. Complete.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WhyNotListener {
    /// It serves another hostname.
    Hostname {
        /// The host of the request.
        host: Arc<str>,
        /// The hostname it serves.
        serves: Hostname,
    },
    /// Another listener has a more specific hostname.
    LessSpecific {
        /// That listener.
        than: SectionName,
    },
    /// An earlier listener has the same hostname.
    Later {
        /// That listener.
        than: SectionName,
    },
}

impl fmt::Display for WhyNotListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hostname { host, serves } => write!(f, "it serves {serves}, not {host}"),
            Self::LessSpecific { than } => {
                write!(f, "the hostname of listener {than} is more specific")
            }
            Self::Later { than } => write!(f, "listener {than} comes first with that hostname"),
        }
    }
}

/// A request, with what many reasons share.
pub(super) struct Request<'a> {
    head: &'a RequestHead<'a>,
    host: Arc<str>,
    path: Arc<str>,
}

impl<'a> Request<'a> {
    pub(super) fn new(head: &'a RequestHead<'a>) -> Self {
        Self {
            head,
            host: head.host.into(),
            path: head.path.into(),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn why_not_listener(
        &self,
        listener: &Listener,
        chosen: Option<&Listener>,
    ) -> WhyNotListener {
        if let Some(serves) = listener.hostname().filter(|it| !it.matches(&self.host)) {
            return WhyNotListener::Hostname {
                host: Arc::clone(&self.host),
                serves: serves.clone(),
            };
        }

        // Where one serves the host, one was chosen.
        let chosen = chosen.unwrap_or(listener);
        let than = chosen.name().clone();
        if HostRank::new(chosen.hostname()) < HostRank::new(listener.hostname()) {
            WhyNotListener::LessSpecific { than }
        } else {
            WhyNotListener::Later { than }
        }
    }

    pub(super) fn why_not_route(&self, route: &Route) -> Option<WhyNot> {
        let names = route.hostnames();
        let meant = names.is_empty() || names.iter().any(|name| name.matches(&self.host));

        (!meant).then(|| WhyNot::Hostname {
            host: Arc::clone(&self.host),
        })
    }

    pub(super) fn why_not_match(&self, condition: &RouteMatch, why: &mut Vec<WhyNot>) {
        self.why_not_path(condition.path_match(), why);
        self.why_not_method(condition, why);
        self.why_not_headers(condition, why);
        self.why_not_query(condition, why);
    }

    pub(super) fn why_not_path(&self, wanted: &PathMatch, why: &mut Vec<WhyNot>) {
        if !wanted.matches(self.head.path) {
            why.push(WhyNot::Path {
                path: Arc::clone(&self.path),
                wanted: wanted.clone(),
            });
        }
    }

    fn why_not_method(&self, condition: &RouteMatch, why: &mut Vec<WhyNot>) {
        if let Some(wanted) = condition.method().filter(|it| *it != self.head.method) {
            why.push(WhyNot::Method {
                found: self.head.method.clone(),
                wanted: wanted.clone(),
            });
        }
    }

    fn why_not_headers(&self, condition: &RouteMatch, why: &mut Vec<WhyNot>) {
        for header in condition.headers() {
            match conditions::header_value(self.head.headers, &header.name) {
                None => why.push(WhyNot::NoHeader {
                    name: header.name.clone(),
                }),
                Some(value) if !header.value.matches(&value) => why.push(WhyNot::Header {
                    name: header.name.clone(),
                    found: String::from_utf8_lossy(&value).into_owned(),
                    wanted: header.value.clone(),
                }),
                Some(_) => {}
            }
        }
    }

    fn why_not_query(&self, condition: &RouteMatch, why: &mut Vec<WhyNot>) {
        for query in condition.query() {
            match conditions::query_value(self.head.query, &query.name) {
                None => why.push(WhyNot::NoQuery {
                    name: Arc::clone(&query.name),
                }),
                Some(value) if !query.value.matches(&value) => why.push(WhyNot::Query {
                    name: Arc::clone(&query.name),
                    found: String::from_utf8_lossy(&value).into_owned(),
                    wanted: query.value.clone(),
                }),
                Some(_) => {}
            }
        }
    }
}
