//! The rewrite itself.

use bytes::{BufMut, BytesMut};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{Request, Uri};

use super::error::UrlTooLong;
use super::settings::UrlRewrite;
use crate::context::RouteContext;
use crate::path::PathModifier;

impl UrlRewrite {
    /// Rewrites `request`.
    ///
    /// A new host goes into the `Host` header and, if the URI has an authority, there too. A
    /// target without a path (`CONNECT`) gets none, and the `*` of `OPTIONS` has no prefix.
    ///
    /// # Errors
    ///
    /// If the path and query become longer than a URI can be. The request is then as before.
    pub fn apply<B>(
        &self,
        request: &mut Request<B>,
        context: &RouteContext,
    ) -> Result<(), UrlTooLong> {
        let path = match &self.path {
            Some(modifier) => modified(modifier, request.uri(), context.matched_prefix())?,
            None => None,
        };
        let authority = match &self.hostname {
            Some(hostname) => {
                request
                    .headers_mut()
                    .insert(HOST, hostname.header().clone());
                request
                    .uri()
                    .authority()
                    .map(|_| hostname.authority().clone())
            }
            None => None,
        };
        if path.is_none() && authority.is_none() {
            return Ok(());
        }
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.path_and_query = path.or(parts.path_and_query);
        parts.authority = authority.or(parts.authority);
        *request.uri_mut() =
            Uri::from_parts(parts).expect("a part only takes the place of one of its kind");
        Ok(())
    }
}

/// The new path and query of `uri`, unless nothing changes.
fn modified(
    modifier: &PathModifier,
    uri: &Uri,
    matched_prefix: Option<&str>,
) -> Result<Option<PathAndQuery>, UrlTooLong> {
    let Some(before) = uri.path_and_query() else {
        return Ok(None);
    };
    let (start, rest) = modifier.parts(before.path(), matched_prefix);
    if start.is_empty() && rest.len() == before.path().len() {
        return Ok(None);
    }
    let query = before.query();

    let query_len = query.map_or(0, |query| 1 + query.len());
    let mut after = BytesMut::with_capacity(start.len() + rest.len() + query_len);
    after.put_slice(start.as_bytes());
    after.put_slice(rest.as_bytes());
    if let Some(query) = query {
        after.put_u8(b'?');
        after.put_slice(query.as_bytes());
    }
    match PathAndQuery::from_maybe_shared(after.freeze()) {
        Ok(after) => Ok(Some(after)),
        // All of it was part of a URI before; together it can only be too much.
        Err(_) => Err(UrlTooLong),
    }
}
