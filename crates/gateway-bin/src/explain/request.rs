//! The request that is asked about.

use std::net::IpAddr;
use std::path::PathBuf;

use gateway_core::Body;
use gateway_core::model::{Filter, Rule};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use crate::failure::CommandFailure;

/// A request as a client would send it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// As it was written, with `http://`.
    pub(super) url: String,
    target: PathAndQuery,
    authority: Authority,
    headers: HeaderMap,
    /// Where it arrives, if somebody says so.
    pub(super) address: Option<IpAddr>,
}

impl Asked {
    /// Takes apart `PATH... [METHOD] URL`.
    pub(super) fn parse(
        words: &[String],
        headers: &[String],
        address: Option<IpAddr>,
    ) -> Result<(Vec<PathBuf>, Self), CommandFailure> {
        let (url, before) = words.split_last().ok_or_else(usage)?;
        let (method, paths) = match before.split_last() {
            Some((word, paths)) if !paths.is_empty() && is_method(word) => (word.as_str(), paths),
            _ => ("GET", before),
        };
        if paths.is_empty() {
            return Err(usage());
        }

        let invalid = |message: String| CommandFailure::new(message).remedy(USAGE);
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| invalid(format!("{method:?} is not a method")))?;
        let (url, authority, target) = parse_url(url)?;
        let asked = Self {
            method,
            url,
            target,
            headers: parse_headers(headers, &authority)?,
            address: address.or_else(|| authority.host().trim_matches(['[', ']']).parse().ok()),
            authority,
        };
        Ok((paths.iter().map(PathBuf::from).collect(), asked))
    }

    /// The port of the URL, if it has one.
    pub(super) fn port(&self) -> Option<u16> {
        self.authority.port_u16()
    }

    /// The URL with another port.
    pub(super) fn url_with_port(&self, port: u16) -> String {
        format!("http://{}:{port}{}", self.authority.host(), self.target)
    }

    /// The path, as it was written.
    pub(super) fn path(&self) -> &str {
        self.target.path()
    }

    /// The request as it arrives at `port`, for `rule`. A redirect names the port of
    /// the listener, which only the request itself can tell a dry run.
    pub(super) fn request_at(&self, rule: &Rule, port: u16) -> Request<Body> {
        let mut request = self.request();
        let redirects = |filter: &Filter| matches!(filter, Filter::RequestRedirect(_));
        if !rule.filters().iter().any(redirects) {
            return request;
        }

        let host = request.headers().get(header::HOST);
        let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let value =
            host.and_then(|host| HeaderValue::try_from(format!("{}:{port}", host.host())).ok());
        if let Some(value) = value {
            request.headers_mut().insert(header::HOST, value);
        }
        request
    }

    /// The request itself.
    pub(super) fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(self.target.clone());
        *request.headers_mut() = self.headers.clone();
        request
    }
}

fn parse_url(text: &str) -> Result<(String, Authority, PathAndQuery), CommandFailure> {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let invalid = || CommandFailure::new(format!("{text:?} is not a URL")).remedy(USAGE);
    let uri: Uri = url.parse().map_err(|_| invalid())?;
    if uri.scheme() != Some(&Scheme::HTTP) {
        let message = format!("{text:?} is not an http:// URL");
        return Err(CommandFailure::new(message).remedy("explain requests without TLS: http://…"));
    }
    let authority = uri.authority().cloned().ok_or_else(invalid)?;
    let target = uri.path_and_query().cloned();

    Ok((
        url,
        authority,
        target.unwrap_or(PathAndQuery::from_static("/")),
    ))
}

fn parse_headers(lines: &[String], authority: &Authority) -> Result<HeaderMap, CommandFailure> {
    let mut headers = HeaderMap::new();

    for line in lines {
        let invalid = || {
            CommandFailure::new(format!("{line:?} is not a header"))
                .remedy("write -H 'name: value'")
        };
        let (name, value) = line.split_once(':').ok_or_else(invalid)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| invalid())?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| invalid())?;
        headers.append(name, value);
    }
    if !headers.contains_key(header::HOST) {
        let value = HeaderValue::from_str(authority.as_str()).map_err(|_| usage())?;
        headers.insert(header::HOST, value);
    }
    Ok(headers)
}

/// Methods are written in capitals, and paths are hardly ever called so.
fn is_method(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn usage() -> CommandFailure {
    CommandFailure::new("a path with manifests and a URL are needed").remedy(USAGE)
}

const USAGE: &str =
    "write, for example: gateway explain ./manifests GET http://shop.example.com/cart";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<(Vec<PathBuf>, Asked), CommandFailure> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Asked::parse(&words, &[], None)
    }

    #[test]
    fn method_and_scheme_may_be_left_out() {
        let (paths, asked) = parse(&["a", "b", "shop.test:81"]).expect("is a request");

        assert_eq!(paths, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(asked.method, Method::GET);
        assert_eq!(
            (asked.url.as_str(), asked.port()),
            ("http://shop.test:81", Some(81))
        );
        assert_eq!(asked.request().uri(), "/");
        assert_eq!(asked.request().headers()[header::HOST], "shop.test:81");
    }

    #[test]
    fn word_in_capitals_is_the_method() {
        let (paths, asked) = parse(&["a", "POST", "http://x/?q"]).expect("is a request");

        assert_eq!(paths, [PathBuf::from("a")]);
        assert_eq!(asked.method, Method::POST);
    }

    #[test]
    fn only_path_may_be_in_capitals() {
        let (paths, _) = parse(&["MANIFESTS", "http://x/"]).expect("is a request");

        assert_eq!(paths, [PathBuf::from("MANIFESTS")]);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(parse(&["http://x/"]).is_err());
        assert!(parse(&["a", "https://x/"]).is_err());
        assert!(parse(&["a", "http:///x"]).is_err());
        assert!(Asked::parse(&["a".into(), "x".into()], &["no colon".into()], None).is_err());
    }

    #[test]
    fn a_host_header_wins_over_the_url() {
        let headers = ["Host: shop.test".to_owned()];
        let words = ["a".to_owned(), "http://127.0.0.1:8080/".to_owned()];

        let (_, asked) = Asked::parse(&words, &headers, None).expect("is a request");

        assert_eq!(asked.request().headers()[header::HOST], "shop.test");
        assert_eq!(asked.address, Some([127, 0, 0, 1].into()));
    }
}
