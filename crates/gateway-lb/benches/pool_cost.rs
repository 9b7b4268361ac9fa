//! What a request on a kept connection costs, in counts that do not depend on the machine.
//!
//! Prints allocations, polls and time for each request, and fails if a count is above
//! its budget. The origin is a thread that allocates nothing, so that all of it is ours.
//!
//! ```sh
//! cargo bench -p gateway-lb --bench pool_cost --features pool
//! ```

use std::alloc::System;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::{Pin, pin};

use bytes::Bytes;
use gateway_lb::pool::{Pool, PoolSettings, Protocol};
use http::{HeaderMap, HeaderValue, Request, header};
use http_body::Body;
use http_body_util::Empty;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUESTS: usize = 2000;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\
    x-served-by: origin\r\ncontent-length: 12\r\n\r\nhello, world";

/// Allocations of one exchange: the bytes of the response, of which fields and body are
/// parts, and their share count; and the one field name that is not a common one.
const ALLOCATIONS: f64 = 3.0;
/// One to write, one to find the response.
const RESPONSE_POLLS: f64 = 2.1;
/// One brings the only frame, and with it the end.
const BODY_POLLS: f64 = 1.1;

fn main() {
    let address = origin();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let cost = runtime.block_on(measure(address));

    println!("allocations  {:>8.2} a request", cost.allocations);
    println!("bytes        {:>8.0} a request", cost.bytes);
    println!("polls        {:>8.2} for a response", cost.response_polls);
    println!("polls        {:>8.2} for a body", cost.body_polls);
    println!("time         {:>8.2} µs a round trip", cost.micros);

    assert!(cost.allocations <= ALLOCATIONS, "too many allocations");
    assert!(cost.response_polls <= RESPONSE_POLLS, "too many polls");
    assert!(cost.body_polls <= BODY_POLLS, "too many polls of the body");
}

struct Cost {
    allocations: f64,
    bytes: f64,
    response_polls: f64,
    body_polls: f64,
    micros: f64,
}

async fn measure(address: SocketAddr) -> Cost {
    let pool = Pool::new(PoolSettings::new());
    let mut headers = fields();
    let mut polls = [0, 0];
    for _ in 0..100 {
        headers = exchange(&pool, address, headers, &mut polls).await;
    }
    polls = [0, 0];

    let region = Region::new(ALLOCATOR);
    let start = Instant::now();
    for _ in 0..REQUESTS {
        headers = exchange(&pool, address, headers, &mut polls).await;
    }
    let elapsed = start.elapsed();
    let change = region.change();

    assert_eq!(pool.idle_connections(), 1, "one connection serves all");
    let each = |count: usize| count as f64 / REQUESTS as f64;
    Cost {
        allocations: each(change.allocations + change.reallocations),
        bytes: each(change.bytes_allocated),
        response_polls: each(polls[0]),
        body_polls: each(polls[1]),
        micros: elapsed.as_secs_f64() * 1e6 / REQUESTS as f64,
    }
}

/// Sends a request with `headers`, and returns a map for the next one.
///
/// A gateway gets the map of a request from its client, and gives that of the response
/// away. Here the latter serves again, so that neither is counted.
async fn exchange(
    pool: &Pool<Empty<Bytes>>,
    address: SocketAddr,
    headers: HeaderMap,
    polls: &mut [usize; 2],
) -> HeaderMap {
    let mut request = Request::new(Empty::new());
    *request.headers_mut() = headers;

    let mut sending = pin!(pool.send(address, Protocol::Http1, request));
    let response = poll_fn(|cx| {
        polls[0] += 1;
        sending.as_mut().poll(cx)
    })
    .await
    .expect("answered");

    let (head, mut body) = response.into_parts();
    while !body.is_end_stream() {
        let frame = poll_fn(|cx| {
            polls[1] += 1;
            Pin::new(&mut body).poll_frame(cx)
        });
        frame.await.expect("a frame").expect("data");
    }

    let mut headers = head.headers;
    headers.clear();
    fill(&mut headers);
    headers
}

fn fields() -> HeaderMap {
    let mut headers = HeaderMap::new();
    fill(&mut headers);
    headers
}

fn fill(headers: &mut HeaderMap) {
    headers.insert(header::HOST, HeaderValue::from_static("shop.example"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("bench"));
}

/// A backend that gives the same answer to everything.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.expect("a connection"));
        }
    });
    address
}

fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("an option");
    let mut buffer = [0; 4096];
    let mut filled = 0;
    while let Ok(read @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += read;
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            stream.write_all(ANSWER).expect("sent");
        }
    }
}
