//! What is true of all routes and requests. The alphabets are small, so that
//! most requests meet several matches.

use http::Method;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::*;
use crate::model::Protocol;
use crate::routing::{Found, Match, explain};

fn hosts() -> impl Strategy<Value = Option<Hostname>> {
    let names = vec!["a.x", "b.x", "a.b.x", "*.x", "*.b.x", "*.a.b.x"];

    prop::option::weighted(0.8, select(names).prop_map(hostname))
}

fn paths(least: usize) -> impl Strategy<Value = String> {
    let segments = prop::collection::vec(select(vec!["/", "/a", "/b"]), least..4);

    segments.prop_map(|segments| segments.concat())
}

fn path_matches() -> impl Strategy<Value = PathMatch> {
    let regexes = [
        "/a.*", "/[ab]", ".*b", "(/a)*", "/b?", ".*", "/a/b", "/./.", "/b.*", "/?a?",
    ];
    let regexes = regexes.map(|pattern| PathMatch::regex(pattern).unwrap());

    prop_oneof![
        2 => paths(1).prop_map(|path| PathMatch::exact(&path).unwrap()),
        4 => paths(1).prop_map(|path| PathMatch::prefix(&path).unwrap()),
        2 => select(regexes.to_vec()),
        1 => Just(PathMatch::default()),
    ]
}

fn values() -> impl Strategy<Value = ValueMatch> {
    prop_oneof![
        4 => select(vec!["1", "2", "1,2"]).prop_map(ValueMatch::exact),
        1 => Just(ValueMatch::regex("1|2").unwrap()),
    ]
}

fn methods() -> impl Strategy<Value = Method> {
    select(vec![Method::GET, Method::POST])
}

fn matches() -> impl Strategy<Value = RouteMatch> {
    let name = || select(vec!["x-a", "x-b"]);
    let headers = prop::collection::vec((name(), values()), 0..3);
    let query = prop::collection::vec((name(), values()), 0..3);
    let rare = prop::option::weighted(0.3, (prop::option::of(methods()), headers, query));

    (path_matches(), rare).prop_map(|(path, rare)| {
        let mut condition = RouteMatch::path(path);
        if let Some((method, headers, query)) = rare {
            if let Some(method) = method {
                condition = condition.with_method(method);
            }
            for (name, value) in headers {
                condition = condition.with_header(HeaderName::from_static(name), value);
            }
            for (name, value) in query {
                condition = condition.with_query(name, value);
            }
        }
        condition
    })
}

fn routes() -> impl Strategy<Value = Route> {
    // Namesakes are on purpose: routes of two kinds may be called the same.
    let names = vec!["a/a", "a/b", "a-b/a", "a/c", "b/a", "b/b"];
    let rules = prop::collection::vec(prop::collection::vec(matches(), 0..3), 0..4);
    let hosts = prop::collection::vec(hosts(), 0..3);

    (select(names), 0..3u64, hosts, rules).prop_map(|(name, created, hosts, rules)| {
        let mut route = Route::new(name).with_created(created);
        for host in hosts.into_iter().flatten() {
            route = route.with_hostname(host);
        }
        for matches in rules {
            route = route.with_rule(matches.into_iter().fold(Rule::new(), Rule::with_match));
        }
        route
    })
}

fn requests() -> impl Strategy<Value = Request> {
    let hosts = vec!["a.x", "b.x", "a.b.x", "b.b.x", "b.a.b.x", "x", "y", ""];
    let queries = vec![
        "",
        "",
        "?x-a=1",
        "?x-b=2",
        "?x-b=1&x-a=%32",
        "?x-a=2&x-a=1&x-b=1",
    ];
    let target = (paths(0), select(queries)).prop_map(|(path, query)| path + query);
    let headers = prop::collection::vec((select(vec!["x-a", "X-B"]), select(vec!["1", "2"])), 0..4);

    (select(hosts), target, methods(), headers).prop_map(|(host, target, method, headers)| {
        let request = Request::get(host, &target).method(method);

        headers.into_iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    })
}

/// Listeners of one pool of routes; a route may be attached to several.
fn attachments() -> impl Strategy<Value = Vec<Arc<Listener>>> {
    prop::collection::vec(routes().prop_map(Arc::new), 0..9).prop_flat_map(|pool| {
        let sizes = 0..=pool.len();
        let attachment = (hosts(), subsequence(pool, sizes).prop_shuffle());

        prop::collection::vec(attachment, 0..4).prop_map(|listeners| {
            let numbered = listeners.into_iter().enumerate();
            numbered
                .map(|(number, (host, routes))| {
                    Arc::new(listener(&format!("l{number}"), host, routes))
                })
                .collect()
        })
    })
}

fn listener(name: &str, host: Option<Hostname>, routes: Vec<Arc<Route>>) -> Listener {
    let mut listener = Listener::http(name, 80);
    if let Some(host) = host {
        listener = listener.with_hostname(host);
    }
    routes.into_iter().fold(listener, Listener::with_route)
}

