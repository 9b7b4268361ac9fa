//! How it is measured, and printed.

use std::future::{Ready, poll_fn, ready};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway_filters::BoxError;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use stats_alloc::Region;
use tokio::time::Instant;
use tower::layer::util::Identity;
use tower::{Layer, Service};

use crate::ALLOCATOR;

/// Prints a row for each layer, with what it adds to the bare service.
pub(crate) struct Table {
    request: Request<Full<Bytes>>,
    bare: Cost,
}

impl Table {
    pub(crate) async fn new(request: Request<Full<Bytes>>) -> Self {
        // Twice, for the first time something may be set up.
        measure(&Identity::new(), &request).await;
        let bare = measure(&Identity::new(), &request).await;
        println!("{:<32} {:>10} {:>12}", "layer", "ns", "allocations");
        println!(
            "{:<32} {:>10.0} {:>12.2}",
            "none", bare.nanoseconds, bare.allocations
        );
        Self { request, bare }
    }

    pub(crate) async fn row<L>(&mut self, name: &str, layer: L, most: usize)
    where
        L: Layer<Backend>,
        L::Service: Measured,
    {
        let request = self.request.clone();
        self.row_for(name, layer, &request, most).await;
    }

    /// Measures with a request of its own.
    pub(crate) async fn row_for<L>(
        &self,
        name: &str,
        layer: L,
        request: &Request<Full<Bytes>>,
        most: usize,
    ) where
        L: Layer<Backend>,
        L::Service: Measured,
    {
        let cost = measure(&layer, request).await;
        let nanoseconds = cost.nanoseconds - self.bare.nanoseconds;
        let allocations = cost.allocations - self.bare.allocations;
        println!("{name:<32} {nanoseconds:>+10.0} {allocations:>+12.2}");
        // A little more than whole, for maps that grow once.
        let most = most as f64 + 0.1;
        assert!(allocations <= most, "{name}: more than {most} allocations");
    }
}

struct Cost {
    nanoseconds: f64,
    allocations: f64,
}

/// The best of some rounds, of which each is as many requests, from call to the last byte.
async fn measure<L>(layer: &L, request: &Request<Full<Bytes>>) -> Cost
where
    L: Layer<Backend>,
    L::Service: Measured,
{
    let mut service = layer.layer(Backend);
    let mut best = Cost {
        nanoseconds: f64::INFINITY,
        allocations: f64::INFINITY,
    };
    let begun = Instant::now();
    for round in 0..ROUNDS {
        if round > 0 && begun.elapsed() > LONGEST {
            break;
        }
        // With room in the map, as those have that were read from a connection.
        let fresh = |_| {
            let mut request = request.clone();
            request.headers_mut().reserve(16);
            request
        };
        let requests: Vec<_> = (0..BATCH).map(fresh).collect();
        let region = Region::new(ALLOCATOR);
        let start = Instant::now();
        for request in requests {
            service.exchange(request).await;
        }
        // What runs beside the requests is part of their cost.
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let elapsed = start.elapsed();
        let change = region.change();
        let allocations = (change.allocations + change.reallocations) as f64 / BATCH as f64;
        best.nanoseconds = best
            .nanoseconds
            .min(elapsed.as_nanos() as f64 / BATCH as f64);
        best.allocations = best.allocations.min(allocations);
    }
    best
}

/// A service that can be measured, whatever its types are.
pub(crate) trait Measured {
    async fn exchange(&mut self, request: Request<Full<Bytes>>);
}

impl<S, B> Measured for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    B: Body,
{
    async fn exchange(&mut self, request: Request<Full<Bytes>>) {
        let is_ready = poll_fn(|cx| self.poll_ready(cx)).await.is_ok();
        assert!(is_ready, "the backend always is");
        let Ok(response) = self.call(request).await else {
            panic!("the backend never fails");
        };
        let mut body = pin!(response.into_body());
        while !body.is_end_stream() {
            match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
                Some(frame) => assert!(frame.is_ok(), "no body fails"),
                None => return,
            }
        }
    }
}

/// Answers everything at once, and reads no body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backend;

impl<B> Service<Request<B>> for Backend {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let body = Full::new(Bytes::from_static(b"hello"));
        ready(Ok(Response::new(body)))
    }
}

const ROUNDS: usize = 200;

/// What takes long, as signatures do, is not measured for longer.
const LONGEST: Duration = Duration::from_secs(1);

/// Few enough for all requests to be in the processor's cache.
pub(crate) const BATCH: usize = 64;

/// So often the runtime has to be let run until as many tasks as requests are done.
const TURNS: usize = 4;
