//! What a request must be before it is routed, and what is taken off and put on
//! before it is forwarded.
//!
//! hyper guarantees message boundaries. What it leaves to a proxy is done here,
//! once, so that routing, filters, logs and the backend all see the same request:
//! one authority, one normal form of the path, no field that concerns only one
//! connection.

mod authority;
mod extended_connect;
mod fields;
mod forwarded;
mod hop_by_hop;
mod path;
#[cfg(test)]
mod tests;
mod trailers;

use http::header::{self, HeaderValue};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, StatusCode, Uri, Version};

pub(crate) use self::authority::Authority;
pub(crate) use self::extended_connect::open_extended_connect;
use self::fields::Fields;
pub(crate) use self::forwarded::{Forwarded, Sender};
pub(crate) use self::hop_by_hop::{Upgrade, extend, strip_response};
pub(crate) use self::trailers::strip_trailers;

/// A request that may be routed.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Whom it is for.
    pub(crate) authority: Authority,
    /// The protocol it asks to switch to.
    pub(crate) upgrade: Option<Upgrade>,
}

/// Checks a request and brings it into the form that everything after relies on:
/// origin-form target with a normal path, one `Host`, no connection fields.
pub(crate) fn admit<B>(request: &mut Request<B>) -> Result<Admitted, Refused> {
    check_method(request.method())?;
    let fields = Fields::of(request.headers())?;

    let authority = authority::settle(request, fields.host)?;
    set_target(request)?;
    if fields.has_expectation {
        // It is met here, as soon as the body is read. Two who answer it are how a
        // client loses count of responses.
        request.headers_mut().remove(header::EXPECT);
    }
    let upgrade = match fields.has_connection_fields {
        true => hop_by_hop::strip_request(request)?,
        false => None,
    };
    if fields.has_many_cookies && request.version() == Version::HTTP_2 {
        join_cookies(request);
    }

    Ok(Admitted { authority, upgrade })
}

/// A request that is not forwarded, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// None, several, or one that is not `host[:port]`, or two that disagree.
    #[error("the request does not name one host")]
    Authority,
    /// A target that is not a path, or a path that can be read in two ways.
    #[error("the request target is ambiguous")]
    Target,
    /// `CONNECT` and `TRACE` are not forwarded.
    #[error("the method is not forwarded")]
    Method,
    /// A transfer coding other than `chunked`, or several.
    #[error("the transfer coding is not understood")]
    TransferCoding,
    /// An expectation other than `100-continue`.
    #[error("the expectation is not understood")]
    Expectation,
    /// A `Connection` field that names a field which must not be removed.
    #[error("the connection field names a field that must stay")]
    Connection,
    /// An upgrade together with a body.
    #[error("an upgrade cannot have a body")]
    Upgrade,
    /// A host of another listener than the one that the TLS connection is for.
    #[error("the connection is for another listener's name")]
    Misdirected,
}

impl Refused {
    /// Every one there is.
    pub(crate) const ALL: [Self; 8] = [
        Self::Authority,
        Self::Target,
        Self::Method,
        Self::TransferCoding,
        Self::Expectation,
        Self::Connection,
        Self::Upgrade,
        Self::Misdirected,
    ];

    /// What the client is told.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Authority | Self::Target | Self::Connection | Self::Upgrade => {
                StatusCode::BAD_REQUEST
            }
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        }
    }

    /// Label for logs and metrics.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Authority => "bad_authority",
            Self::Target => "bad_target",
            Self::Method => "bad_method",
            Self::TransferCoding => "bad_transfer_coding",
            Self::Expectation => "bad_expectation",
            Self::Connection => "bad_connection",
            Self::Upgrade => "bad_upgrade",
            Self::Misdirected => "misdirected",
        }
    }
}

fn check_method(method: &Method) -> Result<(), Refused> {
    // Gateway API routes describe neither; TRACE would show a client fields that
    // were added for the backend.
    if *method == Method::CONNECT || *method == Method::TRACE {
        Err(Refused::Method)
    } else {
        Ok(())
    }
}

/// Leaves only path and query of the target, the path in its normal form.
fn set_target<B>(request: &mut Request<B>) -> Result<(), Refused> {
    let uri = request.uri();
    check_form(uri)?;
    if uri.path() == "*" {
        return if *request.method() == Method::OPTIONS {
            Ok(())
        } else {
            Err(Refused::Target)
        };
    }

    let normal = path::normalize(uri.path())?;
    if normal.is_none() && uri.scheme().is_none() && uri.authority().is_none() {
        // The ordinary case: nothing to change.
        return if uri.path().starts_with('/') {
            Ok(())
        } else {
            Err(Refused::Target)
        };
    }

    let target = match normal {
        None => uri
            .path_and_query()
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/")),
        Some(path) => match uri.query() {
            None => PathAndQuery::try_from(path),
            Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        }
        .map_err(|_| Refused::Target)?,
    };
    *request.uri_mut() = Uri::from(target);
    Ok(())
}

/// Origin form, or absolute form with a scheme of ours. An authority alone, which is
/// how `GET foo` is read, is for CONNECT.
fn check_form(target: &Uri) -> Result<(), Refused> {
    let is_ours = match target.scheme() {
        None => target.authority().is_none(),
        Some(scheme) => *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS,
    };
    if is_ours {
        Ok(())
    } else {
        Err(Refused::Target)
    }
}

/// HTTP/2 may spread cookies over several fields; HTTP/1.1 must not
/// (RFC 9113, section 8.2.3).
fn join_cookies<B>(request: &mut Request<B>) {
    let mut joined = Vec::new();
    for cookie in request.headers().get_all(header::COOKIE) {
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(cookie.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_maybe_shared(bytes::Bytes::from(joined)) {
        request.headers_mut().insert(header::COOKIE, joined);
    }
}
