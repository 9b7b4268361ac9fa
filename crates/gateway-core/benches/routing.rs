//! What routing costs: look-ups that do not depend on how many routes there are,
//! and edits that cost what they touch.
//!
//! Look-ups are made *hot*, the same path again and again, and *cold*, every path in
//! turn in shuffled order, so that neither caches nor the branch predictor know what
//! comes next. A look-up finds the *index* entry; a request then takes its share of
//! the *rule* too, which is one more place of memory. The least of many rounds
//! counts, because whoever shares the machine can only add. Memory is that of the
//! table, without the routes and the rules.
//!
//! Fails if among 10,000 prefixes a look-up costs more than twice what it costs
//! among 10; under `cargo test` everything is done once and nothing judged.

use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use gateway_core::model::{Hostname, Listener, PathMatch, Route, RouteMatch, Rule, SectionName};
use gateway_core::routing::{Found, ListenerTable, RequestHead, RouteTable};
use http::{HeaderMap, Method};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Make = fn(usize) -> Route;
/// As large as what rules lead to in service.
type Target = Arc<[usize; 3]>;

const LOOK_UPS: usize = 10_000;
const ROUNDS: usize = 40;
const TIMES: usize = 6;
/// How much dearer a look-up may be among 10,000 prefixes than among 10.
const MOST: f64 = 2.0;

fn main() {
    // Cargo says `--bench` when it is to be measured, and nothing when it tests.
    let arguments: Vec<_> = std::env::args().collect();
    let says = |word: &str| arguments.iter().any(|argument| argument == word);
    look_ups(if says("--bench") && !says("--test") {
        ROUNDS
    } else {
        1
    });

    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    edits(&mut criterion);
    criterion.final_summary();
}

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

fn look_ups(rounds: usize) {
    let cases: [(&str, usize, Make); 4] = [
        ("10 prefixes", 10, on_one_host),
        ("1,000 prefixes", 1_000, on_one_host),
        ("10,000 prefixes", 10_000, on_one_host),
        ("10,000 hosts", 10_000, on_its_own_host),
    ];
    let cases = cases.map(|(name, count, make)| (name, Case::new(count, make)));
    let mut costs = [[f64::INFINITY; 4]; 4];
    // In turn, so that what disturbs the machine for a while disturbs them all.
    for _ in 0..rounds {
        for ((_, case), costs) in cases.iter().zip(&mut costs) {
            case.time(costs);
        }
    }

    println!("ns a look-up        hot: index  and rule  cold: index  and rule  bytes a route");
    for ((name, case), [hot_index, hot, cold_index, cold]) in cases.iter().zip(costs) {
        let bytes = case.bytes;
        println!(
            "{name:<18} {hot_index:>11.1} {hot:>9.1} {cold_index:>12.1} {cold:>9.1} {bytes:>14}"
        );
    }
    let [hot_index, hot, cold_index, cold] =
        [0, 1, 2, 3].map(|kind| costs[2][kind] / costs[0][kind]);
    println!("10,000 / 10 prefixes {hot_index:>9.2} {hot:>9.2} {cold_index:>12.2} {cold:>9.2}\n");
    assert!(
        rounds < ROUNDS || cold <= MOST,
        "more than {MOST} times as much"
    );
}

struct Case {
    table: ListenerTable<Target>,
    hot: Requests,
    cold: Requests,
    /// For each route.
    bytes: usize,
}

impl Case {
    fn new(count: usize, make: Make) -> Self {
        let listener = routes(count, make).into_iter().fold(
            Listener::http(SectionName::from("web"), 80),
            |listener, route| listener.with_route(route),
        );
        let listeners = [Arc::new(listener)];
        let targets: Vec<_> = (0..count).map(|number| Target::new([number; 3])).collect();
        let mut targets = targets.iter();

        let before = allocated();
        let table = ListenerTable::empty().updated(&listeners, &mut |_, _, _| {
            Arc::clone(targets.next().expect("a target for each rule"))
        });

        Self {
            bytes: (allocated() - before) / count,
            table,
            hot: Requests::same(count, make),
            cold: Requests::shuffled(count, make),
        }
    }

    /// Lowers the nanoseconds of a look-up and of one that takes a share of the rule,
    /// hot and then cold, to what they are now.
    fn time(&self, costs: &mut [f64; 4]) {
        let kinds = [&self.hot, &self.cold].into_iter();

        for (requests, costs) in kinds.zip(costs.chunks_mut(2)) {
            let index = || {
                requests.each(|head| {
                    black_box(self.table.find(black_box(head)));
                });
            };
            let rule = || {
                requests.each(|head| match self.table.find(black_box(head)) {
                    Found::Rule { matched, .. } => drop(black_box(Arc::clone(matched.rule))),
                    Found::NoRoute(_) | Found::NoListener => panic!("every path has its route"),
                });
            };
            costs[0] = costs[0].min(least(index));
            costs[1] = costs[1].min(least(rule));
        }
    }
}

fn allocated() -> usize {
    let stats = ALLOCATOR.stats();

    stats.bytes_allocated - stats.bytes_deallocated
}

/// Of a few times, the first of which only brings back what other cases have put out
/// of the caches.
fn least(look_ups: impl Fn()) -> f64 {
    let each = (0..=TIMES).map(|_| {
        let start = Instant::now();
        look_ups();
        start.elapsed().as_secs_f64() * 1e9 / LOOK_UPS as f64
    });

    each.skip(1).fold(f64::INFINITY, f64::min)
}

/// What is asked for, laid out in the order of asking, as a request lies in a buffer
/// that was just read. A host is written once for all requests that follow.
struct Requests {
    text: String,
    // How long each host, if written, and each path are.
    lengths: Vec<(u8, u8)>,
}

impl Requests {
    fn same(count: usize, make: Make) -> Self {
        Self::new(std::iter::repeat_n(count / 2, LOOK_UPS), make)
    }

    /// Every route in turn, in an order that is different each time around.
    fn shuffled(count: usize, make: Make) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = move |end: usize| {
            // Xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % end as u64) as usize
        };
        let order = (0..LOOK_UPS / count).flat_map(|_| {
            let mut order: Vec<_> = (0..count).collect();
            for last in (1..count).rev() {
                order.swap(last, below(last + 1));
            }
            order
        });

        Self::new(order.collect::<Vec<_>>(), make)
    }

    fn new(numbers: impl IntoIterator<Item = usize>, make: Make) -> Self {
        let (mut text, mut lengths) = (String::new(), Vec::new());
        let mut last = None;
        for number in numbers {
            let host = make(number).hostnames()[0].clone();
            let path = format!("/team/{number}/item");
            let written = match last.replace(host.clone()) {
                Some(last) if last == host => "",
                _ => host.as_str(),
            };

            text = text + written + &path;
            lengths.push((written.len() as u8, path.len() as u8));
        }
        Self { text, lengths }
    }

    fn each(&self, mut look_up: impl FnMut(&RequestHead<'_>)) {
        let headers = HeaderMap::new();
        let (mut host, mut start) = ("", 0);

        for &(host_length, length) in &self.lengths {
            let path = start + usize::from(host_length);
            let end = path + usize::from(length);
            if host_length > 0 {
                host = &self.text[start..path];
            }
            look_up(&RequestHead {
                host,
                path: &self.text[path..end],
                query: None,
                method: &Method::GET,
                headers: &headers,
            });
            start = end;
        }
    }
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
