//! What each layer adds to a request, in time and in allocations.
//!
//! Prints both for a request that passes through the layer to a service that answers at once,
//! and for the answers that a layer gives by itself. Fails if something allocates more than it
//! is known to: times depend on the machine, allocations do not.
//!
//! ```sh
//! cargo bench -p gateway-filters --bench layers --all-features
//! ```
//!
//! Without features it has the rows that need none.
//!
//! A new layer is one line of [`measure_all`].

mod table;

use std::alloc::System;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use gateway_filters::access::AccessRule;
use gateway_filters::basic_auth::Password;
use gateway_filters::client_address::{ClientAddress, PeerAddress, TrustedProxies};
use gateway_filters::error_bodies::{ErrorBody, ErrorStatuses};
use gateway_filters::rate_limit::{Key, QuotaFields};
use gateway_filters::retry::FailedTry;
use gateway_filters::{
    AccessControl, AccessLayer, Answer, ApiKeyLayer, ApiKeys, BackendRequestTimeoutLayer,
    Bandwidth, BasicAuth, BasicAuthLayer, BodyLimit, BodyLimitLayer, BoxError, CidrSet,
    CircuitBreaker, CircuitBreakerLayer, ClientAddressLayer, ConcurrencyLimit,
    ConcurrencyLimitLayer, Cors, CorsLayer, Csrf, CsrfLayer, DirectResponseLayer, ErrorBodies,
    ErrorBodiesLayer, Fault, FaultLayer, Fraction, HeaderModifier, HeaderValues, PathModifier,
    RateLimit, RateLimitLayer, Redirect, RedirectLayer, RequestBandwidthLayer,
    RequestHeaderModifierLayer, RequestHeaderValuesLayer, RequestIdLayer, RequestIds,
    RequestTimeoutLayer, ResponseBandwidthLayer, ResponseHeaderModifierLayer,
    ResponseHeaderValuesLayer, RetryLayer, RetryPolicy, RouteContext, UrlRewrite, UrlRewriteLayer,
};
use http::{HeaderName, Method, Request};
use http_body_util::Full;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use self::table::Table;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    runtime.block_on(measure_all())
}

/// Every layer, with the most allocations it may need.
async fn measure_all() -> Result<(), BoxError> {
    let mut table = Table::new(get()?).await;

    let headers = HeaderModifier::new().set("x-a", "1")?.remove("x-b")?;
    let layer = RequestHeaderModifierLayer::new(headers.clone());
    table.row("header_modifier, request", layer, 0).await;
    let layer = ResponseHeaderModifierLayer::new(headers);
    table.row("header_modifier, response", layer, 2).await;

    let path = PathModifier::replace_prefix_match("/v2")?;
    let layer = RedirectLayer::new(Redirect::new().with_path(path.clone()));
    table.row("redirect", layer, 4).await;
    let rewrite = UrlRewrite::new().with_path(path).with_hostname("b.c")?;
    table.row("rewrite", UrlRewriteLayer::new(rewrite), 1).await;

    let cors = CorsLayer::new(Cors::new().allow_origin("https://a.b")?);
    table.row("cors, same origin", cors.clone(), 2).await;
    let origin = with_header(get()?, "origin", "https://a.b")?;
    table.row_for("cors, other origin", cors, &origin, 2).await;

    let limit = Duration::from_secs(10);
    let layer = RequestTimeoutLayer::new(limit);
    table.row("timeout, request", layer, 0).await;
    let layer = BackendRequestTimeoutLayer::new(limit);
    table.row("timeout, backend", layer, 0).await;
    let layer = RequestTimeoutLayer::default();
    table.row("timeout, none", layer, 0).await;
    let final_ = |_: &BoxError| FailedTry::Final;
    let layer = RetryLayer::new(RetryPolicy::new(), final_);
    table.row("retry", layer.clone(), 11).await;
    table
        .row("retry, no budget", layer.without_budget(), 11)
        .await;
    let layer = RetryLayer::new(RetryPolicy::off(), final_);
    table.row("retry, off", layer, 0).await;

    measure_limits(&mut table).await?;
    measure_access(&mut table).await?;
    measure_authentication(&mut table).await?;
    measure_protection(&mut table).await?;
    measure_answers(&mut table).await?;
    measure_features(&mut table).await
}

