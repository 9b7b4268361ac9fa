//! How do I keep a user on one endpoint while endpoints come and go?
//!
//! Shows consistent hashing with `gateway-lb` alone: a `HashKey` takes the user from the
//! request, a Maglev table gives each user an endpoint, and only the users of an endpoint
//! that leaves or fails go elsewhere. There are no sockets and there is no runtime.
//!
//! ```text
//! cargo run -p gateway-examples --example maglev_changing_endpoints
//! ```
//!
//! You will see how many of 10,000 users move when one of ten endpoints leaves (about a
//! tenth), when one is added (about an eleventh), and when one fails and comes back (a
//! tenth, and then each is back where it was).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gateway_lb::balance::{Algorithm, HashKey, Maglev};
use gateway_lb::health::{Health, HealthSettings};
use gateway_lb::{Balancer, EndpointSet};
use http::{HeaderName, HeaderValue, Request};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), BoxError> {
    // One failed check is enough here; three in a row are the default.
    let health = Health::new(HealthSettings::new().with_fall(1).with_rise(1));
    let balancer = Balancer::new(Algorithm::Maglev(Maglev::new()), endpoints(0..10))
        .with_health(health.clone());
    let ten = places(&balancer)?;

    // A replica, or the next release, knows the same places.
    let replica = Balancer::new(Algorithm::Maglev(Maglev::new()), endpoints(0..10));
    assert_eq!(places(&replica)?, ten);

    balancer.update(endpoints(0..9));
    let nine = places(&balancer)?;
    let left = moved(&ten, &nine);
    println!("one of ten leaves: {left} of {USERS} users move");
    assert!((USERS / 20..USERS / 5).contains(&left));

    balancer.update(endpoints(0..10));
    assert_eq!(places(&balancer)?, ten);
    balancer.update(endpoints(0..11));
    let added = moved(&ten, &places(&balancer)?);
    println!("an eleventh is added: {added} move");
    assert!((USERS / 22..USERS / 5).contains(&added));

    balancer.update(endpoints(0..10));
    health.checked(endpoint(3), false);
    let without = places(&balancer)?;
    let failed = moved(&ten, &without);
    println!("one fails: {failed} move, all of them its own");
    for (user, place) in &without {
        assert!(*place == ten[user] || ten[user] == endpoint(3));
    }

    health.checked(endpoint(3), true);
    assert_eq!(places(&balancer)?, ten);
    println!("it comes back: every user is where it was");
    Ok(())
}

/// The endpoint of each user.
fn places(balancer: &Balancer) -> Result<BTreeMap<u32, SocketAddr>, BoxError> {
    let by_user = HashKey::Header(HeaderName::from_static("x-user"));

    let mut places = BTreeMap::new();
    for user in 0..USERS {
        let (mut head, ()) = Request::new(()).into_parts();
        head.headers.insert("x-user", HeaderValue::from(user));
        let key = by_user.of(&head.uri, &head.headers, None);

        // The pick is held until the response has ended; here there is none.
        let pick = balancer.pick_keyed(key.ok_or("the request names no user")?)?;
        places.insert(user, pick.address());
    }
    Ok(places)
}

fn moved(before: &BTreeMap<u32, SocketAddr>, after: &BTreeMap<u32, SocketAddr>) -> u32 {
    let stays = |(user, place): &(&u32, &SocketAddr)| after.get(user) == Some(place);
    USERS - before.iter().filter(stays).count() as u32
}

fn endpoints(last: impl IntoIterator<Item = u8>) -> EndpointSet {
    last.into_iter().map(endpoint).collect()
}

fn endpoint(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 8080))
}

const USERS: u32 = 10_000;
