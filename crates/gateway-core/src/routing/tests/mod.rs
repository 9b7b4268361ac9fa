//! The tables as a whole.

mod cost;
mod edits;
mod properties;
mod situations;

use std::cell::Cell;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{ListenerTable, RequestHead, RouteTable};
use crate::model::{Hostname, Listener, PathMatch, Route, RouteMatch, Rule, ValueMatch};

thread_local! {
    static PROBES: Cell<usize> = const { Cell::new(0) };
}

/// Called at every look-up in a hash table.
pub(super) fn note_probe() {
    PROBES.set(PROBES.get() + 1);
}

/// A request that owns what its head borrows.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
}

impl Request {
    /// `GET` of a path, with an optional query.
    pub(super) fn get(host: &str, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };

        Self {
            host: host.to_owned(),
            path: path.to_owned(),
            query,
            method: Method::GET,
            headers: HeaderMap::new(),
        }
    }

    pub(super) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
        self
    }

    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            host: &self.host,
            path: &self.path,
            query: self.query.as_deref(),
            method: &self.method,
            headers: &self.headers,
        }
    }
}

pub(super) fn hostname(text: &str) -> Hostname {
    Hostname::new(text).unwrap()
}

pub(super) fn exact(path: &str) -> RouteMatch {
    RouteMatch::path(PathMatch::exact(path).unwrap())
}

pub(super) fn prefix(path: &str) -> RouteMatch {
    RouteMatch::path(PathMatch::prefix(path).unwrap())
}

pub(super) fn regex(pattern: &str) -> RouteMatch {
    RouteMatch::path(PathMatch::regex(pattern).unwrap())
}

pub(super) fn header(condition: RouteMatch, name: &str, value: &str) -> RouteMatch {
    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();

    condition.with_header(name, ValueMatch::exact(value))
}

pub(super) fn query(condition: RouteMatch, name: &str, value: &str) -> RouteMatch {
    condition.with_query(name, ValueMatch::exact(value))
}

/// A route for some hostnames with one rule for each list of matches.
pub(super) fn route<const N: usize>(
    name: &str,
    hostnames: &[&str],
    rules: [Vec<RouteMatch>; N],
) -> Route {
    let mut route = Route::new(name);
    for name in hostnames {
        route = route.with_hostname(hostname(name));
    }
    for matches in rules {
        route = route.with_rule(matches.into_iter().fold(Rule::new(), Rule::with_match));
    }
    route
}

pub(super) fn table(routes: impl IntoIterator<Item = Route>) -> RouteTable<String> {
    let routes: Vec<_> = routes.into_iter().map(Arc::new).collect();

    RouteTable::empty().updated(&routes, &mut label)
}

pub(super) fn listeners(
    listeners: impl IntoIterator<Item = Listener>,
) -> (Vec<Arc<Listener>>, ListenerTable<String>) {
    let listeners: Vec<_> = listeners.into_iter().map(Arc::new).collect();
    let table =
        ListenerTable::empty().updated(&listeners, &mut |_, route, rule| label(route, rule));

    (listeners, table)
}

/// What a rule leads to in tests: `name/rule`.
pub(super) fn label(route: &Arc<Route>, rule: usize) -> String {
    format!("{}/{rule}", route.name().name())
}
