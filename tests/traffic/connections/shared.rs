//! Connections of HTTP/2, of which there are fewer than workers.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::model::{Backend, BackendProtocol, BackendRef, Hostname, Route, Rule};
use gateway_tests::{Client, Origin, Site, TestGateway, answer, patiently};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{limit, limited};
use crate::requests::{ask, get, rule, statuses};

/// All workers have one connection to `origin`.
fn one_connection(origin: &Origin) -> Backend {
    Backend::new([origin.address()])
        .with_protocol(BackendProtocol::H2c)
        .with_connections(limited(limit(1)))
}

#[tokio::test]
async fn workers_share_the_connections_of_http2_when_there_are_few() {
    let origin = Origin::h2c(|_| async { answer(200, "") }).await;
    let site = Site::new()
        .rule(rule())
        .backend_of("origin", one_connection(&origin));
    let gateway = TestGateway::serve(
        gateway_core::Gateway::builder().workers(4),
        site.configuration(),
    );

    let counts = statuses(gateway.address(), 16, 400, || get("a.test", "/", &[])).await;

    assert_eq!(counts, [(200, 400)].into());
    assert_eq!(origin.connections(), 1);
}

/// Clients of two workers. `probe` is behind the host `probe.test`.
async fn of_two_workers(gateway: &TestGateway, probe: &Origin) -> [Client; 2] {
    let mut first = Client::http1(gateway.address()).await;
    ask(&mut first, "probe.test", "/").await;
    let other = patiently("a client of another worker", async {
        loop {
            let mut client = Client::http1(gateway.address()).await;
            ask(&mut client, "probe.test", "/").await;
            // The first worker has a connection already.
            if probe.connections() > 1 {
                break client;
            }
        }
    });
    let other = other.await;
    [first, other]
}

#[tokio::test]
async fn worker_that_has_no_clients_left_serves_the_streams_of_others() {
    let (let_go, probe) = (Arc::new(Semaphore::new(0)), Origin::echo().await);
    let held = Arc::clone(&let_go);
    let origin = Origin::h2c(move |_| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.unwrap().forget();
            answer(200, "done")
        }
    })
    .await;
    let to_probe = Rule::new().with_backend(BackendRef::new("probe".into()));
    let host = Hostname::new("probe.test").unwrap();
    let site = Site::new()
        .rule(rule())
        .backend_of("origin", one_connection(&origin))
        .route(Route::new("probe").with_hostname(host).with_rule(to_probe))
        .backend("probe", [probe.address()]);
    let gateway = TestGateway::start(&site);
    let [mut first, mut other] = of_two_workers(&gateway, &probe).await;
    // The first one's worker opens the connection.
    let first = tokio::spawn(async move {
        let reply = ask(&mut first, "a.test", "/").await;
        first.closed().await;
        reply
    });
    origin
        .until("a request", |state| state.requests.len() == 1)
        .await;
    let mut other = tokio::spawn(async move { ask(&mut other, "a.test", "/").await });
    origin
        .until("another request", |state| state.requests.len() == 2)
        .await;

    gateway.shutdown();
    let_go.add_permits(1);
    assert_eq!(first.await.unwrap().text(), "done");
    let long = Duration::from_millis(200);
    assert!(timeout(long, &mut other).await.is_err(), "it was cut off");
    let_go.add_permits(1);

    let reply = other.await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.text()), (200, "done"));
    assert_eq!(origin.connections(), 1);
    assert!(gateway.drained().await.is_ok());
}
