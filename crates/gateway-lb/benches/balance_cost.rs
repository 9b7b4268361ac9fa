//! What choosing an endpoint costs, in time and in allocations.
//!
//! Prints both for a pick among ten endpoints and its end, for what is read of a request first, and
//! for what is learned from its answer. Fails if something allocates more than it is known to:
//! times depend on the machine, allocations do not.
//!
//! ```sh
//! cargo bench -p gateway-lb --bench balance_cost --all-features
//! ```
//!
//! Without features it has the rows that need none.

use std::alloc::System;
use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use gateway_lb::balance::{Algorithm, HashKey, LoadBound, Maglev, Outcome, PeakEwma, RingHash};
use gateway_lb::health::{Ejection, FailureRatio, Health, HealthSettings};
use gateway_lb::{Balancer, Distribution, EndpointSet, Percent};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ENDPOINTS: u8 = 10;
const ROUNDS: usize = 100;
/// Few enough for a round to be over before somebody else has the processor.
const BATCH: u64 = 256;

fn main() {
    println!("{:<32} {:>10} {:>12}", "what", "ns", "allocations");
    measure_algorithms();
    measure_keys();
    measure_health();
    measure_backends();
    #[cfg(feature = "persistence")]
    measure_sessions();
}

fn measure_algorithms() {
    let bound = LoadBound::new(Percent::new(25));
    for (name, algorithm) in [
        ("round robin", Algorithm::RoundRobin),
        ("least request", Algorithm::LeastRequest),
        ("weighted round robin", Algorithm::WeightedRoundRobin),
        ("random", Algorithm::Random),
        ("peak EWMA", Algorithm::PeakEwma(PeakEwma::new())),
    ] {
        let balancer = Balancer::new(algorithm, endpoints());
        row(name, 0, |_| balancer.pick());
    }
    let balancer = Balancer::new(Algorithm::RoundRobin, endpoints());
    let tried = [address(3)];
    row("round robin, a second try", 0, |_| {
        balancer.pick_avoiding(&tried)
    });
    for (name, algorithm) in [
        ("ring hash", Algorithm::RingHash(RingHash::new())),
        (
            "ring hash, bounded loads",
            Algorithm::RingHash(RingHash::new().with_bound(bound)),
        ),
        ("Maglev", Algorithm::Maglev(Maglev::new())),
        (
            "Maglev, bounded loads",
            Algorithm::Maglev(Maglev::new().with_bound(bound)),
        ),
    ] {
        let balancer = Balancer::new(algorithm, endpoints());
        row(name, 0, |number| balancer.pick_keyed(number));
    }
}

fn measure_keys() {
    let uri = Uri::from_static("/shop/cart?user=ada");
    let fields = [("x-user", "ada"), ("cookie", "theme=dark; user=ada")];
    let headers = HeaderMap::from_iter(fields.map(|(name, value)| {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    }));
    let client = Some(IpAddr::from([192, 0, 2, 1]));
    for (name, key) in [
        ("key, address", HashKey::SourceAddress),
        (
            "key, header",
            HashKey::Header(HeaderName::from_static("x-user")),
        ),
        ("key, cookie", HashKey::Cookie("user".into())),
        ("key, query", HashKey::Query("user".into())),
        ("key, path", HashKey::Path),
    ] {
        row(name, 0, |_| key.of(&uri, &headers, client));
    }
}

fn measure_health() {
    let plain = Ejection::new().with_consecutive(None);
    // So many that nobody is ever ejected.
    let ratio = FailureRatio::new(Percent::ALL, u32::MAX, Duration::from_secs(3600));
    let settings = |ejection: &Ejection| HealthSettings::new().with_ejection(ejection.clone());
    for (name, ejection) in [
        ("health", plain.clone()),
        ("health, ratio", plain.with_ratio(ratio)),
    ] {
        let health = Health::new(settings(&ejection));
        let balancer = Balancer::new(Algorithm::RoundRobin, endpoints());
        let balancer = balancer.with_health(health.clone());
        row(&format!("{name}, a pick"), 0, |_| balancer.pick());
        row(&format!("{name}, a success"), 0, |_| {
            health.report(address(1), Outcome::Success);
        });
        row(&format!("{name}, a failure"), 0, |_| {
            health.report(address(2), Outcome::Failure);
        });
    }
}

fn measure_backends() {
    let versions = Distribution::from_iter([("stable", 90), ("canary", 10)]);
    row("distribution, of two", 0, |_| {
        versions.choose().map(|name| name.len())
    });
}

#[cfg(feature = "persistence")]
fn measure_sessions() {
    use std::time::SystemTime;

    use gateway_lb::persistence::{CookieSession, SessionKey, Sessions};

    let carrier = CookieSession::new("shop").expect("a name");
    let sessions = Sessions::new(carrier, SessionKey::new([7; 32]), b"shop/cart:80");
    let balancer = Balancer::new(Algorithm::RoundRobin, endpoints());
    let now = SystemTime::now();
    let pick = |headers: &HeaderMap| sessions.pick(&balancer, None, headers, now);

    let (_, issued) = pick(&HeaderMap::new()).expect("an endpoint");
    let (_, field) = issued.expect("a new session");
    let text = field.to_str().expect("it is text");
    let cookie = text.split(';').next().expect("a name and a value");
    let cookie = HeaderValue::from_str(cookie).expect("as it was");
    let known = HeaderMap::from_iter([(http::header::COOKIE, cookie)]);

    row("session, known", 0, |_| pick(&known));
    let nobody = HeaderMap::new();
    row("session, new", 6, |_| pick(&nobody));
}

fn endpoints() -> EndpointSet {
    (0..ENDPOINTS).map(address).collect()
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 8080))
}

/// Prints the best of some rounds, in which `act` is told how often it was called before.
fn row<T>(name: &str, most: usize, mut act: impl FnMut(u64) -> T) {
    let (mut nanoseconds, mut allocations) = (f64::INFINITY, f64::INFINITY);
    // In the first, each thread begins what it keeps.
    for _ in 0..ROUNDS {
        let region = Region::new(ALLOCATOR);
        let start = Instant::now();
        for number in 0..BATCH {
            black_box(act(number));
        }
        let elapsed = start.elapsed();
        let change = region.change();
        let counted = (change.allocations + change.reallocations) as f64;
        nanoseconds = nanoseconds.min(elapsed.as_nanos() as f64 / BATCH as f64);
        allocations = allocations.min(counted / BATCH as f64);
    }
    println!("{name:<32} {nanoseconds:>10.0} {allocations:>12.2}");
    assert!(
        allocations <= most as f64,
        "{name}: more than {most} allocations"
    );
}