/// What needs a feature.
async fn measure_features(table: &mut Table) -> Result<(), BoxError> {
    #[cfg(feature = "mirror")]
    {
        use gateway_filters::{MirrorLayer, MirrorSettings};

        let settings = MirrorSettings::new().with_fraction(Fraction::NEVER);
        let layer = MirrorLayer::new(table::Backend, settings);
        table.row("mirror, not chosen", layer, 0).await;
        let settings = MirrorSettings::new().with_max_in_flight(table::BATCH);
        let layer = MirrorLayer::new(table::Backend, settings);
        table.row("mirror, chosen", layer, 7).await;
    }
    #[cfg(feature = "compression")]
    {
        use gateway_filters::{Compression, CompressionLayer};

        let accepting = with_header(get()?, "accept-encoding", "gzip, br")?;
        let layer = CompressionLayer::new(Compression::new());
        table
            .row_for("compression, left alone", layer, &accepting, 2)
            .await;
    }
    #[cfg(feature = "jwt")]
    {
        use gateway_filters::jwt::{Jwks, JwksSource, JwtProvider};
        use gateway_filters::{Jwt, JwtLayer};

        let keys = JwksSource::inline(Jwks::parse(JWKS)?);
        let layer = JwtLayer::new(Jwt::new(JwtProvider::new("https://login.example", keys)));
        let asked = with_header(get()?, "authorization", TOKEN)?;
        table
            .row_for("jwt, Ed25519", layer.clone(), &asked, 50)
            .await;
        table.row("jwt, none", layer, 4).await;
    }
    // So that it is used without features too.
    let _ = table;
    Ok(())
}

/// The public key of RFC 8037, appendix A.
#[cfg(feature = "jwt")]
const JWKS: &[u8] = br#"{"keys": [{
    "kty": "OKP", "crv": "Ed25519", "kid": "rfc8037", "alg": "EdDSA", "use": "sig",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
}]}"#;

/// Signed with the private one, until the end of the century.
#[cfg(feature = "jwt")]
const TOKEN: &str = "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6InJmYzgwMzcifQ.\
    eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUiLCJhdWQiOiJzaG9wIiwic3ViIjoiYWxpY2UiLCJleHAiOjQxMDI0NDQ4MDB9.\
    c3CmDvtntMygg7wb4xq1kvLuy3m7xqqOFn2mHTmAHO9Br4NQ9K9p2Oj6MdvWktOMcihImBcmD7dTKIVWByUHDA";

