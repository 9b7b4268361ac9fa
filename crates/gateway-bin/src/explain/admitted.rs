//! The request as routing sees it.

use gateway_core::routing::RequestHead;
use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode, header};

use super::dry_run::{self, Outcome};
use super::request::Asked;

/// A request that was admitted.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) host: String,
    pub(super) path: String,
    query: Option<String>,
    method: Method,
    headers: HeaderMap,
}

impl Admitted {
    /// Admits a request, or says with which status it is refused.
    pub(super) async fn new(asked: &Asked) -> Result<Self, StatusCode> {
        let parts = match dry_run::admit(asked.request()).await {
            Outcome::Forwarded(parts) => parts,
            Outcome::Answered(parts) => return Err(parts.status),
        };
        let host = parts.headers.get(header::HOST);
        let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());

        Ok(Self {
            host: host.map_or_else(String::new, |host| normal_host(&host)),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            method: parts.method,
            headers: parts.headers,
        })
    }

    /// What routing sees otherwise than it was asked.
    pub(super) fn notes(&self, asked: &Asked) -> Option<String> {
        let written = asked.path();

        (written != self.path).then(|| {
            format!(
                "the path {written} is routed and forwarded in its normal form, {}",
                self.path
            )
        })
    }

    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            host: &self.host,
            path: &self.path,
            query: self.query.as_deref(),
            method: &self.method,
            headers: &self.headers,
        }
    }
}

fn normal_host(authority: &Authority) -> String {
    let host = authority.host().to_ascii_lowercase();

    host.strip_suffix('.').map(str::to_owned).unwrap_or(host)
}
