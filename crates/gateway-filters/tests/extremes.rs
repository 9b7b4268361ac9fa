//! Settings that can be made can be used, however large or small their numbers are.

use std::num::{NonZeroU8, NonZeroU32};
use std::time::Duration;

use bytes::Bytes;
use gateway_filters::rate_limit::{Key, Refill};
use gateway_filters::retry::{FailedTry, SharedRetryBudget};
use gateway_filters::{
    Bandwidth, BodyLimit, BodyLimitLayer, BoxError, CircuitBreaker, CircuitBreakerLayer,
    ConcurrencyLimit, ConcurrencyLimitLayer, Cors, CorsLayer, Fault, FaultLayer, Fraction,
    RateLimit, RateLimitLayer, RequestBandwidthLayer, RequestTimeoutLayer, ResponseBandwidthLayer,
    RetryBudget, RetryLayer, RetryPolicy,
};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};

const MOMENTS: [Duration; 3] = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];

async fn backend<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, BoxError>
where
    B: Body<Error: Into<BoxError>> + Send,
    B::Data: Send,
{
    let body = request.into_body().collect().await;
    let bytes = body.map_err(Into::into)?.to_bytes();
    Ok(Response::new(Full::new(bytes)))
}

/// What is answered to a request that asks for leave and has a body.
async fn answer<S, B>(service: S) -> (u16, Bytes)
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = BoxError>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let request = Request::builder()
        .method(Method::PUT)
        .header("origin", "https://a.b")
        .body(Full::from("hello"));
    let response = service.oneshot(request.expect("valid")).await;
    let (head, body) = response.expect("answered").into_parts();
    let body = body.collect().await.map_err(Into::into);
    (head.status.as_u16(), body.expect("whole").to_bytes())
}

fn passed() -> (u16, Bytes) {
    (200, Bytes::from("hello"))
}

#[tokio::test(start_paused = true)]
async fn rate_limits_of_any_size_count() {
    const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    const MOST: u32 = (1 << 24) - 1;

    for (requests, window) in [
        (1, Duration::from_millis(1)),
        (1, YEAR),
        (MOST, Duration::from_millis(1)),
        (MOST, YEAR),
    ] {
        for refill in [Refill::Continuous, Refill::Window] {
            for wait in MOMENTS {
                let limit = RateLimit::new(requests, window).expect("valid");
                let limit = limit.with_refill(refill).with_queue(usize::MAX, wait);
                let keys = limit.clone().by(Key::ClientAddress);
                let keys = keys.with_max_keys(usize::MAX).expect("some");

                for limit in [limit, keys] {
                    let layer = RateLimitLayer::new(limit);
                    assert_eq!(answer(layer.layer(service_fn(backend))).await, passed());
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bandwidths_of_any_size_pass_bytes() {
    for rate in [1, u64::MAX] {
        for burst in [1, u64::MAX] {
            let bandwidth = Bandwidth::new(rate).and_then(|rate| rate.with_burst(burst));
            let bandwidth = bandwidth.expect("some");

            let service = RequestBandwidthLayer::new(bandwidth).layer(service_fn(backend));
            let service = ResponseBandwidthLayer::new(bandwidth).layer(service);

            assert_eq!(answer(service).await, passed(), "{bandwidth:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn breakers_of_any_size_let_good_calls_pass() {
    for time in [Duration::from_millis(10), Duration::MAX] {
        let breaker = CircuitBreaker::new()
            .with_consecutive_errors(NonZeroU32::MAX)
            .with_error_ratio(Fraction::NEVER)
            .with_slow_ratio(Fraction::ALWAYS)
            .with_slow_after(time)
            .with_max_concurrency(NonZeroU32::MAX)
            .with_probes(NonZeroU8::MAX)
            .with_min_requests(NonZeroU32::MAX)
            .with_window(time)
            .and_then(|breaker| breaker.with_open_for(time));
        let layer = CircuitBreakerLayer::new(breaker.expect("valid"));

        assert_eq!(answer(layer.layer(service_fn(backend))).await, passed());
    }
}

#[tokio::test(start_paused = true)]
async fn retries_without_end_end_with_an_answer() {
    for time in MOMENTS {
        let policy = RetryPolicy::new()
            .with_attempts(u32::MAX)
            .with_try_timeout(time)
            .with_backoff(time)
            .with_body_limit(usize::MAX)
            .with_codes([StatusCode::BAD_GATEWAY])
            .expect("an error");
        let budget = RetryBudget::new()
            .with_share(Fraction::ALWAYS)
            .with_min_per_second(u32::MAX);
        let layer = RetryLayer::new(policy, |_: &BoxError| FailedTry::Unsent)
            .with_budget(SharedRetryBudget::new(budget));

        assert_eq!(answer(layer.layer(service_fn(backend))).await, passed());
    }
}

#[tokio::test(start_paused = true)]
async fn limits_of_any_size_let_a_request_pass() {
    for time in MOMENTS {
        for places in [NonZeroU32::MIN, NonZeroU32::MAX] {
            let limit = ConcurrencyLimit::new(places).with_queue(u32::MAX, time);
            let layer = ConcurrencyLimitLayer::new(limit);
            assert_eq!(answer(layer.layer(service_fn(backend))).await, passed());
        }
        let cors = Cors::new().allow_origin("*").expect("an origin");
        let layer = CorsLayer::new(cors.with_max_age(time));
        assert_eq!(answer(layer.layer(service_fn(backend))).await, passed());
    }
    for time in [Duration::ZERO, Duration::MAX] {
        let layer = RequestTimeoutLayer::new(time);
        assert_eq!(answer(layer.layer(service_fn(backend))).await, passed());
    }
    let limit = BodyLimit::new()
        .with_request(u64::MAX)
        .with_response(u64::MAX);
    let layer = BodyLimitLayer::new(limit);
    assert_eq!(answer(layer.layer(service_fn(backend))).await, passed());
}

#[tokio::test(start_paused = true)]
async fn delays_of_any_length_can_be_given_up() {
    for time in MOMENTS {
        let fault = Fault::new()
            .with_delay_between(Fraction::ALWAYS, Duration::ZERO, time)
            .expect("in order");
        let service = FaultLayer::new(fault).layer(service_fn(backend));

        let outcome = tokio::time::timeout(Duration::from_secs(1), answer(service)).await;

        match outcome {
            Ok(answered) => assert_eq!(answered, passed()),
            Err(_) => assert_eq!(time, Duration::MAX),
        }
    }
}
