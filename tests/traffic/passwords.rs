//! Passwords that take long to check.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gateway_core::model::Policy;
use gateway_filters::BasicAuth;
use gateway_tests::{Client, Origin, Site, TestGateway};

use crate::requests::{get, host, rule};

/// `htpasswd -nbB -C 10` of ann with `secret`.
const FILE: &str = "ann:$2y$10$/wx7awPvu0xcpe7x/pp4/eq4WICRo5eSCMNMRwVjGyUA3WSLLukfO";
const RIGHT: (&str, &str) = ("authorization", "Basic YW5uOnNlY3JldA==");
const WRONG: (&str, &str) = ("authorization", "Basic YW5uOmd1ZXNz");

fn site(origin: &Origin, realm: &str) -> Site {
    let users = BasicAuth::new(realm).unwrap();
    let users = users.with_htpasswd(FILE).unwrap();
    Site::new()
        .route(host("shop.test", [Policy::BasicAuth(Arc::new(users))]))
        .rule(rule())
        .backend("origin", [origin.address()])
}

#[tokio::test]
async fn guesses_stop_nobody_whose_password_is_known_or_not_asked_for() {
    const GUESSES: usize = 12;
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&site(&origin, "shop"));
    let address = gateway.address();
    let mut client = Client::http1(address).await;
    let known = client.call(get("shop.test", "/", &[RIGHT])).await;
    assert_eq!(known.status, 200);

    let refused = Arc::new(AtomicUsize::new(0));
    let guesses: Vec<_> = (0..GUESSES)
        .map(|_| {
            let refused = Arc::clone(&refused);
            tokio::spawn(async move {
                let mut client = Client::http1(address).await;
                let reply = client.call(get("shop.test", "/", &[WRONG])).await;
                refused.fetch_add(1, Ordering::Relaxed);
                reply.status.as_u16()
            })
        })
        .collect();
    while refused.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }

    // There is one worker, and it computes none of them.
    for (name, fields) in [("shop.test", &[RIGHT][..]), ("a.test", &[])] {
        let reply = client.call(get(name, "/", fields)).await;
        assert_eq!(reply.status, 200, "{name}");
    }
    assert!(refused.load(Ordering::Relaxed) < GUESSES);
    for guess in guesses {
        assert_eq!(guess.await.unwrap(), 401);
    }
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn password_is_asked_for_again_under_other_settings() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&site(&origin, "shop"));
    let mut client = Client::http1(gateway.address()).await;

    for realm in ["shop", "shop", "market"] {
        gateway.update(site(&origin, realm).configuration());
        let right = client.call(get("shop.test", "/", &[RIGHT])).await;
        let wrong = client.call(get("shop.test", "/", &[WRONG])).await;
        assert_eq!((right.status.as_u16(), wrong.status.as_u16()), (200, 401));
        let challenge = wrong.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains(realm), "{challenge}");
    }
}