/// Everything about a match; the route by what it is.
fn facts<T: Clone>(found: Match<'_, T>) -> (T, Route, usize, usize, Option<String>) {
    let prefix = found.matched_prefix().map(|prefix| prefix.to_string());

    (
        found.rule.clone(),
        Route::clone(found.route),
        found.rule_index,
        found.match_index,
        prefix,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The tables answer what reading the listeners one by one answers.
    #[test]
    fn index_agrees_with_the_plain_reading(
        listeners in attachments(),
        requests in prop::collection::vec(requests(), 1..5),
    ) {
        let table = ListenerTable::empty()
            .updated(&listeners, &mut |listener, route, rule| (Arc::clone(listener), Arc::clone(route), rule));

        for request in requests {
            let head = request.head();
            let plain = explain(&listeners, &head);

            match table.find(&head) {
                Found::NoListener => prop_assert!(plain.listener.is_none()),
                Found::NoRoute(listener) => {
                    prop_assert!(Arc::ptr_eq(listener, &plain.listener.unwrap()));
                    prop_assert!(plain.winner.is_none(), "{request:?}");
                }
                Found::Rule { listener, matched } => {
                    let winner = plain.winner.expect("the index found something");
                    let place = (matched.rule_index, matched.match_index);
                    let condition = winner.route.rules()[winner.rule_index].matches().get(winner.match_index);
                    let prefix = match condition.map_or(&PathMatch::default(), |it| it.path_match()) {
                        PathMatch::Prefix(prefix) => Some(prefix.clone()),
                        PathMatch::Exact(_) | PathMatch::Regex(_) => None,
                    };

                    prop_assert!(Arc::ptr_eq(listener, &plain.listener.unwrap()));
                    prop_assert!(Arc::ptr_eq(matched.route, &winner.route));
                    prop_assert_eq!(place, (winner.rule_index, winner.match_index));
                    prop_assert_eq!(matched.matched_prefix(), prefix.as_ref());
                    prop_assert!(Arc::ptr_eq(&matched.rule.0, listener));
                    prop_assert!(Arc::ptr_eq(&matched.rule.1, matched.route));
                    prop_assert_eq!(matched.rule.2, matched.rule_index);
                }
            }
        }
    }
}

/// One configuration after the other, of a listener: its hostname, and which
/// routes of a pool in which order. A route may come as a copy of itself, and twice.
fn histories() -> impl Strategy<Value = Vec<Arc<Listener>>> {
    let step = (
        prop::option::weighted(0.2, hosts()),
        prop::collection::vec((any::<Index>(), prop::bool::weighted(0.2)), 0..8),
    );

    (
        prop::collection::vec(routes().prop_map(Arc::new), 1..9),
        prop::collection::vec(step, 1..6),
    )
        .prop_map(|(pool, steps)| {
            let mut host = None;
            let mut list = Vec::new();
            let history = steps.into_iter().map(|(change, picks)| {
                host = change.unwrap_or_else(|| host.clone());
                for (number, (pick, copy)) in picks.into_iter().enumerate() {
                    let route: &Arc<Route> = pick.get(&pool);
                    let route = if copy {
                        Arc::new(Route::clone(route))
                    } else {
                        Arc::clone(route)
                    };
                    let place = pick.index(list.len().max(1));
                    match number % 4 {
                        0 if !list.is_empty() => list[place] = route,
                        1 if !list.is_empty() => drop(list.remove(place)),
                        2 if !list.is_empty() => list.swap(0, place),
                        _ => list.insert(place.min(list.len()), route),
                    }
                }
                Arc::new(listener("l", host.clone(), list.clone()))
            });

            history.collect()
        })
}

/// How many rules have to be assembled to get from one list to the next.
fn new_rules(old: &[Arc<Route>], new: &[Arc<Route>]) -> usize {
    let mut known = old.to_vec();
    let mut count = 0;
    for route in new {
        match known.iter().position(|old| old == route) {
            Some(place) => drop(known.remove(place)),
            None => count += route.rules().len(),
        }
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// After any edits a table answers as one that was built at once.
    #[test]
    fn updated_equals_built_afresh(
        history in histories(),
        requests in prop::collection::vec(requests(), 1..5),
    ) {
        let mut label = |_: &Arc<Listener>, route: &Arc<Route>, rule| (Route::clone(route), rule);
        let mut table = ListenerTable::empty();

        for listener in history {
            prop_assert_eq!(listener.protocol(), &Protocol::Http);
            let listeners = [listener];
            table = table.updated(&listeners, &mut label);
            let fresh = ListenerTable::empty().updated(&listeners, &mut label);

            for request in &requests {
                match (table.find(&request.head()), fresh.find(&request.head())) {
                    (Found::Rule { matched: ours, .. }, Found::Rule { matched: theirs, .. }) => {
                        prop_assert_eq!(facts(ours), facts(theirs));
                    }
                    (Found::NoRoute(_), Found::NoRoute(_)) | (Found::NoListener, Found::NoListener) => {}
                    (ours, theirs) => prop_assert!(false, "{ours:?} {theirs:?}"),
                }
            }
        }
    }

    /// Exactly the rules of routes that are new are assembled.
    #[test]
    fn what_is_known_is_not_assembled_again(history in histories()) {
        let mut table = RouteTable::empty();
        let mut before: Vec<Arc<Route>> = Vec::new();

        for listener in history {
            let mut count = 0;
            table = table.updated(listener.routes(), &mut |_, _| count += 1);

            prop_assert_eq!(count, new_rules(&before, listener.routes()));
            prop_assert!(table.routes().eq(listener.routes()));
            before = listener.routes().to_vec();
        }
    }
}

#[test]
fn many_regexes_are_asked_in_the_same_order() {
    let patterns: Vec<_> = (0..40).map(|number| format!("/{number}?.*")).collect();
    let rules = patterns
        .iter()
        .map(|pattern| Rule::new().with_match(regex(pattern)));
    let all = rules.fold(Route::new("r"), Route::with_rule);
    let (listeners, table) = listeners([Listener::http("l", 80).with_route(all)]);

    for path in ["/", "/3", "/12/x", "/39", "x", ""] {
        let request = Request::get("a", path);
        let winner = explain(&listeners, &request.head()).winner;
        let found = match table.find(&request.head()) {
            Found::Rule { matched, .. } => Some(matched.rule_index),
            Found::NoRoute(_) | Found::NoListener => None,
        };

        assert_eq!(found, winner.map(|winner| winner.rule_index), "{path}");
    }
}
