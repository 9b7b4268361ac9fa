//! How long an API server that is busy wants to be left alone.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use http_body_util::{Either, Full};
use kube::core::Status;
use kube::core::response::StatusDetails;

/// Puts what the header of an answer says about when to come back into its body,
/// where the client looks.
///
/// An API server that limits requests by priority answers in plain text, and says
/// so in nothing but the header.
pub(super) fn keep_retry_after<B>(answer: Response<B>) -> Response<Either<Full<Bytes>, B>> {
    let status = answer.status();
    let is_busy = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)
        .filter(|_| is_busy)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let (parts, body) = answer.into_parts();
    let body = match seconds.map(|seconds| busy(status, seconds)) {
        Some(Ok(text)) => Either::Left(Full::from(text)),
        Some(Err(_)) | None => Either::Right(body),
    };
    Response::from_parts(parts, body)
}

fn busy(code: StatusCode, seconds: u32) -> serde_json::Result<Vec<u8>> {
    let details = StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: seconds,
    };
    let message = format!("is busy, and asks to be left alone for {seconds} s");
    let reason = code.canonical_reason().unwrap_or_default();
    let status = Status::failure(&message, reason)
        .with_code(code.as_u16())
        .with_details(details);
    serde_json::to_vec(&status)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn read(answer: Response<&'static str>) -> String {
        let answer = answer.map(|text| Full::new(Bytes::from(text)));
        let body = keep_retry_after(answer).into_body().collect().await;
        let bytes = body.expect("can be read").to_bytes();
        String::from_utf8(bytes.to_vec()).expect("is a text")
    }

    #[tokio::test]
    async fn what_the_header_says_is_in_the_status() {
        let mut answer = Response::new("Too many requests, please try again later.");
        *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        answer.headers_mut().insert(RETRY_AFTER, 17.into());

        let status: Status = serde_json::from_str(&read(answer).await).expect("is a status");

        assert_eq!(status.code, 429);
        assert_eq!(
            status.details.map(|details| details.retry_after_seconds),
            Some(17)
        );
    }

    #[tokio::test]
    async fn other_answers_are_left_as_they_are() {
        let mut answer = Response::new("text");
        answer.headers_mut().insert(RETRY_AFTER, 17.into());

        assert_eq!(read(answer).await, "text");
    }
}
