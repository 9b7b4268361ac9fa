//! Edits that are rare enough for random ones to miss.

use super::*;
use crate::routing::Found;

fn chosen<T: Clone>(table: &ListenerTable<T>, host: &str) -> Option<T> {
    match table.find(&Request::get(host, "/").head()) {
        Found::Rule { matched, .. } => Some(matched.rule.clone()),
        Found::NoRoute(_) | Found::NoListener => None,
    }
}

#[test]
fn namesakes_obey_the_new_order_of_the_list() {
    let first = Arc::new(route("r", &[], [vec![prefix("/")]]));
    let second = Arc::new(route("r", &[], [vec![], vec![prefix("/")]]));
    let mut rules = |route: &Arc<Route>, _| route.rules().len();
    let request = Request::get("a", "/");

    let before = RouteTable::empty().updated(&[first.clone(), second.clone()], &mut rules);
    let after = before.updated(&[second, first], &mut rules);

    let winner = |table: &RouteTable<usize>| *table.find(&request.head()).unwrap().rule;
    assert_eq!((winner(&before), winner(&after)), (1, 2));
}

#[test]
fn a_route_is_assembled_once_its_listener_serves_its_hosts() {
    let route = Arc::new(route("r", &["a.example.org"], [vec![]]));
    let serving = |host| {
        let listener = Listener::http("l", 80).with_hostname(hostname(host));
        Arc::new(listener.with_route(Arc::clone(&route)))
    };
    let mut assembled = 0;
    let mut table = ListenerTable::empty();
    let mut found = Vec::new();

    for host in [
        "*.example.com",
        "*.example.org",
        "*.example.com",
        "*.example.org",
    ] {
        table = table.updated(&[serving(host)], &mut |_, _, _| assembled += 1);
        found.push(chosen(&table, "a.example.org").is_some());
    }

    assert_eq!(found, [false, true, false, true]);
    assert_eq!(assembled, 1);
}

#[test]
fn a_table_that_was_updated_still_answers_as_before() {
    let listener = |path| {
        let route = route("r", &["a.x"], [vec![prefix(path)]]);
        Arc::new(Listener::http("l", 80).with_route(route))
    };
    let before = ListenerTable::empty().updated(&[listener("/")], &mut |_, _, _| 1);

    let after = before.updated(&[listener("/other")], &mut |_, _, _| 2);

    assert_eq!(
        (chosen(&before, "a.x"), chosen(&after, "a.x")),
        (Some(1), None)
    );
}

#[test]
fn tables_can_be_shared_between_threads() {
    fn check<T: Send + Sync + Clone>() {}

    check::<RouteTable<Arc<str>>>();
    check::<ListenerTable<Arc<str>>>();
}
