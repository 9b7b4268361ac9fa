//! Reads the heads of responses.
//!
//! What can be read in two ways is refused: two readers that disagree about where a
//! message ends are how one client's bytes become another client's.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use httparse::{Header, ParserConfig, Status};
use hyper::ext::ReasonPhrase;

use super::body::Length;
use super::fields::{Declared, has_option};
use crate::pool::error::InvalidResponse;

/// The head of a response, still in the buffer that it was read into.
#[derive(Debug)]
pub(super) struct Head<'a> {
    bytes: &'a [u8],
    fields: &'a [Header<'a>],
    reason: &'a str,
    declared: Declared,
    /// How many bytes it takes.
    pub(super) length: usize,
    pub(super) status: StatusCode,
    /// How its body ends.
    pub(super) body: Length,
    /// Whether the backend is willing to keep the connection.
    pub(super) persists: bool,
}

/// Room for the fields of a head, which nothing has to clear.
pub(super) type Room<'a> = [MaybeUninit<Header<'a>>; MAX_FIELDS];

/// An empty [`Room`].
pub(super) const fn room<'a>() -> Room<'a> {
    [const { MaybeUninit::uninit() }; MAX_FIELDS]
}

impl<'a> Head<'a> {
    /// Reads a head from the start of `bytes`; `None` if it is not complete yet.
    pub(super) fn parse(
        bytes: &'a [u8],
        room: &'a mut Room<'a>,
        answers_head: bool,
    ) -> Result<Option<Self>, InvalidHead> {
        // The parser would skip empty lines, but no response begins with one.
        if bytes.first().is_some_and(|first| *first != b'H') {
            return Err(httparse::Error::Version.into());
        }
        let mut parsed = httparse::Response::new(&mut []);
        let status =
            ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, room)?;
        let Status::Complete(length) = status else {
            return Ok(None);
        };
        refuse_bare_line_feeds(&bytes[..length])?;

