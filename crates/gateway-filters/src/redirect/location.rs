//! The URL a request is redirected to.

use std::fmt::Write;

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderValue, Request, Response};
use percent_encoding::{CONTROLS, utf8_percent_encode};

use super::error::UnknownHost;
use super::settings::Redirect;
use crate::context::RouteContext;
use crate::hostname::requested;

impl Redirect {
    /// The `Location` that `request` is redirected to.
    ///
    /// The port is the one that is set; or the well-known one of the scheme, if that is set; or
    /// the listener's; or, where no router told it, the one the request asked for. Port 80 of
    /// `http` and port 443 of `https` are not written.
    ///
    /// # Errors
    ///
    /// If no hostname is set, and the request does not say which host it is for.
    pub fn location<B>(
        &self,
        request: &Request<B>,
        context: &RouteContext,
    ) -> Result<HeaderValue, UnknownHost> {
        let requested = requested(request);
        let host = match (&self.hostname, requested) {
            (Some(hostname), _) => hostname.as_str(),
            (None, Some((host, _))) => host,
            (None, None) => return Err(UnknownHost),
        };
        let scheme = self.scheme.unwrap_or(context.scheme());
        let port = self.port(context, requested.and_then(|(_, port)| port));

        let uri = request.uri();
        let mut url = String::with_capacity(host.len() + uri.path().len() + 32);
        url.push_str(scheme.as_str());
        url.push_str("://");
        url.push_str(host);
        if let Some(port) = port.filter(|port| *port != scheme.default_port()) {
            // Writing to a string cannot fail.
            let _ = write!(url, ":{port}");
        }
        self.push_path(&mut url, uri.path(), context);
        if let Some(query) = uri.query() {
            url.push('?');
            push_ascii(&mut url, query);
        }
        Ok(HeaderValue::from_maybe_shared(Bytes::from(url))
            .expect("hosts, paths and queries have no control characters"))
    }

    /// The response that redirects `request`.
    ///
    /// # Errors
    ///
    /// As [`location`](Self::location).
    pub fn response<B, ResBody: Default>(
        &self,
        request: &Request<B>,
        context: &RouteContext,
    ) -> Result<Response<ResBody>, UnknownHost> {
        let location = self.location(request, context)?;

        let mut response = Response::new(ResBody::default());
        *response.status_mut() = self.status.code();
        response.headers_mut().insert(LOCATION, location);
        Ok(response)
    }

    fn port(&self, context: &RouteContext, requested: Option<u16>) -> Option<u16> {
        match (self.port, self.scheme) {
            (Some(port), _) => Some(port.get()),
            (None, Some(scheme)) => Some(scheme.default_port()),
            (None, None) => context.listener_port().or(requested),
        }
    }

    fn push_path(&self, url: &mut String, path: &str, context: &RouteContext) {
        let (start, rest) = match &self.path {
            Some(modifier) => modifier.parts(path, context.matched_prefix()),
            None => ("", path),
        };
        // The path of `OPTIONS *` is not part of a URL, and `CONNECT` has none.
        if start.starts_with('/') || rest.starts_with('/') {
            push_ascii(url, start);
            push_ascii(url, rest);
        }
    }
}

/// Requests may have raw UTF-8 in their target; a URL must not (RFC 3986 section 2).
fn push_ascii(url: &mut String, text: &str) {
    url.extend(utf8_percent_encode(text, CONTROLS));
}
