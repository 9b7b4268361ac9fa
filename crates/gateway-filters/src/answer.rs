//! An answer that a layer gives by itself.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::framing::is_framing;

/// What a client is told by a layer that does not ask the service inside.
///
/// It is checked when it is built, so that giving it cannot fail. It has no header and no body
/// by default.
///
/// ```
/// use bytes::Bytes;
/// use gateway_filters::Answer;
///
/// let answer = Answer::new(429)?.with_header("x-why", "too fast")?.with_text("slow down");
/// let response = answer.to_response::<Bytes>();
///
/// assert_eq!(response.status(), 429);
/// assert_eq!(response.headers()["x-why"], "too fast");
/// assert_eq!(response.body(), "slow down");
/// # Ok::<(), gateway_filters::InvalidAnswer>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    status: StatusCode,
    headers: Arc<HeaderMap>,
    body: Bytes,
}

impl Answer {
    /// An empty answer with this status.
    ///
    /// # Errors
    ///
    /// If `status` is not between 200 and 599: what is below would not be the last answer, and
    /// HTTP defines nothing above.
    pub fn new(status: u16) -> Result<Self, InvalidAnswer> {
        match StatusCode::from_u16(status) {
            Ok(code) if (200..600).contains(&status) => Ok(Self::of(code)),
            _ => Err(InvalidAnswer::Status { status }),
        }
    }

    /// The failure of a gRPC call: status 200, with `grpc-status` and, unless it is empty,
    /// `grpc-message` in the headers.
    ///
    /// The message may be any text. The codes that gRPC defines end at 16; others are sent as
    /// they are, and clients take them for `UNKNOWN`.
    #[must_use]
    pub fn grpc(code: u32, message: &str) -> Self {
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, HeaderValue::from(code));
        let message = utf8_percent_encode(message, GRPC_ESCAPED).to_string();
        if !message.is_empty()
            && let Ok(message) = HeaderValue::try_from(message)
        {
            headers.insert(GRPC_MESSAGE, message);
        }
        Self {
            headers: Arc::new(headers),
            ..Self::of(StatusCode::OK)
        }
    }

    /// Adds a header, after others of the same name.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, `value` has a control character, or the header is about the
    /// message rather than what it says, as `Content-Length`.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, InvalidAnswer> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| InvalidAnswer::Name {
            name: name.to_owned(),
        })?;
        if is_framing(&name) {
            return Err(InvalidAnswer::Framing { name });
        }
        let Ok(value) = HeaderValue::from_str(value) else {
            return Err(InvalidAnswer::Value { name });
        };
        Arc::make_mut(&mut self.headers).append(name, value);
        Ok(self)
    }

    /// Has `text` as its body, and says that it is plain text if no `content-type` was given.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.body = Bytes::from(text.into());
        if !self.body.is_empty() && !self.headers.contains_key(CONTENT_TYPE) {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            Arc::make_mut(&mut self.headers).insert(CONTENT_TYPE, plain);
        }
        self
    }

    /// Has `body` as its body. What it is, a header may say.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The answer as a response, marked as [`AnsweredHere`].
    ///
    /// The bytes of the body are shared, not copied. There are none with a status that has no
    /// body: 204, 205 and 304.
    #[must_use]
    pub fn to_response<B: From<Bytes>>(&self) -> Response<B> {
        let bodiless = matches!(
            self.status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        );
        let body = if bodiless {
            Bytes::new()
        } else {
            self.body.clone()
        };
        let mut response = Response::new(B::from(body));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(AnsweredHere);
        if !self.headers.is_empty() {
            *response.headers_mut() = HeaderMap::clone(&self.headers);
        }
        response
    }

    /// An error with a text.
    pub(crate) fn text(status: StatusCode, text: &'static str) -> Self {
        Self::of(status).with_text(text)
    }

    /// The same with one more header, for filters that say more than their settings do.
    pub(crate) fn and_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        Arc::make_mut(&mut self.headers).append(name, value);
        self
    }

    pub(crate) fn of(status: StatusCode) -> Self {
        Self {
            status,
            headers: Arc::default(),
            body: Bytes::new(),
        }
    }
}

/// An extension of responses that a layer made, rather than the service inside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AnsweredHere;

/// An answer that HTTP cannot carry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAnswer {
    /// The status is not that of a last answer.
    #[error("{status} is not a status between 200 and 599")]
    Status {
        /// As it was written.
        status: u16,
    },
    /// The name is not a token.
    #[error("{name:?} is not a header name")]
    Name {
        /// As it was written.
        name: String,
    },
    /// The value has a byte that HTTP forbids.
    #[error("the value of {name} has a forbidden byte")]
    Value {
        /// Whose value it is.
        name: HeaderName,
    },
    /// The header says how long the message is or how it is sent, which only the server knows.
    #[error("{name} is not for a configuration to set")]
    Framing {
        /// As it was written.
        name: HeaderName,
    },
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// What gRPC's protocol over HTTP/2 has escaped in a message, besides what is not ASCII.
const GRPC_ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::framing::SENDERS;

    #[test]
    fn empty_answer_has_nothing_but_a_status() {
        let response = Answer::new(404).expect("valid").to_response::<Bytes>();

        assert_eq!(response.status(), 404);
        assert!(response.headers().is_empty());
        assert!(response.body().is_empty());
    }

    #[test]
    fn text_is_said_to_be_text_unless_it_was_said_to_be_more() {
        let answer = Answer::new(403).expect("valid");
        let json = answer
            .clone()
            .with_header("content-type", "application/json");

        let plain = answer.with_text("no");
        let json = json.expect("valid").with_text("{}");

        assert_eq!(plain.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(json.headers()[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn grpc_failure_is_in_the_headers() {
        let response = Answer::grpc(14, "50 % off: späť").to_response::<Bytes>();

        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/grpc");
        assert_eq!(response.headers()["grpc-status"], "14");
        assert_eq!(
            response.headers()["grpc-message"],
            "50 %25 off: sp%C3%A4%C5%A5"
        );
    }

    #[test]
    fn what_http_cannot_carry_is_refused() {
        let answer = Answer::new(200).expect("valid");

        for status in [0, 100, 199, 600, 1000] {
            assert_eq!(Answer::new(status), Err(InvalidAnswer::Status { status }));
        }
        assert!(answer.clone().with_header(":path", "/").is_err());
        assert!(answer.with_header("x-a", "a\nb").is_err());
    }

    #[test]
    fn framing_is_not_for_the_configuration() {
        for name in SENDERS.into_iter().filter(|name| *name != "host") {
            let refused = Answer::new(200).expect("valid").with_header(name, "5");

            assert!(
                matches!(refused, Err(InvalidAnswer::Framing { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn status_without_body_has_none() {
        for status in [204, 205, 304] {
            let answer = Answer::new(status).expect("valid").with_text("hello");

            assert!(answer.to_response::<Bytes>().body().is_empty());
        }
    }

    #[test]
    fn response_is_marked_as_made_here() {
        let response = Answer::new(503).expect("valid").to_response::<Bytes>();

        assert_eq!(response.extensions().get(), Some(&AnsweredHere));
    }

    proptest! {
        /// Any message of any length can be sent, and is read back as it was.
        #[test]
        fn any_grpc_message_is_carried(code: u32, message in "\\PC+|[\\x00-\\x7f]+") {
            let answer = Answer::grpc(code, &message);

            let sent = answer.headers()["grpc-message"].to_str().expect("ASCII");
            let read = percent_encoding::percent_decode_str(sent).decode_utf8();
            prop_assert_eq!(read.expect("as sent"), message);
        }
    }
}