        let status = StatusCode::from_u16(parsed.code.unwrap_or_default())
            .map_err(|_invalid| httparse::Error::Status)?;
        let is_old = parsed.version == Some(0);
        let mut head = Self {
            bytes,
            fields: parsed.headers,
            reason: parsed.reason.unwrap_or_default(),
            declared: Declared::Nothing,
            length,
            status,
            body: Length::Known(0),
            persists: false,
        };
        head.frame(is_old, answers_head)?;
        Ok(Some(head))
    }

    /// Decides how the body ends (RFC 9112 section 6.3) and whether the connection
    /// stays (section 9.3).
    fn frame(&mut self, is_old: bool, answers_head: bool) -> Result<(), InvalidResponse> {
        let mut declared = Declared::default();
        let mut codings = 0;
        let (mut wants_close, mut wants_keeping) = (false, false);
        for field in self.fields {
            // The length decides for almost every field.
            match field.name.len() {
                10 if field.name.eq_ignore_ascii_case("connection") => {
                    wants_close |= has_option(field.value, "close");
                    wants_keeping |= has_option(field.value, "keep-alive");
                }
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    declared.add(field.value);
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    codings += 1;
                    if codings > 1 || !field.value.eq_ignore_ascii_case(b"chunked") {
                        return Err(InvalidResponse::ForeignTransferCoding);
                    }
                }
                _ => {}
            }
        }

        let length = match (codings, declared) {
            (0, Declared::Nothing) => Length::UntilClose,
            (0, Declared::Length(length)) => Length::Known(length),
            (0, Declared::Nonsense) => return Err(InvalidResponse::NoLength),
            // HTTP/1.0 has no transfer codings.
            _ if is_old => return Err(InvalidResponse::ForeignTransferCoding),
            (_, Declared::Nothing) => Length::Chunked,
            _ => return Err(InvalidResponse::TwoLengths),
        };
        self.body = if answers_head || has_no_body(self.status) {
            Length::Known(0)
        } else {
            length
        };
        self.declared = declared;
        self.persists =
            !wants_close && (!is_old || wants_keeping) && !matches!(self.body, Length::UntilClose);
        Ok(())
    }

    /// Whether another head follows.
    pub(super) fn is_informational(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }

    /// Appends the fields to `headers`. Their values are slices of `message`, which
    /// begins as the head does.
    pub(super) fn fields(
        &self,
        message: &Bytes,
        headers: &mut HeaderMap,
    ) -> Result<(), InvalidHead> {
        headers.reserve(self.fields.len());
        let mut has_length = false;
        for field in self.fields {
            let name = HeaderName::from_bytes(field.name.as_bytes())
                .map_err(|_too_long| httparse::Error::HeaderName)?;
            let value = if name == CONTENT_LENGTH {
                if std::mem::replace(&mut has_length, true) {
                    // It says the same once more.
                    continue;
                }
                self.length_field(field.value, message)?
            } else {
                self.value(field.value, message)?
            };
            headers.append(name, value);
        }
        Ok(())
    }

    /// A list of equal lengths becomes that length (RFC 9110 section 8.6).
    fn length_field(&self, value: &[u8], message: &Bytes) -> Result<HeaderValue, InvalidHead> {
        match self.declared {
            Declared::Length(length) if value.contains(&b',') => Ok(HeaderValue::from(length)),
            _ => self.value(value, message),
        }
    }

    fn value(&self, value: &[u8], message: &Bytes) -> Result<HeaderValue, InvalidHead> {
        if value.is_empty() {
            return Ok(HeaderValue::from_static(""));
        }
        let start = value.as_ptr().addr() - self.bytes.as_ptr().addr();
        HeaderValue::from_maybe_shared(message.slice(start..start + value.len()))
            .map_err(|_invalid| httparse::Error::HeaderValue.into())
    }

    /// What the status line says besides the status, unless it is what everybody says.
    pub(super) fn reason(&self) -> Option<ReasonPhrase> {
        if self.reason.is_empty() || self.status.canonical_reason() == Some(self.reason) {
            return None;
        }
        ReasonPhrase::try_from(self.reason.as_bytes()).ok()
    }
}

/// Whether a status says by itself that no body follows.
fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

/// Reads a trailer section, which is complete.
pub(super) fn parse_fields(bytes: &[u8]) -> Result<HeaderMap, InvalidHead> {
    refuse_bare_line_feeds(bytes)?;
    let mut room = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let Status::Complete((length, fields)) = httparse::parse_headers(bytes, &mut room)? else {
        return Err(InvalidHead::Incomplete);
    };
    if length != bytes.len() {
        return Err(InvalidHead::Incomplete);
    }
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|_too_long| httparse::Error::HeaderName)?;
        let value = HeaderValue::from_bytes(field.value)
            .map_err(|_invalid| httparse::Error::HeaderValue)?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// The parser takes a line feed alone for the end of a line (RFC 9112 section 2.2).
fn refuse_bare_line_feeds(bytes: &[u8]) -> Result<(), InvalidResponse> {
    let is_bare = |at: usize| at == 0 || bytes[at - 1] != b'\r';
    if memchr::memchr_iter(b'\n', bytes).any(is_bare) {
        return Err(InvalidResponse::BareLineFeed);
    }
    Ok(())
}

/// Why bytes are not the head of a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidHead {
    #[error("not HTTP/1")]
    Malformed(#[source] httparse::Error),
    #[error("the fields end before their end")]
    Incomplete,
    #[error("the response is ambiguous")]
    Ambiguous(#[source] InvalidResponse),
}

impl From<httparse::Error> for InvalidHead {
    fn from(error: httparse::Error) -> Self {
        Self::Malformed(error)
    }
}

impl From<InvalidResponse> for InvalidHead {
    fn from(reason: InvalidResponse) -> Self {
        Self::Ambiguous(reason)
    }
}

/// How many fields a head or a trailer section may have.
const MAX_FIELDS: usize = 100;
