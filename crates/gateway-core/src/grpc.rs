//! What a proxy has to know of gRPC over HTTP/2.
//!
//! Source: the gRPC protocol, "gRPC over HTTP2", and "HTTP to gRPC Status Code
//! Mapping".

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};

use crate::Body;
use crate::rescue::Failure;

/// Whether a request is a call: its client reads the status of the trailers, and not
/// that of HTTP.
pub(crate) fn is_call<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);

    request.version() == Version::HTTP_2
        && content_type.is_some_and(|value| is_grpc(value.as_bytes()))
}

/// `application/grpc`, with or without a format. gRPC-Web is something else.
fn is_grpc(content_type: &[u8]) -> bool {
    let name = b"application/grpc";
    let is_name = content_type
        .get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name));

    is_name
        && matches!(
            content_type.get(name.len()),
            None | Some(b'+' | b';' | b' ')
        )
}

/// How long the client of a call waits; nothing, if it does not say so.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(TIMEOUT)?.as_bytes();
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }

    let digits = digits.iter();
    let number = digits.fold(0, |sum: u64, digit| sum * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// A failure as the client of a call is told: a response without a body, whose head
/// has what the trailers would have.
pub(crate) fn answer(failure: Failure) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();

    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(STATUS, HeaderValue::from(code(failure)));
    headers.insert(MESSAGE, HeaderValue::from_static(failure.reason));
    response
}

/// The status of a failure, as gRPC counts them.
pub(crate) fn code(failure: Failure) -> u16 {
    const DEADLINE_EXCEEDED: u16 = 4;
    const UNKNOWN: u16 = 2;
    const UNIMPLEMENTED: u16 = 12;
    const INTERNAL: u16 = 13;
    const UNAVAILABLE: u16 = 14;

    if [Failure::REQUEST_TIMEOUT, Failure::BACKEND_REQUEST_TIMEOUT].contains(&failure) {
        return DEADLINE_EXCEEDED;
    }
    match failure.status {
        StatusCode::BAD_REQUEST | StatusCode::INTERNAL_SERVER_ERROR => INTERNAL,
        StatusCode::NOT_FOUND => UNIMPLEMENTED,
        StatusCode::MISDIRECTED_REQUEST
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

#[cfg(test)]
mod tests {
    use tower::ServiceExt;

    use super::*;
    use crate::RoutingService;

    fn call(content_type: &str, version: Version) -> bool {
        let request = Request::builder()
            .version(version)
            .header("content-type", content_type)
            .body(())
            .unwrap();
        is_call(&request)
    }

    #[test]
    fn calls_are_told_from_other_requests() {
        for content_type in [
            "application/grpc",
            "application/grpc+proto",
            "Application/GRPC;x=y",
        ] {
            assert!(call(content_type, Version::HTTP_2), "{content_type}");
            assert!(!call(content_type, Version::HTTP_11), "{content_type}");
        }
        for content_type in ["application/grpc-web", "application/grp", "text/plain", ""] {
            assert!(!call(content_type, Version::HTTP_2), "{content_type}");
        }
    }

    #[test]
    fn timeouts_have_a_number_and_a_unit() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT, HeaderValue::from_static(text));
            timeout(&headers)
        };

        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("0S"), Some(Duration::ZERO));
        assert_eq!(read("500m"), Some(Duration::from_millis(500)));
        assert_eq!(read("99999999u"), Some(Duration::from_micros(99_999_999)));
        assert_eq!(read("1n"), Some(Duration::from_nanos(1)));
        for text in ["", "S", "1", "1s", "-1S", "123456789S", "1 S", "1.5S"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn failures_have_the_status_that_clients_act_on() {
        assert_eq!(code(Failure::NO_ROUTE), 12);
        assert_eq!(code(Failure::REQUEST_TIMEOUT), 4);
        assert_eq!(code(Failure::BACKEND_REQUEST_TIMEOUT), 4);
        assert_eq!(code(Failure::CONNECT_TIMEOUT), 14);
        assert_eq!(code(Failure::CONNECT), 14);
        assert_eq!(code(Failure::NO_READY_ENDPOINT), 14);
        assert_eq!(code(Failure::INVALID_BACKEND), 13);
        assert!(Failure::all().all(|failure| code(failure) != 0));
    }

    #[tokio::test]
    async fn a_call_that_nobody_takes_is_not_implemented() {
        let ask = |content_type: &str| {
            let request = Request::builder()
                .version(Version::HTTP_2)
                .uri("/package.Service/Method")
                .header("host", "a.test")
                .header("content-type", content_type);
            let request = request.body(Body::empty()).unwrap();
            RoutingService::new().oneshot(request)
        };

        let Ok(call) = ask("application/grpc").await;
        let Ok(other) = ask("application/json").await;

        assert_eq!(call.status(), StatusCode::OK);
        assert_eq!(call.headers()[STATUS], "12");
        assert_eq!(other.status(), StatusCode::NOT_FOUND);
        assert!(!other.headers().contains_key(STATUS));
    }

    #[test]
    fn answer_is_trailers_only() {
        let response = answer(Failure::NO_ROUTE);

        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[STATUS], "12");
        assert_eq!(response.headers()[MESSAGE], "no_route");
        assert!(http_body::Body::is_end_stream(response.body()));
    }
}
