//! Where messages begin and end on an HTTP/1 connection.
//!
//! A connection that two sides count differently is how one client's bytes become
//! another client's request, so nothing that could be read in two ways goes through.

use http::header::{
    CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Request, Response, Version};
use http_body::Body;

use super::error::{InvalidRequest, InvalidResponse};

/// Makes the head of an HTTP/1 request say what its body is.
///
/// What the caller left in `transfer-encoding` is dropped: that field belongs to the
/// connection that the request came from.
pub(super) fn frame_request<B: Body>(request: &mut Request<B>) -> Result<(), InvalidRequest> {
    if request.method() == Method::CONNECT {
        return Err(InvalidRequest::Connect);
    }
    *request.version_mut() = Version::HTTP_11;
    let length = length_of(request.body());
    let headers = request.headers_mut();
    if has(headers, &TRANSFER_ENCODING) {
        headers.remove(TRANSFER_ENCODING);
    }

    match length {
        Some(length) if has(headers, &CONTENT_LENGTH) => {
            // The codec writes the field as it stands, whatever the body says.
            if declared_length(headers) != Some(length) {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
        }
        // The codec adds the field to a body that is not empty.
        Some(_) => {}
        None => {
            if !headers.contains_key(CONTENT_LENGTH) {
                // Otherwise the codec takes GET and HEAD to have no body and loses it.
                headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
        }
    }
    Ok(())
}

/// Whether the request asks for a switch of protocols.
pub(super) fn asks_for_upgrade<B>(request: &Request<B>) -> bool {
    has(request.headers(), &UPGRADE)
}

/// Refuses responses whose end is a matter of opinion (RFC 9112 section 6.3).
///
/// Content lengths that differ, and transfer codings in HTTP/1.0, never come so far.
pub(super) fn check_response<B>(response: &Response<B>) -> Result<(), InvalidResponse> {
    let headers = response.headers();
    if !has(headers, &TRANSFER_ENCODING) {
        return Ok(());
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Err(InvalidResponse::ForeignTransferCoding);
    }
    if headers.contains_key(CONTENT_LENGTH) {
        return Err(InvalidResponse::TwoLengths);
    }
    Ok(())
}

/// Whether there is such a field. Comparing the few names of a head costs less than
/// hashing one.
fn has(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.keys().any(|field| field == name)
}

fn length_of<B: Body>(body: &B) -> Option<u64> {
    if body.is_end_stream() {
        return Some(0);
    }
    body.size_hint().exact()
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next()?;
    if lengths.next().is_some() {
        return None;
    }
    // `parse` would accept a sign.
    let digits = length.to_str().ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}
