//! What a look-up and an edit cost, in counts.

use super::*;
use crate::routing::table::Routes;

fn probes(table: &RouteTable<()>, request: &Request) -> usize {
    let before = PROBES.get();
    assert!(table.find(&request.head()).is_some());
    PROBES.get() - before
}

fn built(routes: &[Arc<Route>]) -> RouteTable<()> {
    RouteTable::empty().updated(routes, &mut |_, _| ())
}

/// One route for each path or host.
fn many(count: usize, make: impl Fn(usize) -> Route) -> Vec<Arc<Route>> {
    (0..count).map(|number| Arc::new(make(number))).collect()
}

fn path_route(number: usize) -> Route {
    let path = format!("/shop/{number}");

    route(
        &format!("r{number}"),
        &["example.com"],
        [vec![prefix(&path)]],
    )
}

fn host_route(number: usize) -> Route {
    let host = format!("h{number}.example.com");

    route(&format!("r{number}"), &[&host], [vec![prefix("/shop")]])
}

#[test]
fn probes_do_not_grow_with_the_paths_of_a_host() {
    let request = Request::get("example.com", "/shop/3/deep/er");
    let few = probes(&built(&many(10, path_route)), &request);
    let lots = probes(&built(&many(5_000, path_route)), &request);

    // The host, and the one depth that occurs.
    assert_eq!((few, lots), (2, 2));
}

#[test]
fn probes_do_not_grow_with_the_hosts() {
    let request = Request::get("h3.example.com", "/shop/3");
    let few = probes(&built(&many(10, host_route)), &request);
    let lots = probes(&built(&many(5_000, host_route)), &request);

    assert_eq!((few, lots), (2, 2));
}

#[test]
fn a_long_hostname_and_path_cost_only_depths_that_occur() {
    let wildcard = route("w", &["*.example.com"], [vec![prefix("/a")]]);
    let table = built(&[Arc::new(wildcard)]);
    let host = format!("{}example.com", "a.".repeat(60));
    let request = Request::get(&host, &format!("/a{}", "/b".repeat(2_000)));

    // The wildcard, and the prefix.
    assert_eq!(probes(&table, &request), 2);
}

#[test]
fn hosts_without_changes_share_their_tables() {
    let mut routes = many(100, host_route);
    let before = built(&routes);
    routes[7] = Arc::new(host_route(7).with_created(1));

    let after = before.updated(&routes, &mut |_, _| ());

    let same = |number: usize| {
        let name = hostname(&format!("h{number}.example.com"));
        let of = |table: &RouteTable<()>| {
            let routes: &Routes<()> = table.inner();
            Arc::clone(routes.hosts.get(Some(&name)).unwrap())
        };
        Arc::ptr_eq(&of(&before), &of(&after))
    };
    assert!(same(6) && same(8) && !same(7));
}

#[test]
fn only_the_rules_of_changed_routes_are_assembled() {
    let mut routes = many(100, path_route);
    let before = built(&routes);
    // An equal route counts as the same.
    routes[3] = Arc::new(path_route(3));
    routes[7] = Arc::new(path_route(7).with_created(1));
    routes.remove(50);
    routes.swap(20, 80);
    let mut assembled = Vec::new();

    let _ = before.updated(&routes, &mut |route, rule| {
        assembled.push(label(route, rule));
    });

    assert_eq!(assembled, ["r7/0"]);
}

#[test]
fn listeners_without_changes_keep_their_tables() {
    let one = Arc::new(Listener::http("one", 80).with_route(path_route(1)));
    let two = |number| {
        let listener = Listener::http("two", 80).with_hostname(hostname("example.com"));
        Arc::new(
            listener
                .with_route(path_route(1))
                .with_route(path_route(number)),
        )
    };
    let before = ListenerTable::empty().updated(&[Arc::clone(&one), two(2)], &mut |_, _, _| ());
    let mut assembled = Vec::new();

    let _ = before.updated(&[two(3), one], &mut |listener, route, rule| {
        assembled.push(format!("{}>{}", listener.name(), label(route, rule)));
    });

    assert_eq!(assembled, ["two>r3/0"]);
}
