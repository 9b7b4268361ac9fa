use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt, service_fn};

use super::*;
use crate::script::Step;
use crate::script::{Script, contents, data, read, run, scripts, trailers};

fn bandwidth(rate: u64) -> Bandwidth {
    Bandwidth::new(rate).expect("not zero")
}

const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Three seconds for what the burst of one leaves, as precise as the timer.
fn assert_three_seconds(elapsed: Duration) {
    assert!(
        (millis(3_000)..millis(3_100)).contains(&elapsed),
        "{elapsed:?}"
    );
}

#[test]
fn nothing_at_all_is_refused() {
    assert_eq!(Bandwidth::new(0), Err(InvalidBandwidth::Zero));
    assert_eq!(bandwidth(1).with_burst(0), Err(InvalidBandwidth::ZeroBurst));
}

#[tokio::test(start_paused = true)]
async fn upload_of_eight_kibibytes_takes_three_seconds() {
    let (client, server) = duplex(64 * 1024);
    let mut server = BandwidthStream::new(server).with_read(bandwidth(2_048));
    let mut client = client;
    client.write_all(&[7; 8_192]).await.expect("room");
    drop(client);
    let start = Instant::now();

    let mut received = Vec::new();
    server.read_to_end(&mut received).await.expect("read");

    assert_eq!(received, [7; 8_192]);
    assert_three_seconds(start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn download_of_eight_kibibytes_takes_three_seconds() {
    let (client, server) = duplex(64 * 1024);
    let mut server = BandwidthStream::new(server).with_write(bandwidth(2_048));
    let start = Instant::now();

    server.write_all(&[7; 8_192]).await.expect("written");
    let elapsed = start.elapsed();
    drop(server);

    let mut received = Vec::new();
    let mut client = client;
    client.read_to_end(&mut received).await.expect("read");
    assert_eq!(received, [7; 8_192]);
    assert_three_seconds(elapsed);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_is_waited_for_up_to_a_burst() {
    for (before, seconds) in [(0, 2), (1_000, 3), (1_000_000, 3)] {
        let (mut client, server) = duplex(64 * 1024);
        let limited = BandwidthStream::new(server).with_read(bandwidth(1_000));
        let mut server = limited.with_read_before(before);
        client.write_all(&[7; 3_000]).await.expect("room");
        let start = Instant::now();

        server.read_exact(&mut [0; 3_000]).await.expect("read");

        let least = millis(1_000 * seconds);
        let elapsed = start.elapsed();
        assert!(
            (least..least + millis(100)).contains(&elapsed),
            "{elapsed:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn directions_have_a_bucket_each() {
    let (client, server) = duplex(64 * 1024);
    let mut server = BandwidthStream::new(server)
        .with_read(bandwidth(1_000))
        .with_write(bandwidth(1_000));
    let mut client = client;
    client.write_all(&[0; 1_000]).await.expect("room");
    let start = Instant::now();

    server.read_exact(&mut [0; 1_000]).await.expect("read");
    server.write_all(&[0; 1_000]).await.expect("written");

    assert!(start.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn stream_without_a_limit_waits_for_nothing() {
    let (client, server) = duplex(64 * 1024);
    let mut server = BandwidthStream::new(server);
    let start = Instant::now();

    server.write_all(&[0; 60_000]).await.expect("written");

    assert!(start.elapsed().is_zero());
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn several_buffers_are_written_at_their_pace() {
    let (client, server) = duplex(64 * 1024);
    let mut server = BandwidthStream::new(server).with_write(bandwidth(1_000));
    let start = Instant::now();

    let mut rest = [
        Bytes::new(),
        Bytes::from(vec![1; 1_500]),
        Bytes::from(vec![2; 2_500]),
    ];
    while rest.iter().any(|bytes| !bytes.is_empty()) {
        let slices = rest.each_ref().map(|bytes| std::io::IoSlice::new(bytes));
        let mut written = server.write_vectored(&slices).await.expect("written");
        for bytes in &mut rest {
            written -= bytes.split_to(written.min(bytes.len())).len();
        }
    }
    let elapsed = start.elapsed();
    drop(server);

    let mut received = Vec::new();
    let mut client = client;
    client.read_to_end(&mut received).await.expect("read");
    assert_eq!(received, [[1; 1_500].as_slice(), &[2; 2_500]].concat());
    assert_three_seconds(elapsed);
}

#[tokio::test(start_paused = true)]
async fn slow_transfer_is_woken_some_fifty_times_in_a_second() {
    let (client, server) = duplex(64 * 1024);
    let mut server = BandwidthStream::new(server).with_read(bandwidth(10_000));
    let mut client = client;
    client.write_all(&[7; 20_000]).await.expect("room");
    drop(client);

    let mut reads = 0;
    while server.read(&mut [0; 4_096]).await.expect("read") > 0 {
        reads += 1;
    }

    assert!(reads <= 60, "{reads}");
}

#[tokio::test(start_paused = true)]
async fn pause_is_made_up_for_by_no_more_than_the_burst() {
    let mut body = BandwidthBody::new(
        Script::new([
            data("1234"),
            Step::Sleep(Duration::from_secs(60)),
            data("5678abcdefgh"),
        ]),
        Some(bandwidth(4)),
    );
    let start = Instant::now();

    let mut received = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.expect("no error").into_data().expect("data");
        received.push((data, start.elapsed().as_secs()));
    }

    let total: usize = received.iter().map(|(data, _)| data.len()).sum();
    assert_eq!(received[0], (Bytes::from("1234"), 0));
    assert_eq!(received[1], (Bytes::from("5678"), 60));
    assert_eq!(received.last().map(|(_, at)| *at), Some(62));
    assert_eq!(total, 16);
}

#[tokio::test(start_paused = true)]
async fn trailers_are_not_held_back() {
    let script = Script::new([data("12"), Step::Trailers(trailers())]);
    let mut body = BandwidthBody::new(script, Some(bandwidth(2)));
    let start = Instant::now();

    let (bytes, received) = read(&mut body).await.expect("no error");

    assert_eq!(bytes, b"12");
    assert_eq!(received, Some(trailers()));
    assert!(start.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn request_and_response_take_their_time() {
    let service = ServiceBuilder::new()
        .layer(RequestBandwidthLayer::new(bandwidth(1_000)))
        .layer(ResponseBandwidthLayer::new(bandwidth(500)))
        .service(service_fn(
            |request: Request<BandwidthBody<Full<Bytes>>>| async {
                let bytes = request.into_body().collect().await?.to_bytes();
                Ok::<_, BoxError>(Response::new(Full::new(bytes)))
            },
        ));
    let start = Instant::now();

    let request = Request::new(Full::new(Bytes::from(vec![0; 2_000])));
    let response = service.oneshot(request).await.expect("answered");
    let uploaded = start.elapsed();
    let body = response.into_body().collect().await.expect("no error");

    assert_eq!(body.to_bytes().len(), 2_000);
    assert!((millis(1_000)..millis(1_050)).contains(&uploaded));
    assert!((millis(4_000)..millis(4_150)).contains(&start.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn layers_without_a_limit_wait_for_nothing() {
    let service = ResponseBandwidthLayer::default().layer(service_fn(|_: Request<()>| async {
        sleep(millis(1)).await;
        Ok::<_, BoxError>(Response::new(Full::new(Bytes::from(vec![0; 2_000]))))
    }));

    let response = service.oneshot(Request::new(())).await.expect("answered");
    let start = Instant::now();
    response.into_body().collect().await.expect("no error");

    assert!(start.elapsed().is_zero());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// All bytes and trailers pass, in their order, and in no less than their time.
    #[test]
    fn bodies_are_the_same_but_slower(
        steps in scripts(),
        rate in 1..2_000_u64,
        burst in 1..2_000_u64,
    ) {
        let bandwidth = bandwidth(rate).with_burst(burst).expect("not zero");
        let (bytes, trailers) = contents(&steps);
        let body = BandwidthBody::new(Script::new(steps).sized(), Some(bandwidth));
        prop_assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));

        let (received, elapsed) = run(async {
            let start = Instant::now();
            (read(body).await, start.elapsed())
        });

        let least = (bytes.len() as f64 - burst as f64) / rate as f64;
        prop_assert!(elapsed.as_secs_f64() >= least - 1e-6);
        // Timers count milliseconds: with room for one byte, that can take twice as long.
        prop_assert!(elapsed.as_secs_f64() <= least.max(0.0) * 2.0 + 0.2, "{:?}", elapsed);
        prop_assert_eq!(received.expect("no error"), (bytes, trailers));
    }

    /// Whatever was read of a body, its size is that of the rest, and its end is seen at the end.
    #[test]
    fn size_is_that_of_the_rest(steps in scripts(), rate in 1..2_000_u64, frames in 0..20_usize) {
        let (bytes, _) = contents(&steps);
        let script = Script::new(steps).sized().foretold();
        let mut body = BandwidthBody::new(script, Some(bandwidth(rate)));

        run(async {
            let mut read = 0;
            for _ in 0..frames {
                if let Some(Ok(frame)) = body.frame().await {
                    read += frame.data_ref().map_or(0, Bytes::len);
                }
            }
            assert_eq!(body.size_hint().exact(), Some((bytes.len() - read) as u64));
            if body.is_end_stream() {
                assert!(body.frame().await.is_none());
            }
        });
    }
}
