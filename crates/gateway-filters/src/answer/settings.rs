//! What the client is told.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::error::InvalidAnswer;

/// A status, headers and a body.
///
/// The status is a final one; a body and a status that forbids one do not meet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// An answer with this status, without headers or body.
    ///
    /// # Errors
    ///
    /// If `status` does not end an exchange, as 100 and 101.
    pub fn new(status: StatusCode) -> Result<Self, InvalidAnswer> {
        if status.is_informational() {
            return Err(InvalidAnswer::Interim { status });
        }
        Ok(Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        })
    }

    /// Replaces every value of the header `name`. There is none by default.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, `value` has a control character, or the header is about the
    /// message rather than what it says, as `Content-Length`.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, InvalidAnswer> {
        let name = parse_name(name)?;
        let value = parse_value(&name, value)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Adds a value of the header `name`, on a line of its own.
    ///
    /// # Errors
    ///
    /// As [`with_header`](Self::with_header).
    pub fn with_another_header(mut self, name: &str, value: &str) -> Result<Self, InvalidAnswer> {
        let name = parse_name(name)?;
        let value = parse_value(&name, value)?;
        self.headers.append(name, value);
        Ok(self)
    }

    /// Sets the body, and no `Content-Type`. It is empty by default.
    ///
    /// # Errors
    ///
    /// If `body` is not empty, but the status is one that has none: 204, 205 or 304.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Result<Self, InvalidAnswer> {
        let body = body.into();
        if !body.is_empty() && is_bodiless(self.status) {
            return Err(InvalidAnswer::NoBody {
                status: self.status,
            });
        }
        self.body = body;
        Ok(self)
    }

    /// Sets the body to a text, and says so in `Content-Type`.
    ///
    /// # Errors
    ///
    /// As [`with_body`](Self::with_body).
    pub fn with_text(self, text: &str) -> Result<Self, InvalidAnswer> {
        let mut answer = self.with_body(Bytes::copy_from_slice(text.as_bytes()))?;
        answer.headers.insert(CONTENT_TYPE, TEXT);
        Ok(answer)
    }

    /// An error with a text. Not for statuses that have no body.
    pub(crate) fn text(status: StatusCode, text: &'static str) -> Self {
        Self {
            status,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, TEXT)]),
            body: Bytes::from_static(text.as_bytes()),
        }
    }

    /// The same with one more header, for filters that say more than their settings do.
    pub(crate) fn and_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the response, but for its length.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body of the response.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The response itself, marked as [`AnsweredHere`].
    #[must_use]
    pub fn response<B: From<Bytes>>(&self) -> Response<B> {
        let mut response = Response::new(B::from(self.body.clone()));
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        response.extensions_mut().insert(AnsweredHere);
        response
    }
}

/// An extension of responses that a filter made, rather than a backend.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AnsweredHere;

/// Whether a response with this status ends with its head.
pub(crate) fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational()
        || matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        )
}

fn parse_name(name: &str) -> Result<HeaderName, InvalidAnswer> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| InvalidAnswer::Name {
        name: name.to_owned(),
    })?;
    if FRAMING.contains(&name) {
        return Err(InvalidAnswer::Framing { name });
    }
    Ok(name)
}

fn parse_value(name: &HeaderName, value: &str) -> Result<HeaderValue, InvalidAnswer> {
    HeaderValue::from_str(value).map_err(|_| InvalidAnswer::Value { name: name.clone() })
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

const FRAMING: [HeaderName; 5] = [
    CONNECTION,
    CONTENT_LENGTH,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
