//! Which of two matches wins, where both describe a request.

use std::cmp::{Ordering, Reverse};
use std::fmt;

use super::explain::Advantage;
use crate::model::{Hostname, ObjectName, PathMatch, Route, RouteMatch};

/// The place of a match among those of one hostname; the smallest wins.
///
/// Source: `HTTPRouteRule.matches`. The fields are compared in their order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Precedence<'a> {
    path: PathRank,
    conditions: ConditionRank,
    created: u64,
    name: Alphabetical<'a>,
}

impl<'a> Precedence<'a> {
    /// Of match `condition` of a rule of `route`; without one, of the match that
    /// a rule without matches stands for.
    pub(super) fn new(route: &'a Route, condition: Option<&RouteMatch>) -> Self {
        Self {
            path: condition.map_or(PathRank::EVERY_PATH, |it| PathRank::new(it.path_match())),
            conditions: ConditionRank::new(condition),
            created: route.created(),
            name: Alphabetical(route.name()),
        }
    }

    /// Why this one wins against `other`; nothing, if they are equal or `other`
    /// wins.
    pub(super) fn advantage(&self, other: &Self) -> Option<Advantage> {
        let (mine, theirs) = (&self.conditions, &other.conditions);
        let steps = [
            (self.path.cmp(&other.path), Advantage::Path),
            (
                mine.without_method.cmp(&theirs.without_method),
                Advantage::Method,
            ),
            (mine.headers.cmp(&theirs.headers), Advantage::Headers),
            (mine.query.cmp(&theirs.query), Advantage::Query),
            (self.created.cmp(&other.created), Advantage::Age),
            (self.name.cmp(&other.name), Advantage::Name),
        ];

        match steps.into_iter().find(|(order, _)| order.is_ne()) {
            Some((Ordering::Less, advantage)) => Some(advantage),
            _ => None,
        }
    }
}

/// The place of a hostname among those that mean one host; the smallest wins.
///
/// Source: `HTTPRouteSpec.hostnames`, `Listener.hostname`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum HostRank {
    Exact,
    Wildcard { characters: Reverse<usize> },
    EveryHost,
}

impl HostRank {
    pub(super) fn new(name: Option<&Hostname>) -> Self {
        match name {
            Some(name) if name.is_wildcard() => Self::Wildcard {
                characters: Reverse(name.as_str().len()),
            },
            Some(_) => Self::Exact,
            None => Self::EveryHost,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum PathRank {
    Exact,
    Prefix { characters: Reverse<usize> },
    Regex { characters: Reverse<usize> },
}

impl PathRank {
    const EVERY_PATH: Self = Self::Prefix {
        characters: Reverse(0),
    };

    fn new(path: &PathMatch) -> Self {
        match path {
            PathMatch::Exact(_) => Self::Exact,
            PathMatch::Prefix(prefix) => Self::Prefix {
                characters: Reverse(prefix.chars().count()),
            },
            PathMatch::Regex(pattern) => {
                let mut count = Characters(0);
                // Counting cannot fail.
                let _ = fmt::write(&mut count, format_args!("{pattern}"));

                Self::Regex {
                    characters: Reverse(count.0),
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct ConditionRank {
    without_method: bool,
    headers: Reverse<usize>,
    query: Reverse<usize>,
}

impl ConditionRank {
    fn new(condition: Option<&RouteMatch>) -> Self {
        Self {
            without_method: condition.is_none_or(|it| it.method().is_none()),
            headers: Reverse(condition.map_or(0, |it| it.headers().len())),
            query: Reverse(condition.map_or(0, |it| it.query().len())),
        }
    }
}

/// Compared by the text `namespace/name`, which is not the same as comparing
/// namespaces first: `a-b/x` comes before `a/x`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Alphabetical<'a>(&'a ObjectName);

impl Alphabetical<'_> {
    fn bytes(&self) -> impl Iterator<Item = u8> {
        let (namespace, name) = (self.0.namespace(), self.0.name());

        namespace.bytes().chain([b'/']).chain(name.bytes())
    }
}

impl Ord for Alphabetical<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The last comparison only parts names that HTTP objects cannot have.
        self.bytes()
            .cmp(other.bytes())
            .then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Alphabetical<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Characters(usize);

impl fmt::Write for Characters {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.chars().count();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, Method};

    use super::*;
    use crate::model::ValueMatch;

    fn exact(path: &str) -> RouteMatch {
        RouteMatch::path(PathMatch::exact(path).unwrap())
    }

    fn prefix(path: &str) -> RouteMatch {
        RouteMatch::path(PathMatch::prefix(path).unwrap())
    }

    fn regex(pattern: &str) -> RouteMatch {
        RouteMatch::path(PathMatch::regex(pattern).unwrap())
    }

    fn header(condition: RouteMatch, name: &'static str) -> RouteMatch {
        condition.with_header(HeaderName::from_static(name), ValueMatch::exact("1"))
    }

    fn query(condition: RouteMatch, name: &str) -> RouteMatch {
        condition.with_query(name, ValueMatch::exact("1"))
    }

    fn assert_wins(winner: RouteMatch, loser: RouteMatch) {
        let route = Route::new("a");
        let winner = Precedence::new(&route, Some(&winner));
        let loser = Precedence::new(&route, Some(&loser));

        assert!(winner < loser, "{winner:?} {loser:?}");
    }

    #[test]
    fn path_comes_before_method_before_headers_before_query() {
        assert_wins(
            exact("/"),
            header(prefix("/a"), "x-a").with_method(Method::GET),
        );
        assert_wins(prefix("/a/b"), prefix("/a").with_method(Method::GET));
        assert_wins(prefix("/"), regex("/longer.*").with_method(Method::GET));
        assert_wins(regex("/abc"), regex("/ab").with_method(Method::GET));
        assert_wins(
            prefix("/").with_method(Method::GET),
            header(header(prefix("/"), "x-a"), "x-b"),
        );
        assert_wins(
            header(prefix("/"), "x-a"),
            query(query(prefix("/"), "a"), "b"),
        );
        assert_wins(query(prefix("/"), "a"), prefix("/"));
    }

    #[test]
    fn exact_paths_are_not_ranked_by_length() {
        assert_wins(header(exact("/a"), "x-a"), exact("/abc"));
    }

    #[test]
    fn the_older_route_wins_then_the_name() {
        let old = Route::new("z/z").with_created(1);
        let young = Route::new("a/a").with_created(2);
        let names = [Route::new("a-b/x"), Route::new("a/a"), Route::new("a/b")];
        let names = names.each_ref().map(|route| Precedence::new(route, None));

        assert!(Precedence::new(&old, None) < Precedence::new(&young, None));
        assert!(names.is_sorted());
    }

    #[test]
    fn a_rule_without_matches_ranks_as_the_prefix_of_everything() {
        let route = Route::new("a");

        assert_eq!(
            Precedence::new(&route, None),
            Precedence::new(&route, Some(&prefix("/")))
        );
    }
}
