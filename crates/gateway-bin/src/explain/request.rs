//! The request that is asked about.

use std::net::IpAddr;
use std::path::PathBuf;

use gateway_core::Body;
use gateway_core::model::{Filter, Protocol, Rule};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use crate::failure::CommandFailure;

/// A request as a client would send it, or a connection or datagram.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) means: Means,
    pub(super) method: Method,
    /// As it was written, with `http://`.
    pub(super) url: String,
    /// The name that the handshake asks for.
    pub(super) sni: Option<String>,
    target: PathAndQuery,
    authority: Authority,
    headers: HeaderMap,
    /// Where it arrives, if somebody says so.
    pub(super) address: Option<IpAddr>,
}

/// What carries it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Means {
    Http,
    Https,
    /// TLS with anything in it.
    Tls,
    Tcp,
    Udp,
}

impl Means {
    fn of(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "http" => Self::Http,
            "https" => Self::Https,
            "tls" => Self::Tls,
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            _ => return None,
        })
    }

    fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// Whether a client says more than where it wants to go.
    pub(super) fn has_request(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether a client begins with a handshake.
    pub(super) fn has_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// The port where nobody names one.
    pub(super) fn usual_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https | Self::Tls => Some(443),
            Self::Tcp | Self::Udp => None,
        }
    }

    /// Whether a listener takes it.
    pub(super) fn meets(self, protocol: &Protocol) -> bool {
        match protocol {
            Protocol::Http => self == Self::Http,
            Protocol::Https(_) | Protocol::Tls(_) => self.has_tls(),
            Protocol::Tcp => self == Self::Tcp,
            Protocol::Udp => self == Self::Udp,
        }
    }
}

impl Asked {
    /// Takes apart `PATH... [METHOD] URL`; in a cluster there is no path.
    pub(super) fn parse(
        words: &[String],
        in_cluster: bool,
        headers: &[String],
        address: Option<IpAddr>,
        sni: Option<&str>,
    ) -> Result<(Vec<PathBuf>, Self), CommandFailure> {
        let (url, before) = words.split_last().ok_or_else(usage)?;
        let (method, paths) = match before.split_last() {
            Some((word, paths)) if in_cluster == paths.is_empty() && is_method(word) => {
                (word.as_str(), paths)
            }
            _ => ("GET", before),
        };
        if in_cluster != paths.is_empty() {
            return Err(usage());
        }

        let invalid = |message: String| CommandFailure::new(message).remedy(USAGE);
        // A call of a gRPC method, as its client sends it.
        let grpc = method == "GRPC";
        let method = if grpc { "POST" } else { method };
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| invalid(format!("{method:?} is not a method")))?;
        let Target {
            means,
            url,
            authority,
            path,
        } = parse_url(url)?;
        let mut headers = parse_headers(headers, &authority)?;
        if grpc {
            let usual = HeaderValue::from_static("application/grpc");
            headers.entry(header::CONTENT_TYPE).or_insert(usual);
        }
        let host = authority.host().trim_matches(['[', ']']);
        let own_address: Option<IpAddr> = host.parse().ok();
        let sni = match sni {
            Some(name) => Some(name.to_ascii_lowercase()),
            None if means.has_tls() && own_address.is_none() => Some(host.to_ascii_lowercase()),
            None => None,
        };
        let asked = Self {
            means,
            method,
            url,
            sni,
            target: path,
            headers,
            address: address.or(own_address),
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
        let (scheme, host) = (self.means.scheme(), self.authority.host());
        let path = if self.means.has_request() {
            self.target.as_str()
        } else {
            ""
        };

        format!("{scheme}://{host}:{port}{path}")
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

    /// Only an absolute target tells that it came over TLS.
    fn uri(&self) -> Uri {
        let relative = || Uri::from(self.target.clone());
        if self.means != Means::Https {
            return relative();
        }
        let host = self.headers.get(header::HOST).map(HeaderValue::as_bytes);
        let uri = Uri::builder()
            .scheme(Scheme::HTTPS)
            .authority(host.unwrap_or_default())
            .path_and_query(self.target.clone());

        uri.build().unwrap_or_else(|_| relative())
    }

    /// The request itself.
    pub(super) fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// A URL, taken apart.
struct Target {
    means: Means,
    url: String,
    authority: Authority,
    path: PathAndQuery,
}

fn parse_url(text: &str) -> Result<Target, CommandFailure> {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let invalid = || CommandFailure::new(format!("{text:?} is not a URL")).remedy(USAGE);
    let uri: Uri = url.parse().map_err(|_| invalid())?;
    let Some(means) = uri.scheme_str().and_then(Means::of) else {
        let message = format!("{text:?} is not a URL of http, https, tls, tcp or udp");
        return Err(CommandFailure::new(message).remedy(USAGE));
    };
    let authority = uri.authority().cloned().ok_or_else(invalid)?;
    if authority.port_u16().is_none() && means.usual_port().is_none() {
        let message = format!("{text:?} has no port");
        return Err(CommandFailure::new(message).remedy("write tcp://HOST:PORT"));
    }
    let path = uri.path_and_query().cloned();

    Ok(Target {
        means,
        url,
        authority,
        path: path.unwrap_or(PathAndQuery::from_static("/")),
    })
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
    CommandFailure::new("a URL is needed, after a path with manifests or --kubernetes")
        .remedy(USAGE)
}

const USAGE: &str =
    "write, for example: gateway explain ./manifests GET http://shop.example.com/cart";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<(Vec<PathBuf>, Asked), CommandFailure> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Asked::parse(&words, false, &[], None, None)
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
        assert!(parse(&["a", "ftp://x/"]).is_err());
        assert!(parse(&["a", "tcp://x"]).is_err());
        assert!(parse(&["a", "http:///x"]).is_err());
        assert!(
            Asked::parse(
                &["a".into(), "x".into()],
                false,
                &["no colon".into()],
                None,
                None
            )
            .is_err()
        );
    }

    #[test]
    fn names_of_handshakes_are_those_of_the_url_or_given() {
        let sni = |url: &str, given: Option<&str>| {
            let words = ["a".to_owned(), url.to_owned()];
            let (_, asked) = Asked::parse(&words, false, &[], None, given).expect("is a request");
            asked.sni
        };

        assert_eq!(
            sni("https://Shop.test/", None).as_deref(),
            Some("shop.test")
        );
        assert_eq!(sni("https://127.0.0.1/", None), None);
        assert_eq!(sni("http://shop.test/", None), None);
        let given = sni("tls://127.0.0.1:443", Some("A.test"));
        assert_eq!(given.as_deref(), Some("a.test"));
    }

    #[test]
    fn grpc_calls_are_posted() {
        let (_, asked) = parse(&["a", "GRPC", "http://x/a.B/C"]).expect("is a request");

        assert_eq!(asked.method, Method::POST);
        let headers = asked.request().headers().clone();
        assert_eq!(headers[header::CONTENT_TYPE], "application/grpc");
    }

    #[test]
    fn a_host_header_wins_over_the_url() {
        let headers = ["Host: shop.test".to_owned()];
        let words = ["a".to_owned(), "http://127.0.0.1:8080/".to_owned()];

        let (_, asked) = Asked::parse(&words, false, &headers, None, None).expect("is a request");

        assert_eq!(asked.request().headers()[header::HOST], "shop.test");
        assert_eq!(asked.address, Some([127, 0, 0, 1].into()));
    }
}
