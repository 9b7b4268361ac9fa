//! What routing costs: look-ups that do not depend on how many routes there are,
//! and edits that cost what they touch.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use gateway_core::model::{Hostname, Listener, PathMatch, Route, RouteMatch, Rule, SectionName};
use gateway_core::routing::{ListenerTable, RequestHead, RouteTable};
use http::{HeaderMap, Method};

type Make = fn(usize) -> Route;

/// A route `/team/<number>` on one host for all.
fn on_one_host(number: usize) -> Route {
    route(number, "shop.example.com", &format!("/team/{number}"))
}

/// A route `/` on a host of its own.
fn on_its_own_host(number: usize) -> Route {
    route(number, &format!("h{number}.example.com"), "/")
}

fn route(number: usize, host: &str, prefix: &str) -> Route {
    let host = Hostname::new(host).expect("the host is a name");
    let prefix = PathMatch::prefix(prefix).expect("the prefix is a path");

    Route::new(&*format!("default/r{number}"))
        .with_hostname(host)
        .with_rule(Rule::new().with_match(RouteMatch::path(prefix)))
}

fn routes(count: usize, make: Make) -> Vec<Arc<Route>> {
    (0..count).map(|number| Arc::new(make(number))).collect()
}

fn built(routes: &[Arc<Route>]) -> RouteTable<Arc<usize>> {
    RouteTable::empty().updated(routes, &mut |_, rule| Arc::new(rule))
}

/// Requests for every route in turn, in an order that caches cannot guess.
fn look_ups(criterion: &mut Criterion) {
    let cases: [(&str, usize, Make); 3] = [
        ("10 prefixes", 10, on_one_host),
        ("10000 prefixes", 10_000, on_one_host),
        ("10000 hosts", 10_000, on_its_own_host),
    ];
    let headers = HeaderMap::new();

    for (name, count, make) in cases {
        let listener = routes(count, make).into_iter().fold(
            Listener::http(SectionName::from("web"), 80),
            |listener, route| listener.with_route(route),
        );
        let table =
            ListenerTable::empty().updated(&[Arc::new(listener)], &mut |_, _, rule| Arc::new(rule));
        let targets: Vec<_> = (0..count).map(|number| target(&make(number))).collect();
        let mut next = 0;

        criterion.bench_function(&format!("look-up/{name}"), |bencher| {
            bencher.iter(|| {
                next = (next + 7_919) % count;
                let (host, path) = &targets[next];
                let head = RequestHead {
                    host,
                    path,
                    query: None,
                    method: &Method::GET,
                    headers: &headers,
                };
                black_box(table.find(black_box(&head)));
            });
        });
    }
}

fn target(route: &Route) -> (String, String) {
    let host = route.hostnames()[0].to_string();
    let number = route.name().name().trim_start_matches('r');

    (host, format!("/team/{number}/item"))
}

/// One route of 10,000 changes.
fn edits(criterion: &mut Criterion) {
    let cases: [(&str, Make); 2] = [("one host", on_one_host), ("10000 hosts", on_its_own_host)];

    for (name, make) in cases {
        let before = routes(10_000, make);
        let mut after = before.clone();
        after[5_000] = Arc::new(make(5_000).with_created(1));
        let table = built(&before);

        criterion.bench_function(&format!("edit/{name}"), |bencher| {
            // The old table is dropped in the measured time, as in service.
            bencher.iter(|| table.updated(black_box(&after), &mut |_, rule| Arc::new(rule)));
        });
        criterion.bench_function(&format!("build/{name}"), |bencher| {
            bencher.iter(|| built(black_box(&before)));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(std::time::Duration::from_secs(1))
        .measurement_time(std::time::Duration::from_secs(3));
    targets = look_ups, edits
}
criterion_main!(benches);
