//! Certificates that change while they are used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gateway_core::model::TlsTermination;
use gateway_tests::{Client, TlsClient};
use rustls::HandshakeKind;
use tokio::task::JoinSet;

use crate::rig::{Rig, has_shown};

#[tokio::test]
async fn new_certificate_is_seen_at_once_and_old_connections_live_on() {
    let rig = Rig::new().await;
    let mut old = rig.client().http1(rig.address(), "a.test").await;
    assert_eq!(old.get("/").await.status, 200);
    let renewed = rig.authority.site(&["a.test"]);

    rig.change(TlsTermination::new(renewed.certificate()));

    let stream = rig.client().connect(rig.address(), "a.test").await.unwrap();
    assert!(has_shown(&stream, &renewed));
    assert_eq!(old.get("/").await.status, 200);
}

#[tokio::test]
async fn sessions_go_on_through_changes_of_routes() {
    let rig = Rig::new().await;
    let issued = rig.authority.site(&["a.test"]);
    let settings = || TlsTermination::new(issued.certificate());
    rig.change(settings());
    let client = rig.client();
    let kind = async || {
        let stream = client.connect(rig.address(), "a.test").await.unwrap();
        let kind = stream.get_ref().1.handshake_kind().unwrap();
        assert_eq!(Client::http1_over(stream).await.get("/").await.status, 200);
        kind
    };
    assert_eq!(kind().await, HandshakeKind::Full);

    // Equal settings in another allocation, and then others.
    rig.change(settings());
    assert_eq!(kind().await, HandshakeKind::Resumed);
    rig.change(settings().with_http2(false));
    assert_eq!(kind().await, HandshakeKind::Full);
}

/// Connects again and again, and asks for something on a connection of its own.
struct Storm {
    client: TlsClient,
    address: std::net::SocketAddr,
    over: Arc<AtomicBool>,
    handshakes: Arc<AtomicUsize>,
}

impl Storm {
    async fn run(self, http2: bool) {
        let connect = async || match http2 {
            false => self.client.http1(self.address, "a.test").await,
            true => self.client.http2(self.address, "a.test").await,
        };
        let mut old = connect().await;
        while !self.over.load(Ordering::Relaxed) {
            assert_eq!(connect().await.get("/").await.status, 200);
            assert_eq!(old.get("/").await.status, 200);
            self.handshakes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_handshake_and_no_connection_is_lost_over_a_hundred_rotations() {
    let rig = Rig::new().await;
    let (over, handshakes) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    for number in 0..4 {
        let storm = Storm {
            client: rig.client(),
            address: rig.address(),
            over: Arc::clone(&over),
            handshakes: Arc::clone(&handshakes),
        };
        clients.spawn(storm.run(number % 2 == 0));
    }

    for rotation in 1..=100 {
        while handshakes.load(Ordering::Relaxed) < 2 * rotation {
            assert!(clients.try_join_next().is_none(), "a client gave up");
            tokio::task::yield_now().await;
        }
        let renewed = rig.authority.site(&["a.test"]);
        rig.change(TlsTermination::new(renewed.certificate()));
    }
    over.store(true, Ordering::Relaxed);

    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
}