async fn measure_limits(table: &mut Table) -> Result<(), BoxError> {
    let limit = RateLimit::new(16_000_000, Duration::from_secs(1))?;
    let layer = RateLimitLayer::new(limit.clone());
    table.row("rate_limit, one", layer, 0).await;
    let told = limit.clone().with_fields(QuotaFields::Always);
    let layer = RateLimitLayer::new(told);
    table.row("rate_limit, told to clients", layer, 5).await;
    let layer = RateLimitLayer::new(limit.clone().by(Key::ClientAddress));
    table.row("rate_limit, by client", layer, 0).await;
    let user = Key::Header(HeaderName::from_static("x-user"));
    let layer = RateLimitLayer::new(limit.clone().by(user));
    table.row("rate_limit, by header", layer, 0).await;
    let queued = limit.clone().with_queue(10, Duration::from_secs(1));
    let layer = RateLimitLayer::new(queued);
    table.row("rate_limit, with a queue", layer, 0).await;
    let none = RateLimitLayer::new(RateLimit::new(1, Duration::from_secs(3_600))?);
    table.row("rate_limit, refused", none, 9).await;

    let plenty = Bandwidth::new(1 << 40)?;
    let layer = ResponseBandwidthLayer::new(plenty);
    table.row("bandwidth, response", layer, 0).await;
    let layer = RequestBandwidthLayer::new(plenty);
    table.row("bandwidth, request", layer, 0).await;
    let layer = ResponseBandwidthLayer::default();
    table.row("bandwidth, none", layer, 0).await;

    let layer = FaultLayer::new(Fault::new());
    table.row("fault, none", layer, 0).await;
    let fault = Fault::new()
        .with_delay(Fraction::NEVER, Duration::from_secs(1))
        .with_abort(Fraction::NEVER, Answer::new(500)?);
    table
        .row("fault, not chosen", FaultLayer::new(fault), 0)
        .await;
    let fault = Fault::new().with_abort(Fraction::ALWAYS, Answer::new(500)?);
    table.row("fault, aborted", FaultLayer::new(fault), 3).await;
    Ok(())
}

async fn measure_access(table: &mut Table) -> Result<(), BoxError> {
    let proxies = TrustedProxies::networks(CidrSet::parse(["192.0.2.0/24"])?);
    let layer = ClientAddressLayer::new(proxies);
    let forwarded = with_header(get()?, "x-forwarded-for", "203.0.113.1, 192.0.2.8")?;
    table.row_for("client_address", layer, &forwarded, 2).await;

    let few = CidrSet::parse(["10.0.0.0/8", "192.168.0.0/16"])?;
    let many = (0..10_000_u32).map(|net| {
        let address = Ipv4Addr::from_bits(0x0b00_0000 | net << 9);
        format!("{address}/24")
    });
    let many = CidrSet::parse(many)?;
    let access = AccessControl::new().deny_addresses(few);
    table
        .row("access, 2 networks", AccessLayer::new(access), 0)
        .await;
    let access = AccessControl::new().deny_addresses(many);
    let layer = AccessLayer::new(access);
    table.row("access, 10,000 networks", layer, 0).await;
    let access = AccessControl::new()
        .rule(AccessRule::deny().on_path_prefix("/admin")?)
        .rule(AccessRule::deny().on_header(HeaderName::from_static("x-user"), ["eve"]))
        .rule(AccessRule::allow().on_method(Method::GET));
    let layer = AccessLayer::new(access);
    table.row("access, 3 rules", layer.clone(), 0).await;
    let mut encoded = get()?;
    *encoded.uri_mut() = "/api//caf%C3%A9".parse()?;
    table
        .row_for("access, 3 rules, encoded path", layer, &encoded, 4)
        .await;
    let layer = AccessLayer::new(AccessControl::new().rule(AccessRule::deny()));
    table.row("access, refused", layer, 3).await;
    Ok(())
}

async fn measure_protection(table: &mut Table) -> Result<(), BoxError> {
    let breaker = CircuitBreaker::new;
    let layer = CircuitBreakerLayer::new(breaker());
    table.row("circuit_breaker, none", layer, 0).await;
    let layer = CircuitBreakerLayer::new(breaker().with_consecutive_errors(NonZeroU32::MAX));
    table.row("circuit_breaker, in a row", layer, 0).await;
    let all = breaker()
        .with_consecutive_errors(NonZeroU32::MAX)
        .with_error_ratio(Fraction::ALWAYS)
        .with_slow_ratio(Fraction::ALWAYS)
        .with_max_concurrency(NonZeroU32::MAX);
    let layer = CircuitBreakerLayer::new(all);
    table.row("circuit_breaker, all of it", layer, 0).await;
    let layer = ConcurrencyLimitLayer::new(ConcurrencyLimit::new(NonZeroU32::MAX));
    table.row("concurrency_limit", layer, 0).await;
    let layer = BodyLimitLayer::new(BodyLimit::new());
    table.row("body_limit, none", layer, 0).await;
    let limit = BodyLimit::new().with_request(1_000).with_response(1_000);
    let layer = BodyLimitLayer::new(limit);
    table.row("body_limit", layer, 0).await;
    Ok(())
}

