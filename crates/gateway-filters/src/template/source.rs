//! Where values come from.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use http::header::HOST;
use http::{Extensions, HeaderMap, HeaderName, Method, Request, StatusCode, Uri};

use super::parse::Variable;
use crate::client_address::ClientAddress;
use crate::context::RouteContext;
use crate::hostname::split_port;
use crate::request_id::RequestId;

/// The name of the route that matched, as an extension of the request.
///
/// Whoever routes puts it there.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RouteName(pub Arc<str>);

/// A request, and the status it was answered with.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> Source<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    /// As [`of`](Self::of), of a request without its body.
    #[cfg(feature = "global-rate-limit")]
    pub(crate) fn of_head(head: &'a http::request::Parts) -> Self {
        Self {
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            extensions: &head.extensions,
        }
    }

    /// What `variable` stands for; empty if that is not known.
    pub(crate) fn value(self, variable: &Variable) -> Cow<'a, [u8]> {
        let text = match variable {
            Variable::ClientIp => {
                let Some(address) = ClientAddress::of(self.extensions) else {
                    return Cow::Borrowed(&[]);
                };
                let mut text = Vec::with_capacity(LONGEST_ADDRESS);
                // Writing to memory does not fail.
                let _ = write!(text, "{address}");
                return Cow::Owned(text);
            }
            Variable::Header(name) => return self.header(name),
            Variable::Host => self.host().unwrap_or_default(),
            Variable::Method => self.method.as_str(),
            Variable::Path => self.uri.path(),
            Variable::Query => self.uri.query().unwrap_or_default(),
            Variable::RequestId => {
                let id = self.extensions.get::<RequestId>();
                return Cow::Borrowed(id.map_or(&[], |RequestId(id)| id.as_bytes()));
            }
            Variable::RouteName => {
                let name = self.extensions.get::<RouteName>();
                name.map_or("", |RouteName(name)| name)
            }
            Variable::Scheme => RouteContext::scheme_of(self.extensions, self.uri).as_str(),
            // Nobody knows these before there is a response.
            Variable::Reason | Variable::Status => "",
        };
        Cow::Borrowed(text.as_bytes())
    }

    fn header(self, name: &HeaderName) -> Cow<'a, [u8]> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Cow::Borrowed(&[]),
            (Some(value), None) => Cow::Borrowed(value.as_bytes()),
            (Some(first), Some(second)) => {
                let all: Vec<_> = [first, second]
                    .into_iter()
                    .chain(values)
                    .map(|value| value.as_bytes())
                    .collect();
                Cow::Owned(all.join(&b", "[..]))
            }
        }
    }

    fn host(self) -> Option<&'a str> {
        let authority = match self.uri.authority() {
            Some(authority) => authority.as_str(),
            None => self.headers.get(HOST)?.to_str().ok()?,
        };
        split_port(authority).map(|(host, _)| host)
    }
}

/// Of IPv4 written as IPv6, with colons and dots.
const LONGEST_ADDRESS: usize = 45;

/// What `variable` says of a response with this status.
pub(crate) fn of_status(variable: &Variable, status: StatusCode) -> Cow<'static, [u8]> {
    match variable {
        Variable::Status => Cow::Owned(status.as_str().as_bytes().to_vec()),
        Variable::Reason => Cow::Borrowed(status.canonical_reason().unwrap_or_default().as_bytes()),
        Variable::ClientIp
        | Variable::Header(_)
        | Variable::Host
        | Variable::Method
        | Variable::Path
        | Variable::Query
        | Variable::RequestId
        | Variable::RouteName
        | Variable::Scheme => Cow::Borrowed(&[]),
    }
}
