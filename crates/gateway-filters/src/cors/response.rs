//! The second step: what a response tells the browser.

use bytes::{BufMut, BytesMut};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::list::List;
use super::settings::Cors;
use super::vary::vary_on;

/// Edits the response to a request that was forwarded.
///
/// It does not refer to the settings, so it can travel with the request; its parts are shared
/// with them, not copied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CorsResponse {
    pub(super) grant: Grant,
    varies: bool,
}

/// What the origin of a request was found to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Grant {
    /// Absent: the request is not cross-origin, so nobody is told anything.
    Unasked,
    /// Not allowed.
    Refused,
    /// Allowed, and to be told this.
    Granted {
        origin: HeaderValue,
        expose: List,
        credentials: bool,
    },
}

impl CorsResponse {
    pub(super) fn new(cors: &Cors, origin: Option<&HeaderValue>) -> Self {
        let echoes = cors.credentials || !cors.origins.is_any();
        let grant = match origin {
            None => Grant::Unasked,
            Some(origin) if !cors.origins.allow(origin) => Grant::Refused,
            Some(origin) => Grant::Granted {
                origin: if echoes {
                    origin.clone()
                } else {
                    HeaderValue::from_static("*")
                },
                expose: cors.expose.clone(),
                credentials: cors.credentials,
            },
        };
        // A response with a star is good for everybody. One to a request without an origin is
        // not, even then: it lacks the star.
        let varies = echoes || grant == Grant::Unasked;
        Self { grant, varies }
    }

    /// Whether the request had an `Origin`.
    #[must_use]
    pub fn is_cross_origin(&self) -> bool {
        self.grant != Grant::Unasked
    }

    /// Edits the headers of the response.
    ///
    /// If the request had an `Origin`, the CORS headers of a backend give way to those of the
    /// settings, or to none where the origin is not allowed.
    pub fn apply(self, headers: &mut HeaderMap) {
        if self.is_cross_origin() {
            headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
            headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
            headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
        }
        if let Grant::Granted {
            origin,
            expose,
            credentials,
        } = self.grant
        {
            // First, so that what is exposed is what the backend sent.
            if let Some(names) = exposed(expose, credentials, headers) {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, names);
            }
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if credentials {
                let yes = HeaderValue::from_static("true");
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
            }
        }
        if self.varies {
            vary_on(headers, &ORIGIN);
        }
    }
}

fn exposed(list: List, credentials: bool, response: &HeaderMap) -> Option<HeaderValue> {
    match list {
        List::Empty => None,
        List::Named(names) => Some(names),
        List::Any if credentials => every_name(response),
        List::Any => Some(HeaderValue::from_static("*")),
    }
}

/// The names that a star would stand for, were it not for credentials.
fn every_name(response: &HeaderMap) -> Option<HeaderValue> {
    let mut names = BytesMut::new();
    for name in response.keys().filter(|name| !NEVER_LISTED.contains(name)) {
        if !names.is_empty() {
            names.put_slice(b", ");
        }
        names.put_slice(name.as_str().as_bytes());
    }
    if names.is_empty() {
        return None;
    }
    HeaderValue::from_maybe_shared(names.freeze()).ok()
}

/// Headers that scripts may always read and, the last, one that they may never.
const NEVER_LISTED: [HeaderName; 8] = [
    header::CACHE_CONTROL,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::PRAGMA,
    header::SET_COOKIE,
];
