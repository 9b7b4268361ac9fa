use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use std::net::SocketAddr;

mod splits;

use super::*;
use crate::balance::{Algorithm, Balancer};
use crate::endpoint::{Endpoint, EndpointSet};
use crate::health::{Health, HealthSettings};

const NOW: Duration = Duration::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn at(since: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW + since
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 8080))
}

fn endpoints(last: impl IntoIterator<Item = u8>) -> EndpointSet {
    last.into_iter().map(address).collect()
}

fn cookie() -> CookieSession {
    CookieSession::new("session").expect("a valid name")
}

fn sessions(carrier: impl Into<SessionCarrier>) -> Sessions {
    Sessions::new(carrier, SessionKey::new([7; 32]), b"shop")
}

/// The headers of a client that was given this field.
fn sent_back((name, value): (HeaderName, HeaderValue)) -> HeaderMap {
    if name != http::header::SET_COOKIE {
        return HeaderMap::from_iter([(name, value)]);
    }
    let text = value.to_str().expect("text");
    let pair = text.split(';').next().expect("a pair");
    let value = HeaderValue::from_str(&format!("a=b; {pair}")).expect("a valid value");
    HeaderMap::from_iter([(http::header::COOKIE, value)])
}

fn issued(sessions: &Sessions, last: u8) -> HeaderMap {
    sent_back(
        sessions
            .issue(&HeaderMap::new(), address(last), at(Duration::ZERO))
            .expect("randomness"),
    )
}

fn read(sessions: &Sessions, headers: &HeaderMap, after: Duration) -> Option<SocketAddr> {
    sessions
        .read(headers, at(after))
        .map(|token| token.address())
}

#[test]
fn types_can_be_shared_between_threads() {
    fn assert<T: Send + Sync + 'static>() {}

    assert::<Sessions>();
    assert::<SessionCarrier>();
    assert::<SessionKey>();
}

#[test]
fn cookie_is_as_strict_as_can_be_by_default() {
    let (name, value) = sessions(cookie())
        .issue(&HeaderMap::new(), address(1), at(HOUR))
        .expect("randomness");

    assert_eq!(name, "set-cookie");
    let text = value.to_str().expect("text");
    assert!(text.starts_with("session="));
    assert!(
        text.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"),
        "{text}"
    );
}

#[test]
fn cookie_says_what_it_is_told_to() {
    let cookie = cookie()
        .with_path("/shop")
        .expect("a valid path")
        .with_lifetime(Lifetime::Permanent { timeout: HOUR })
        .with_secure(false)
        .with_http_only(false)
        .with_same_site(SameSite::Lax);

    let (_, value) = sessions(cookie)
        .issue(&HeaderMap::new(), address(1), at(HOUR))
        .expect("randomness");

    let text = value.to_str().expect("text");
    assert!(
        text.ends_with("; Path=/shop; Max-Age=3600; SameSite=Lax"),
        "{text}"
    );
}

#[test]
fn names_and_paths_that_cookies_cannot_have_are_refused() {
    for name in ["", "a b", "a=b", "a;b", "ü"] {
        let refused = CookieSession::new(name);
        assert_eq!(refused, Err(InvalidSession::Name { name: name.into() }));
    }
    for path in ["", "shop", "/a;b", "/\n", "/ü"] {
        let refused = cookie().with_path(path);
        assert_eq!(refused, Err(InvalidSession::Path { path: path.into() }));
    }
}

#[test]
fn token_does_not_show_the_address_and_is_another_each_time() {
    let sessions = sessions(HeaderSession::new(HeaderName::from_static("x-session")));

    let tokens = [0, 1].map(|_| issued(&sessions, 1)["x-session"].clone());

    assert_ne!(tokens[0], tokens[1]);
    // 10.0.0.1:8080 in the digits of the token.
    assert!(!tokens[0].to_str().expect("text").contains("0a000001"));
    assert_eq!(tokens[0].len(), 108);
}

#[test]
fn header_is_read_back() {
    let sessions = sessions(HeaderSession::new(HeaderName::from_static("x-session")));

    let headers = issued(&sessions, 3);

    assert_eq!(read(&sessions, &headers, HOUR), Some(address(3)));
}

#[test]
fn session_ends_after_its_timeout_however_it_is_carried() {
    let header = HeaderSession::new(HeaderName::from_static("x-session"));
    let carriers: [SessionCarrier; 3] = [
        header.with_timeout(HOUR).into(),
        cookie()
            .with_lifetime(Lifetime::Permanent { timeout: HOUR })
            .into(),
        cookie()
            .with_lifetime(Lifetime::Session {
                at_most: Some(HOUR),
            })
            .into(),
    ];
    for carrier in carriers {
        let sessions = sessions(carrier);
        let headers = issued(&sessions, 1);

        let last = HOUR - Duration::from_secs(1);
        assert_eq!(read(&sessions, &headers, last), Some(address(1)));
        assert_eq!(read(&sessions, &headers, HOUR), None);
    }
}

