//! What is compressed, what is not, and that it can be read again.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use proptest::collection::vec;
use proptest::prelude::*;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_http::decompression::Decompression;

use super::*;
use crate::script::{assert_thread_safe, run};

const TEXT: &str = "all work and no play makes a long response. ";

fn page() -> http::response::Builder {
    Response::builder()
        .header("content-type", "text/html; charset=utf-8")
        .header("etag", "\"7\"")
        .header("accept-ranges", "bytes")
}

async fn ask(
    compression: Compression,
    accept: &str,
    response: http::response::Builder,
    text: String,
) -> Response<Bytes> {
    let response = response.body(Full::<Bytes>::from(text)).expect("valid");
    let backend =
        service_fn(move |_: Request<()>| std::future::ready(Ok::<_, BoxError>(response.clone())));
    let request = Request::get("/").header("accept-encoding", accept).body(());
    let service = CompressionLayer::new(compression).layer(backend);
    let response = service
        .oneshot(request.expect("valid"))
        .await
        .expect("answered");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("no error").to_bytes();
    Response::from_parts(head, body)
}

#[tokio::test]
async fn coding_is_the_clients_choice() {
    let table = [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("zstd", Some("zstd")),
        ("gzip, br, zstd", Some("zstd")),
        ("gzip;q=1, br;q=0.5", Some("gzip")),
        ("deflate", None),
        ("identity", None),
        ("gzip;q=0", None),
    ];

    for (accept, expected) in table {
        let response = ask(Compression::new(), accept, page(), TEXT.repeat(50)).await;

        let coding = response.headers().get("content-encoding");
        assert_eq!(
            coding.and_then(|value| value.to_str().ok()),
            expected,
            "{accept}"
        );
        assert_eq!(response.headers()["vary"], "accept-encoding");
    }
}

#[tokio::test]
async fn client_that_accepts_nothing_is_told_so_of_what_could_be_compressed() {
    let grpc = Response::builder().header("content-type", "application/grpc");
    let coded = page().header("content-encoding", "gzip");
    let part = page().status(206).header("content-range", "bytes 0-9/99");
    for (accept, response, text, expected) in [
        ("*;q=0", page(), TEXT.repeat(50), 406),
        ("identity;q=0", page(), TEXT.repeat(50), 406),
        ("*;q=0", page(), TEXT.to_owned(), 200),
        ("identity; q=0.000", page(), TEXT.to_owned(), 200),
        ("*;q=0", page().status(304), String::new(), 304),
        ("*;q=0", page().status(101), String::new(), 101),
        ("*;q=0", grpc, TEXT.repeat(50), 200),
        ("*;q=0", coded, TEXT.repeat(50), 200),
        ("*;q=0", part, TEXT.repeat(50), 206),
    ] {
        let response = ask(Compression::new(), accept, response, text).await;

        assert_eq!(response.status(), expected, "{accept} {response:?}");
    }
}

#[tokio::test]
async fn what_is_compressed_is_another_representation() {
    let response = ask(Compression::new(), "gzip", page(), TEXT.repeat(50)).await;

    assert_eq!(response.headers()["etag"], "W/\"7\"");
    assert!(!response.headers().contains_key("accept-ranges"));
    assert!(response.body().len() < TEXT.len() * 10);

    let plain = ask(Compression::new(), "identity", page(), TEXT.repeat(50)).await;
    assert_eq!(plain.headers()["etag"], "\"7\"");
    assert_eq!(plain.headers()["accept-ranges"], "bytes");
}

#[tokio::test]
async fn weak_etag_stays_as_it_is() {
    let page = Response::builder()
        .header("content-type", "text/html")
        .header("etag", "W/\"7\"");

    let response = ask(Compression::new(), "gzip", page, TEXT.repeat(50)).await;

    assert_eq!(response.headers()["etag"], "W/\"7\"");
}

#[tokio::test]
async fn some_responses_are_left_alone() {
    let json = Response::builder().header("content-type", "application/json");
    let table = [
        ("coded", page().header("content-encoding", "br"), 50),
        ("part", page().header("content-range", "bytes 0-9/99"), 50),
        (
            "fixed",
            page().header("cache-control", "public, No-Transform"),
            50,
        ),
        ("short", page(), 10),
        (
            "image",
            Response::builder().header("content-type", "image/png"),
            50,
        ),
        (
            "events",
            Response::builder().header("content-type", "text/event-stream"),
            50,
        ),
        (
            "gRPC",
            Response::builder().header("content-type", "application/grpc"),
            50,
        ),
        ("unknown", Response::builder(), 50),
        ("empty", json, 0),
    ];

    for (what, response, times) in table {
        let text = TEXT.repeat(times);
        let expected = response.headers_ref().expect("valid").clone();

        let response = ask(Compression::new(), "gzip, br", response, text.clone()).await;

        assert_eq!(response.body(), text.as_str(), "{what}");
        assert_eq!(*response.headers(), expected, "{what}");
    }
}

#[tokio::test]
async fn settings_are_obeyed() {
    let compression = Compression::new()
        .with_codings([Coding::Brotli])
        .and_then(|compression| compression.with_content_types(["image/*", "*/*+json"]))
        .expect("valid")
        .with_min_size(1)
        .with_level(CompressionLevel::Fastest);
    let typed = |name: &str| Response::builder().header("content-type", name);

    for (name, accept, expected) in [
        ("image/png", "gzip, br", true),
        ("application/problem+json", "br", true),
        ("image/png", "gzip", false),
        ("text/html", "br", false),
    ] {
        let response = ask(compression.clone(), accept, typed(name), TEXT.into()).await;

        let coded = response.headers().contains_key("content-encoding");
        assert_eq!(coded, expected, "{name} for {accept}");
    }
}

#[test]
fn odd_settings_are_refused() {
    assert_eq!(
        Compression::new().with_codings([]),
        Err(InvalidCompression::NoCoding)
    );
    for pattern in [
        "",
        "text",
        "*/*",
        "*/json",
        "text/",
        "/html",
        "te xt/html",
        "*/*+",
        "a/b*",
    ] {
        let refused = Compression::new().with_content_types([pattern]);
        assert!(refused.is_err(), "{pattern}");
    }
    // None of the defaults is lost.
    assert_eq!(Compression::new().types.len(), 20);
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<CompressionLayer>();
    assert_thread_safe::<CompressionService<()>>();
    assert_thread_safe::<ResponseFuture<std::future::Ready<()>>>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the body and the coding, what the client reads is what the backend sent.
    #[test]
    fn client_reads_what_was_sent(body in vec(any::<u8>(), 1..4_000), coding in 0..3_usize) {
        let sent = body.clone();
        let backend = service_fn(move |_: Request<()>| {
            let body = Full::<Bytes>::from(sent.clone());
            let response = Response::builder().header("content-type", "text/plain").body(body);
            std::future::ready(response.map_err(BoxError::from))
        });
        let compression = Compression::new().with_min_size(0);
        let service = Decompression::new(CompressionLayer::new(compression).layer(backend));
        let request = Request::get("/").header("accept-encoding", ["gzip", "br", "zstd"][coding]);

        let read = run(async {
            let response = service.oneshot(request.body(()).expect("valid")).await?;
            response.into_body().collect().await
        });

        prop_assert_eq!(read.expect("no error").to_bytes(), body);
    }
}
