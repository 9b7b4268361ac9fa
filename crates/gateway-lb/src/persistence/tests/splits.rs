//! Several backends under one name: what a client keeps, when weights send it to and fro.

use std::collections::HashMap;

use super::*;

/// The sessions of backend `index` of a rule that has `count` of them.
fn of_rule(carrier: impl Into<SessionCarrier>, index: usize, count: usize) -> Sessions {
    let scope = format!("shop/backend-{index}:80");
    let sessions = Sessions::new(carrier, SessionKey::new([7; 32]), scope.as_bytes());
    sessions.with_others(count - 1)
}

fn header() -> HeaderSession {
    HeaderSession::new(HeaderName::from_static("x-session"))
}

/// Endpoints that no other backend has.
fn of_backend(index: usize) -> impl Iterator<Item = u8> {
    let first = 10 * u8::try_from(index).expect("few backends");
    first..first + 4
}

#[test]
fn each_backend_finds_its_own_endpoint_in_one_value() {
    let (one, two) = (of_rule(cookie(), 0, 2), of_rule(cookie(), 1, 2));

    let headers = issued(&one, 1);
    let field = two.issue(&headers, address(11), at(HOUR));
    let headers = sent_back(field.expect("randomness"));

    assert_eq!(read(&one, &headers, HOUR), Some(address(1)));
    assert_eq!(read(&two, &headers, HOUR), Some(address(11)));
}

#[test]
fn session_that_begins_anew_takes_the_place_of_the_old_one() {
    let (one, two) = (of_rule(header(), 0, 2), of_rule(header(), 1, 2));
    let both = two.issue(&issued(&one, 1), address(11), at(HOUR));

    let field = one.issue(&sent_back(both.expect("randomness")), address(2), at(HOUR));
    let (_, value) = field.clone().expect("randomness");
    let headers = sent_back(field.expect("randomness"));

    assert_eq!(read(&one, &headers, HOUR), Some(address(2)));
    assert_eq!(read(&two, &headers, HOUR), Some(address(11)));
    assert_eq!(value.to_str().expect("text").split('.').count(), 2);
}

#[test]
fn backend_that_is_alone_keeps_nothing_of_others() {
    let alone = of_rule(header(), 0, 1);
    let headers = issued(&of_rule(header(), 1, 2), 11);

    let field = alone.issue(&headers, address(1), at(HOUR));

    let (_, value) = field.expect("randomness");
    assert!(!value.to_str().expect("text").contains('.'));
}

#[test]
fn each_token_has_a_time_of_its_own() {
    let carrier = || header().with_timeout(HOUR);
    let (one, two) = (of_rule(carrier(), 0, 2), of_rule(carrier(), 1, 2));
    let later = Duration::from_secs(60);

    let field = two.issue(&issued(&one, 1), address(11), at(later));
    let headers = sent_back(field.expect("randomness"));

    assert_eq!(read(&one, &headers, HOUR), None);
    assert_eq!(read(&two, &headers, HOUR), Some(address(11)));
}

proptest! {
    /// Whichever backends weights choose, in whatever order, and whatever endpoints leave on the
    /// way: a client returns to the endpoint that it had at a backend for as long as that is there,
    /// and is told something only when it begins a session.
    #[test]
    fn client_finds_its_endpoint_at_every_backend(
        count in 1..5_usize,
        visits in vec((any::<Index>(), any::<bool>()), 1..40),
        in_a_header in any::<bool>(),
    ) {
        let carrier = || -> SessionCarrier {
            if in_a_header { header().into() } else { cookie().into() }
        };
        let backends: Vec<_> = (0..count)
            .map(|index| {
                let balancer = Balancer::new(Algorithm::Random, endpoints(of_backend(index)));
                (of_rule(carrier(), index, count), balancer)
            })
            .collect();
        let mut kept = HeaderMap::new();
        let mut homes = HashMap::new();

        for (visit, leaves) in visits {
            let index = visit.index(count);
            let (sessions, balancer) = &backends[index];
            let home = homes.get(&index).copied();
            let left = of_backend(index).filter(|last| Some(address(*last)) != home);
            balancer.update(if leaves { endpoints(left) } else { endpoints(of_backend(index)) });

            let picked = sessions.pick(balancer, None, &kept, at(HOUR));
            let (pick, field) = picked.expect("some are left");

            let stays = home.filter(|_| !leaves);
            prop_assert_eq!(field.is_none(), stays.is_some());
            prop_assert!(stays.is_none_or(|home| home == pick.address()));
            homes.insert(index, pick.address());
            if let Some(field) = field {
                kept = sent_back(field);
            }
        }
    }

    /// What others may have left is kept only if it is written as tokens are, and not without end.
    #[test]
    fn garbage_is_not_kept(tokens in vec("[0-9a-f]{108}|[0-9a-f]{0,120}|[ -~]{0,20}", 0..6)) {
        let sessions = of_rule(header(), 0, 3);
        let sent = tokens.join(".");
        let value = HeaderValue::from_str(&sent).expect("visible");
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-session"), value)]);

        let field = sessions.issue(&headers, address(1), at(HOUR));

        let (_, value) = field.expect("randomness");
        let kept: Vec<_> = value.to_str().expect("text").split('.').collect();
        prop_assert!(kept.len() <= 3);
        prop_assert!(kept.iter().all(|token| token.len() == 108));
        prop_assert!(kept[1..].iter().all(|token| sent.contains(token)));
    }
}
