//! Which errors get which body, and what it says.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::accept::quality;
use super::escape::Syntax;
use super::*;
use crate::answer::AnsweredHere;
use crate::script::assert_thread_safe;

fn body(statuses: ErrorStatuses, content_type: &str, text: &str) -> ErrorBody {
    ErrorBody::new(statuses, content_type, text).expect("valid")
}

fn bodies() -> ErrorBodies {
    let not_found = ErrorStatuses::Exactly(StatusCode::NOT_FOUND);
    ErrorBodies::new()
        .with_body(body(ErrorStatuses::All, "text/plain", "any %STATUS%"))
        .with_body(body(ErrorStatuses::Server, "text/html", "<p>%REASON%</p>"))
        .with_body(body(
            ErrorStatuses::Server,
            "application/json",
            "{\"path\":\"%PATH%\"}",
        ))
        .with_body(body(not_found, "text/plain; charset=utf-8", "no %PATH%"))
}

fn response(status: u16) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/old")
        .header("content-length", "3")
        .header("etag", "\"old\"")
        .header("x-kept", "kept")
        .extension(AnsweredHere);
    response.body(Full::from("old")).expect("valid")
}

async fn sent(
    bodies: ErrorBodies,
    request: Request<()>,
    response: Response<Full<Bytes>>,
) -> (Response<()>, String) {
    let inner =
        service_fn(move |_: Request<()>| std::future::ready(Ok::<_, BoxError>(response.clone())));
    let response = ErrorBodiesLayer::new(bodies).layer(inner).oneshot(request);
    let (head, body) = response.await.expect("answered").into_parts();
    let text = body.collect().await.expect("no error").to_bytes();
    let text = String::from_utf8(text.to_vec()).expect("text");
    (Response::from_parts(head, ()), text)
}

async fn text(accept: &str, status: u16) -> String {
    let request = Request::get("/cart").header("accept", accept).body(());
    sent(bodies(), request.expect("valid"), response(status))
        .await
        .1
}

#[tokio::test]
async fn most_particular_body_counts() {
    assert_eq!(text("*/*", 404).await, "no /cart");
    assert_eq!(text("*/*", 403).await, "any 403");
    assert_eq!(text("*/*", 500).await, "<p>Internal Server Error</p>");
    assert_eq!(text("*/*", 200).await, "old");
    assert_eq!(text("*/*", 302).await, "old");
}

#[tokio::test]
async fn client_chooses_among_those() {
    assert_eq!(text("application/json", 502).await, "{\"path\":\"/cart\"}");
    assert_eq!(
        text("text/html;q=0.5, application/*", 502).await,
        "{\"path\":\"/cart\"}"
    );
    assert_eq!(
        text("text/html, application/json", 502).await,
        "<p>Bad Gateway</p>"
    );
    // It accepts none, or not for this status.
    assert_eq!(text("image/png", 502).await, "<p>Bad Gateway</p>");
    assert_eq!(text("", 502).await, "<p>Bad Gateway</p>");
    assert_eq!(text("text/plain", 502).await, "<p>Bad Gateway</p>");
}

