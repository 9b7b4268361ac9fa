use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderName, HeaderValue};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower::service_fn;

use super::super::{HealthSettings, InvalidProbe};
use super::*;
use crate::balance::{Algorithm, Balancer};
use crate::pool::{Pool, PoolSettings, Protocol};

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 8080))
}

fn touchy() -> Health {
    Health::new(HealthSettings::new().with_fall(1).with_rise(1))
}

fn balancer(health: &Health, addresses: impl IntoIterator<Item = SocketAddr>) -> Balancer {
    Balancer::new(Algorithm::RoundRobin, addresses.into_iter().collect())
        .with_health(health.clone())
}

fn answer(status: u16, body: &'static str) -> Answer {
    let mut response = Response::new(Full::from(body).boxed_unsync());
    *response.status_mut() = status.try_into().expect("a status");
    response
}

fn check() -> Result<Check, InvalidProbe> {
    let check = Check::new(HttpProbe::new("/healthz")?.with_body(*b"ready"));
    Ok(check
        .with_interval(Duration::from_secs(5))
        .with_jitter(crate::Percent::ZERO))
}

#[test]
fn checks_can_be_spawned() {
    fn assert(_: impl Send + 'static) {}
    let pool = PoolTransport::new(Pool::new(PoolSettings::new()), Protocol::Http1);

    assert(Prober::new(touchy(), Check::new(Probe::Tcp), pool).run());
}

/// Runs `prober` for `time` of a clock that is paused.
async fn run_for<F: Future<Output = ()>>(prober: F, time: Duration) {
    assert!(timeout(time, prober).await.is_err(), "it does not end");
}

#[tokio::test(start_paused = true)]
async fn bad_answers_and_late_ones_take_endpoints_down() -> Result<(), InvalidProbe> {
    let health = touchy();
    let balancer = balancer(&health, (1..=5).map(address));
    let origin = service_fn(
        |(to, request): (SocketAddr, Request<ProbeBody>)| async move {
            assert_eq!(request.uri(), "/healthz");
            match to {
                to if to == address(1) => Ok(answer(200, "all is ready")),
                to if to == address(2) => Ok(answer(500, "ready")),
                to if to == address(3) => Ok(answer(200, "not yet")),
                to if to == address(4) => {
                    sleep(Duration::from_secs(2)).await;
                    Ok(answer(200, "ready"))
                }
                _ => Err("no connection"),
            }
        },
    );

    run_for(
        Prober::new(health, check()?, origin).run(),
        Duration::from_secs(3),
    )
    .await;

    assert_eq!(
        balancer.ready_endpoints(),
        [address(1)].into_iter().collect()
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn endpoints_are_asked_once_an_interval_for_as_long_as_a_balancer_has_them()
-> Result<(), InvalidProbe> {
    let health = touchy();
    let balancer = balancer(&health, [address(1), address(2)]);
    let asked = Arc::new(Mutex::new(BTreeMap::<SocketAddr, u32>::new()));
    let counts = Arc::clone(&asked);
    let origin = service_fn(move |(to, _): (SocketAddr, Request<ProbeBody>)| {
        *counts.lock().expect("no panic").entry(to).or_default() += 1;
        async { Ok::<_, Infallible>(answer(200, "ready")) }
    });
    let prober = Prober::new(health, check()?, origin).run();
    tokio::pin!(prober);

    run_for(prober.as_mut(), Duration::from_secs(11)).await;
    balancer.update([address(2), address(3)].into_iter().collect());
    run_for(prober.as_mut(), Duration::from_secs(10)).await;

    let asked = asked.lock().expect("no panic").clone();
    let expected = [(address(1), 3), (address(2), 5), (address(3), 2)];
    assert_eq!(asked, BTreeMap::from(expected));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn grpc_answer_is_judged_by_message_and_trailers() {
    let health = touchy();
    let balancer = balancer(&health, [address(1), address(2)]);
    let origin = service_fn(
        |(to, request): (SocketAddr, Request<ProbeBody>)| async move {
            let sent = request.into_body().collect().await?.to_bytes();
            assert_eq!(sent, &b"\0\0\0\0\x06\x0a\x04shop"[..]);
            let status = if to == address(1) { "\x01" } else { "\x02" };
            let body = Full::from(format!("\0\0\0\0\x02\x08{status}")).with_trailers(async {
                let name = HeaderName::from_static("grpc-status");
                Some(Ok(HeaderMap::from_iter([(
                    name,
                    HeaderValue::from_static("0"),
                )])))
            });
            Ok::<_, Infallible>(Response::new(body.boxed_unsync()))
        },
    );
    let check = Check::new(GrpcProbe::new().with_service("shop"));

    run_for(
        Prober::new(health, check, origin).run(),
        Duration::from_secs(3),
    )
    .await;

    assert_eq!(
        balancer.ready_endpoints(),
        [address(1)].into_iter().collect()
    );
}

/// Polls `prober` until `health` thinks so of `address`.
async fn until(
    prober: impl Future<Output = ()>,
    health: &Health,
    address: SocketAddr,
    healthy: bool,
) {
    let changed = async {
        while health.is_healthy(address) != Some(healthy) {
            tokio::task::yield_now().await;
        }
    };
    let changed = timeout(Duration::from_secs(20), changed);
    tokio::select! {
        changed = changed => assert!(changed.is_ok(), "it does not change"),
        () = prober => unreachable!("it does not end"),
    }
}

#[tokio::test]
async fn tcp_probe_needs_a_listener() -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let health = Health::new(
        HealthSettings::new()
            .with_unproven_down()
            .with_fall(1)
            .with_rise(1),
    );
    let _balancer = balancer(&health, [address]);
    let check = Check::new(Probe::Tcp).with_interval(Duration::from_millis(10));
    let pool = PoolTransport::new(Pool::new(PoolSettings::new()), Protocol::Http1);
    let prober = || Prober::new(health.clone(), check.clone(), pool.clone()).run();

    until(prober(), &health, address, true).await;
    drop(listener);
    until(prober(), &health, address, false).await;
    Ok(())
}

#[tokio::test]
async fn pool_carries_http_probes() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let origin = async {
        let (mut tcp, _) = listener.accept().await.expect("a connection");
        let mut bytes = [0; 1024];
        let read = tokio::io::AsyncReadExt::read(&mut tcp, &mut bytes)
            .await
            .expect("a request");
        assert!(bytes[..read].starts_with(b"GET /healthz HTTP/1.1\r\n"));
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nready";
        tokio::io::AsyncWriteExt::write_all(&mut tcp, response)
            .await
            .expect("it is read");
        std::future::pending::<()>().await;
    };
    let health = Health::new(HealthSettings::new().with_unproven_down().with_rise(1));
    let _balancer = balancer(&health, [address]);
    let pool = PoolTransport::new(Pool::new(PoolSettings::new()), Protocol::Http1);
    let check = check()?.with_timeout(Duration::from_secs(10));
    let prober = Prober::new(health.clone(), check, pool).run();

    until(
        async {
            tokio::join!(prober, origin);
        },
        &health,
        address,
        true,
    )
    .await;
    Ok(())
}
