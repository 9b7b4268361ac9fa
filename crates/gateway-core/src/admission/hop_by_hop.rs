//! Fields that concern one connection only (RFC 9110, section 7.6.1).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode, Version};

use super::Refused;
use super::extended_connect::ExtendedConnect;

/// The protocol a request asks to switch to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Upgrade {
    /// As its `Upgrade` field says.
    protocols: HeaderValue,
    /// Whether the client asked with an extended CONNECT.
    extended: bool,
}

impl Upgrade {
    /// Whether `response` switches to protocols of those that were offered.
    pub(crate) fn is_answered_by(&self, response: &HeaderMap) -> bool {
        let mut answer = response
            .get_all(header::UPGRADE)
            .iter()
            .flat_map(protocols)
            .peekable();

        answer.peek().is_some()
            && answer.all(|chosen| {
                protocols(&self.protocols).any(|offered| offered.eq_ignore_ascii_case(chosen))
            })
    }

    /// Whether the client asked as HTTP/2 does, and is answered so.
    pub(crate) fn is_extended(&self) -> bool {
        self.extended
    }
}

/// Removes connection fields from a request and says what it wants to become.
///
/// The two fields of an upgrade are put back for the backend to see; a request
/// for `h2c`, which would tunnel past routing, goes on as an ordinary one.
pub(super) fn strip_request<B>(request: &mut Request<B>) -> Result<Option<Upgrade>, Refused> {
    let upgrade = asked_upgrade(request)?;
    let wants_trailers = wants_trailers(request.headers());
    check_nominated(request.headers())?;
    strip(request.headers_mut());

    let headers = request.headers_mut();
    if wants_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if let Some(Upgrade { protocols, .. }) = &upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocols.clone());
    }
    Ok(upgrade)
}

/// Makes a switch of protocols what HTTP/2 answers instead (RFC 8441, section 5).
pub(crate) fn extend<B>(response: &mut Response<B>) {
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    strip_response(headers);
    headers.remove(header::SEC_WEBSOCKET_ACCEPT);
    headers.remove(header::CONTENT_LENGTH);
}

/// Removes connection fields from a response.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    if headers.keys().any(is_connection_field) {
        strip(headers);
    }
}

fn strip(headers: &mut HeaderMap) {
    for name in nominated(headers) {
        headers.remove(name);
    }
    // Seldom more than one, which it is cheaper to find than to guess.
    while let Some(name) = headers
        .keys()
        .find(|name| is_connection_field(name))
        .cloned()
    {
        headers.remove(name);
    }
}

/// The fields that `Connection` names, apart from those that go anyway.
fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let goes_anyway = |option: &[u8]| {
        KNOWN_OPTIONS
            .iter()
            .any(|known| option.eq_ignore_ascii_case(known.as_bytes()))
    };

    options(headers)
        .filter(|option| !goes_anyway(option))
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .collect()
}

fn options(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.is_empty())
}

/// A client must not make us drop what we rely on or write ourselves.
fn check_nominated(headers: &HeaderMap) -> Result<(), Refused> {
    let must_stay = |option: &[u8]| {
        PROTECTED
            .iter()
            .any(|name| option.eq_ignore_ascii_case(name.as_bytes()))
            || option
                .get(..12)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"x-forwarded-"))
            || option.starts_with(b":")
    };

    if options(headers).any(must_stay) {
        Err(Refused::Connection)
    } else {
        Ok(())
    }
}

fn asked_upgrade<B>(request: &Request<B>) -> Result<Option<Upgrade>, Refused> {
    let headers = request.headers();
    let Some(protocol) = headers.get(header::UPGRADE) else {
        return Ok(None);
    };
    let asked = options(headers).any(|option| option.eq_ignore_ascii_case(b"upgrade"));
    let h2c = protocols(protocol).any(|name| name.eq_ignore_ascii_case(b"h2c"));
    let extended = request.extensions().get::<ExtendedConnect>().is_some();

    if !asked || h2c || !(extended || request.version() == Version::HTTP_11) {
        return Ok(None);
    }
    let has_length = headers
        .get(header::CONTENT_LENGTH)
        .is_some_and(|length| length != "0");
    if has_length || headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Refused::Upgrade);
    }
    Ok(Some(Upgrade {
        protocols: protocol.clone(),
        extended,
    }))
}

fn protocols(field: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let names = field.as_bytes().split(|byte| *byte == b',');
    names
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty())
}

fn wants_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(header::TE).iter().any(|line| {
        line.as_bytes()
            .split(|byte| *byte == b',')
            .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    })
}

/// `Trailer` is not one of them: it tells hyper which trailers to pass on.
pub(super) fn is_connection_field(name: &HeaderName) -> bool {
    // The length decides for almost every other field.
    match name.as_str().len() {
        2 => *name == header::TE,
        7 => *name == header::UPGRADE,
        10 => *name == header::CONNECTION || name.as_str() == "keep-alive",
        14 => name.as_str() == "http2-settings",
        16 => name.as_str() == "proxy-connection",
        17 => *name == header::TRANSFER_ENCODING,
        18 => *name == header::PROXY_AUTHENTICATE,
        19 => *name == header::PROXY_AUTHORIZATION,
        _ => false,
    }
}

/// Options that are no fields, or fields that are removed whether named or not.
const KNOWN_OPTIONS: [&str; 4] = ["keep-alive", "close", "upgrade", "te"];

const PROTECTED: [&str; 7] = [
    "host",
    "content-length",
    "transfer-encoding",
    "authorization",
    "cookie",
    "content-type",
    "trailer",
];