#[tokio::test]
async fn headers_about_the_old_body_go() {
    let (head, text) = sent(bodies(), Request::new(()), response(404)).await;

    assert_eq!(text, "no /");
    assert_eq!(head.status(), 404);
    assert_eq!(head.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(head.headers()["x-kept"], "kept");
    assert_eq!(head.headers().len(), 2);
}

#[tokio::test]
async fn errors_of_backends_are_left_alone_unless_told() {
    let mut upstream = response(404);
    upstream.extensions_mut().clear();
    let all = bodies().with_upstream_errors(true);

    let (_, left) = sent(bodies(), Request::new(()), upstream.clone()).await;
    let (_, replaced) = sent(all, Request::new(()), upstream).await;

    assert_eq!((left.as_str(), replaced.as_str()), ("old", "no /"));
}

#[tokio::test]
async fn grpc_and_tunnels_are_left_alone() {
    let grpc = Request::post("/").header("content-type", "application/grpc");
    let upgrade = Request::get("/").header("connection", "upgrade");

    for request in [grpc, upgrade] {
        let request = request.body(()).expect("valid");
        assert_eq!(sent(bodies(), request, response(503)).await.1, "old");
    }
}

#[test]
fn nothing_is_remembered_that_is_not_asked_for() {
    let fixed = ErrorBodies::new().with_body(body(ErrorStatuses::All, "text/plain", "%STATUS%"));
    let remembered = fixed.remember(&Request::new(())).expect("to be looked at");

    assert_eq!(
        format!("{remembered:?}"),
        "Remembered { accept: \"\", values: [] }"
    );
    assert_eq!(ErrorBodies::new().remember(&Request::new(())), None);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    for content_type in [
        "",
        "text",
        "text/",
        "/html",
        "text/*",
        "te xt/html",
        "text/html\n",
    ] {
        let refused = ErrorBody::new(ErrorStatuses::All, content_type, "");
        let expected = content_type != "text/html\n";
        assert_eq!(refused.is_err(), expected, "{content_type:?}");
    }
    assert!(ErrorBody::new(ErrorStatuses::Exactly(StatusCode::OK), "text/plain", "").is_err());
    assert!(ErrorBody::new(ErrorStatuses::All, "text/plain", "%NAME%").is_err());
}

#[test]
fn weights_are_those_of_the_most_particular_range() {
    let table = [
        ("text/html", 1_000),
        ("TEXT/HTML;level=1;q=0.7", 700),
        ("text/*;q=0.3, */*;q=0.9", 300),
        ("*/*;q=0.9, text/html;q=0", 0),
        ("*/*", 1_000),
        ("text/plain", 0),
        ("text/html;q=2", 0),
        ("text/html;q=x", 0),
        ("", 0),
    ];

    for (accept, expected) in table {
        assert_eq!(quality(accept, ("text", "html")), expected, "{accept}");
    }
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<ErrorBodiesLayer>();
    assert_thread_safe::<ErrorBodiesService<()>>();
    assert_thread_safe::<ResponseFuture<std::future::Ready<()>>>();
}

#[test]
fn values_are_written_as_the_media_type_is_read() {
    for (subtype, syntax) in [
        ("json", Syntax::Json),
        ("problem+json", Syntax::Json),
        ("x-ndjson", Syntax::Json),
        ("javascript", Syntax::Json),
        ("ecmascript", Syntax::Json),
        ("html", Syntax::Markup),
        ("xhtml+xml", Syntax::Markup),
        ("svg+xml", Syntax::Markup),
        ("xml-external-parsed-entity", Syntax::Markup),
        ("xsl", Syntax::Markup),
        ("plain", Syntax::Plain),
        ("markdown", Syntax::Plain),
    ] {
        assert_eq!(Syntax::of(subtype), syntax, "{subtype}");
    }
}

fn escaped(syntax: Syntax, value: &str) -> String {
    let mut text = Vec::new();
    syntax.write(value.as_bytes(), &mut text);
    String::from_utf8(text).expect("text")
}

proptest! {
    /// Nothing in a value can end the text, the string or the tag that it stands in.
    #[test]
    fn values_stay_values(value in "\\PC*|[\\x00-\\x7f]*") {
        let markup = escaped(Syntax::Markup, &value);
        prop_assert!(!markup.contains(['<', '>', '"', '\'']));

        let json = escaped(Syntax::Json, &value);
        let mut rest = json.chars();
        while let Some(character) = rest.next() {
            prop_assert!(!character.is_control() && !"\"'`<>".contains(character));
            if character == '\\' {
                prop_assert!(matches!(rest.next(), Some('"' | '\\' | 'u')));
            }
        }

        prop_assert!(!escaped(Syntax::Plain, &value).contains(char::is_control));
    }
}