#[test]
fn token_from_the_future_is_not_valid() {
    let sessions = sessions(cookie());
    let field = sessions.issue(&HeaderMap::new(), address(1), at(HOUR));
    let headers = sent_back(field.expect("randomness"));

    assert_eq!(read(&sessions, &headers, Duration::ZERO), None);
    assert_eq!(
        read(&sessions, &headers, HOUR - Duration::from_secs(60)),
        Some(address(1))
    );
}

#[test]
fn token_is_valid_only_where_it_was_issued() {
    let headers = issued(&sessions(cookie()), 1);
    let key = || SessionKey::new([7; 32]);
    let other_key = SessionKey::new([8; 32]);

    let other_scope = Sessions::new(cookie(), key(), b"blog");
    assert_eq!(read(&other_scope, &headers, HOUR), None);
    let other = Sessions::new(cookie(), other_key.clone(), b"shop");
    assert_eq!(read(&other, &headers, HOUR), None);

    let rotated = Sessions::new(cookie(), other_key, b"shop").with_older_key(key());
    assert_eq!(read(&rotated, &headers, HOUR), Some(address(1)));
}

#[test]
fn key_does_not_show_itself() {
    assert_eq!(
        format!("{:?}", SessionKey::new([7; 32])),
        "SessionKey { .. }"
    );
    assert_ne!(SessionKey::random(), SessionKey::random());
}

#[test]
fn session_of_an_endpoint_that_fails_or_leaves_begins_anew_elsewhere() {
    let health = Health::new(HealthSettings::new().with_rise(1).with_fall(1));
    let balancer =
        Balancer::new(Algorithm::RoundRobin, endpoints([1, 2])).with_health(health.clone());
    let sessions = sessions(cookie());
    let headers = issued(&sessions, 1);
    let pick = |headers: &HeaderMap| {
        let (pick, issued) = sessions
            .pick(&balancer, None, headers, at(HOUR))
            .expect("one is up");
        (pick.address(), issued)
    };

    health.checked(address(1), false);
    let (moved, field) = pick(&headers);
    assert_eq!(moved, address(2));
    health.checked(address(1), true);

    let headers = sent_back(field.expect("a new session"));
    assert_eq!(pick(&headers), (address(2), None));
    balancer.update(endpoints([1]));
    assert_eq!(pick(&headers).0, address(1));
}

#[test]
fn endpoint_of_weight_zero_keeps_its_sessions() {
    let draining = Endpoint::new(address(1)).with_weight(0);
    let set = EndpointSet::from_iter([draining, Endpoint::new(address(2))]);
    let balancer = Balancer::new(Algorithm::Random, set);
    let sessions = sessions(cookie());

    let headers = issued(&sessions, 1);

    let kept = sessions
        .pick(&balancer, None, &headers, at(HOUR))
        .expect("one is up");
    assert_eq!(kept.0.address(), address(1));
    let new = sessions
        .pick(&balancer, None, &HeaderMap::new(), at(HOUR))
        .expect("one is up");
    assert_eq!(new.0.address(), address(2));
}

proptest! {
    /// A session returns to its endpoint for as long as that is there, whoever else comes or goes.
    #[test]
    fn session_returns_to_its_endpoint(sets in vec(vec(0..20_u8, 0..8), 1..8), own in 0..20_u8) {
        let balancer = Balancer::new(Algorithm::Random, endpoints([own]));
        let sessions = sessions(cookie());
        let headers = issued(&sessions, own);

        for others in sets {
            balancer.update(endpoints(others.into_iter().chain([own])));
            let (pick, field) = sessions.pick(&balancer, None, &headers, at(HOUR)).expect("one is up");
            prop_assert_eq!(pick.address(), address(own));
            prop_assert!(field.is_none());
        }
    }

    /// Nothing that was made up selects an endpoint.
    #[test]
    fn garbage_is_no_token(bytes in vec(any::<u8>(), 0..200)) {
        let header = HeaderSession::new(HeaderName::from_static("x-session"));
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let headers = HeaderMap::from_iter([(HeaderName::from_static("x-session"), value)]);
            prop_assert!(sessions(header).read(&headers, at(HOUR)).is_none());
        }
        let pair = [b"session=".as_slice(), &bytes].concat();
        if let Ok(value) = HeaderValue::from_bytes(&pair) {
            let headers = HeaderMap::from_iter([(http::header::COOKIE, value)]);
            prop_assert!(sessions(cookie()).read(&headers, at(HOUR)).is_none());
        }
    }

    /// A token that was changed anywhere, or cut off, is none.
    #[test]
    fn changed_token_is_none(place in any::<Index>(), digit in "[0-9a-fA-F]", cut in any::<bool>()) {
        let sessions = sessions(HeaderSession::new(HeaderName::from_static("x-session")));
        let mut text = issued(&sessions, 1)["x-session"].to_str().expect("text").to_owned();
        let place = place.index(text.len());
        let before = text.clone();
        if cut { text.truncate(place); } else { text.replace_range(place..=place, &digit); }

        let value = HeaderValue::from_str(&text).expect("a valid value");
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-session"), value)]);

        prop_assert_eq!(read(&sessions, &headers, HOUR).is_some(), text == before);
    }
}
