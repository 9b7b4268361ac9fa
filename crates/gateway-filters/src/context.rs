//! What routing learns about a request.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, Request, Uri};

/// What a router knows about a request that the request does not say itself.
///
/// Whoever routes puts it into the request's extensions; the layers of this crate read it from
/// there. Without one they do with what the request says: see [`of`](Self::of).
///
/// ```
/// use gateway_filters::{RouteContext, Scheme};
///
/// let context = RouteContext::new()
///     .with_scheme(Scheme::Https)
///     .with_listener_port(8443)
///     .with_matched_prefix("/cart");
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(context);
///
/// assert_eq!(RouteContext::of(&request).matched_prefix(), Some("/cart"));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RouteContext {
    scheme: Scheme,
    listener_port: Option<u16>,
    matched_prefix: Option<Arc<str>>,
}

impl RouteContext {
    /// A request over plain HTTP, of which nothing else is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The context in the extensions of `request`.
    ///
    /// If there is none: the scheme of the request's URI, or `http` where the URI has no scheme
    /// either; no port and no prefix.
    #[must_use]
    pub fn of<B>(request: &Request<B>) -> Self {
        request.extensions().get().cloned().unwrap_or_else(|| Self {
            scheme: Scheme::of(request.uri()),
            ..Self::default()
        })
    }

    /// The scheme of a request with these extensions and this URI, as [`of`](Self::of) has it.
    pub(crate) fn scheme_of(extensions: &Extensions, uri: &Uri) -> Scheme {
        let context = extensions.get::<Self>();
        context.map_or_else(|| Scheme::of(uri), Self::scheme)
    }

    /// The scheme the client used. The default is [`Scheme::Http`].
    #[must_use]
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// The port of the listener that took the request, as the Gateway states it. Unknown by
    /// default.
    #[must_use]
    pub fn with_listener_port(mut self, port: u16) -> Self {
        self.listener_port = Some(port);
        self
    }

    /// The prefix by which the path was matched, as the route states it. By default the path
    /// was not matched by a prefix.
    #[must_use]
    pub fn with_matched_prefix(mut self, prefix: impl Into<Arc<str>>) -> Self {
        self.matched_prefix = Some(prefix.into());
        self
    }

    /// The scheme the client used.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The port of the listener that took the request, if known.
    #[must_use]
    pub fn listener_port(&self) -> Option<u16> {
        self.listener_port
    }

    /// The prefix by which the path was matched, if it was.
    #[must_use]
    pub fn matched_prefix(&self) -> Option<&str> {
        self.matched_prefix.as_deref()
    }
}

/// A scheme of the web. The list is complete: the Gateway API knows no other.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// Plain HTTP. This is the default.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The port that need not be written: 80 or 443.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// As it is written in a URI, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn of(uri: &Uri) -> Self {
        match uri.scheme() {
            Some(scheme) if *scheme == http::uri::Scheme::HTTPS => Self::Https,
            _ => Self::Http,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(uri: &str) -> Request<()> {
        Request::get(uri).body(()).expect("valid")
    }

    #[test]
    fn context_in_the_extensions_wins_over_the_uri() {
        let mut request = get("http://shop.example/");
        let context = RouteContext::new().with_scheme(Scheme::Https);

        request.extensions_mut().insert(context.clone());

        assert_eq!(RouteContext::of(&request), context);
    }

    #[test]
    fn scheme_is_taken_from_the_uri_without_a_context() {
        let context = RouteContext::of(&get("HTTPS://shop.example/"));

        assert_eq!(context, RouteContext::new().with_scheme(Scheme::Https));
    }

    #[test]
    fn nothing_is_known_of_a_bare_path() {
        assert_eq!(RouteContext::of(&get("/cart")), RouteContext::new());
    }

    #[test]
    fn schemes_print_as_in_a_uri() {
        assert_eq!(Scheme::Http.to_string(), "http");
        assert_eq!(Scheme::Https.to_string(), "https");
    }
}