async fn measure_answers(table: &mut Table) -> Result<(), BoxError> {
    let layer = DirectResponseLayer::new(Answer::new(404)?);
    table.row("direct_response", layer, 2).await;
    let layer = ErrorBodiesLayer::new(ErrorBodies::new());
    table.row("error_bodies, none", layer, 0).await;
    let body = |text| ErrorBody::new(ErrorStatuses::All, "text/html", text);
    let fixed = ErrorBodies::new().with_body(body("<p>%STATUS%")?);
    let layer = ErrorBodiesLayer::new(fixed);
    table.row("error_bodies, fixed", layer, 0).await;
    let path = ErrorBodies::new().with_body(body("<p>%STATUS% %PATH%")?);
    let layer = ErrorBodiesLayer::new(path);
    table.row("error_bodies, a variable", layer, 2).await;
    let layer = RequestIdLayer::new(RequestIds::new());
    table.row("request_id, made", layer.clone(), 6).await;
    let named = with_header(get()?, "x-request-id", "from-the-client")?;
    table.row_for("request_id, kept", layer, &named, 4).await;
    let values = HeaderValues::new()
        .set("x-client", "%CLIENT_IP%")?
        .set("x-path", "%PATH%")?;
    let layer = RequestHeaderValuesLayer::new(values.clone());
    table.row("header_values, request", layer, 6).await;
    let layer = ResponseHeaderValuesLayer::new(values);
    table.row("header_values, response", layer, 8).await;
    Ok(())
}

async fn measure_authentication(table: &mut Table) -> Result<(), BoxError> {
    let mut keys = ApiKeys::new().in_header("x-api-key")?;
    for number in 0..10 {
        keys = keys.with_key("acme", &format!("key {number}"))?;
    }
    let layer = ApiKeyLayer::new(keys);
    let right = with_header(get()?, "x-api-key", "key 7")?;
    table
        .row_for("api_key, 10 keys", layer.clone(), &right, 2)
        .await;
    table.row("api_key, none", layer, 4).await;
    let mut users = BasicAuth::new("shop")?;
    for number in 0..10 {
        users = users.with_user(&format!("user{number}"), Password::plain("secret"))?;
    }
    let layer = BasicAuthLayer::new(users);
    let right = with_header(get()?, "authorization", "Basic dXNlcjc6c2VjcmV0")?;
    table
        .row_for("basic_auth, 10 users", layer.clone(), &right, 3)
        .await;
    table.row("basic_auth, none", layer, 4).await;
    let layer = CsrfLayer::new(Csrf::new());
    table.row("csrf, safe", layer.clone(), 0).await;
    let mut post = with_header(get()?, "origin", "https://a.b")?;
    *post.method_mut() = Method::POST;
    table.row_for("csrf, same host", layer, &post, 0).await;
    Ok(())
}

/// A request as a gateway has it after routing.
fn get() -> Result<Request<Full<Bytes>>, BoxError> {
    let address = Ipv4Addr::new(192, 0, 2, 9).into();
    let request = Request::get("/api/cart?x=y")
        .header("host", "a.b")
        .header("accept", "*/*")
        .header("user-agent", "bench")
        .header("x-user", "ann")
        .extension(RouteContext::new().with_matched_prefix("/api"))
        .extension(PeerAddress(address))
        .extension(ClientAddress(address))
        .body(Full::new(Bytes::from_static(b"hello")))?;
    Ok(request)
}

fn with_header<B>(
    mut request: Request<B>,
    name: &'static str,
    value: &'static str,
) -> Result<Request<B>, BoxError> {
    request.headers_mut().insert(name, value.parse()?);
    Ok(request)
}
