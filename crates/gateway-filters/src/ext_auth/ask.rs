//! The question, and what the answer means.

use std::fmt;
use std::future::{poll_fn, ready};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, HeaderMap, SET_COOKIE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Body;
use tokio::time::Instant;
use tower_service::Service;

use super::error::AuthorityFailed;
use super::settings::ExtAuth;
use crate::BoxError;
use crate::answer::{Answer, AnsweredHere};
use crate::client_address::ClientAddress;
use crate::inquiry::{
    Excerpt, ForwardBody, HeaderEdits, Inquire, Inquiry, OnFailure, PARTIAL_BODY, Verdict, is_free,
};

/// Asks a service over HTTP, through a client of type `C` with requests that have a body `B`.
pub struct AskHttp<C, B> {
    settings: Arc<ExtAuth>,
    client: C,
    body: PhantomData<fn() -> B>,
}

impl<C, B> AskHttp<C, B> {
    pub(super) fn new(settings: ExtAuth, client: C) -> Self {
        Self {
            settings: Arc::new(settings),
            client,
            body: PhantomData,
        }
    }
}

impl<C, B, ResBody> Inquire for AskHttp<C, B>
where
    C: Service<Request<B>, Response = Response<ResBody>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + Send,
    C::Future: Send,
    B: Default + From<Bytes> + Send + 'static,
    ResBody: Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    fn inquire(&self, head: &Parts, body: Option<Excerpt>) -> Inquiry {
        let Some(question) = self.settings.question(head, body) else {
            let answer = Answer::text(StatusCode::URI_TOO_LONG, "request target too long");
            return Box::pin(ready(Ok(Verdict::Deny(answer.to_response()))));
        };
        let settings = Arc::clone(&self.settings);
        let mut client = self.client.clone();
        // Counted from before the time of whoever asks, so that it is over when that is.
        let due = Instant::now().checked_add(settings.timeout);
        Box::pin(async move {
            poll_fn(|cx| client.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            let answer = client.call(question).await.map_err(Into::into)?;
            Ok(settings.verdict(answer, due).await?)
        })
    }

    fn forward_body(&self) -> Option<&ForwardBody> {
        self.settings.forward_body.as_ref()
    }

    fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    fn on_failure(&self) -> &OnFailure {
        &self.settings.on_failure
    }

    fn edits_on_failure(&self) -> HeaderEdits {
        let mut edits = HeaderEdits::new();
        for name in &self.settings.to_backend {
            edits.remove(name.clone());
        }
        edits
    }
}

impl ExtAuth {
    /// What is asked about a request; `None` if its target is too long to be asked about.
    fn question<B>(&self, head: &Parts, body: Option<Excerpt>) -> Option<Request<B>>
    where
        B: Default + From<Bytes>,
    {
        let mut question = Request::new(B::default());
        question.method_mut().clone_from(&head.method);
        *question.uri_mut() = self.target(&head.uri)?;
        let headers = question.headers_mut();
        for name in &self.told {
            if *name == COOKIE {
                insert(headers, COOKIE, cookies(&head.headers).as_deref());
                continue;
            }
            for value in head.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        let authority = self.uri.authority().map(|host| host.as_str());
        let host = head.uri.authority().map(|host| host.as_str().as_bytes());
        let host = host.or_else(|| head.headers.get(HOST).map(HeaderValue::as_bytes));
        let target = head.uri.path_and_query().map(|target| target.as_str());
        let client = ClientAddress::of(&head.extensions).map(|address| address.to_string());
        insert(headers, HOST, authority.map(str::as_bytes));
        insert(headers, METHOD, Some(head.method.as_str().as_bytes()));
        insert(headers, FORWARDED_HOST, host);
        insert(headers, URI, target.map(str::as_bytes));
        insert(headers, FOR, client.as_ref().map(String::as_bytes));
        headers.remove(PARTIAL_BODY);
        Some(match body {
            Some(body) => show(question, head, body),
            None => question,
        })
    }

    /// The URI of the service, with the path and query of the request after its own path; `None`
    /// if that is longer than a URI may be.
    fn target(&self, asked: &Uri) -> Option<Uri> {
        let prefix = self.uri.path().trim_end_matches('/');
        let asked = asked.path_and_query().map_or("/", |target| target.as_str());
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(format!("{prefix}{asked}")).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// What the answer means. Once it has refused, nothing that goes wrong afterwards lets the
    /// request pass: a body that cannot be read before `due`, or not at all, is left out.
    async fn verdict<B>(
        &self,
        answer: Response<B>,
        due: Option<Instant>,
    ) -> Result<Verdict, AuthorityFailed>
    where
        B: Body<Data = Bytes>,
    {
        let status = answer.status();
        if status.is_server_error() || status.is_informational() {
            return Err(AuthorityFailed { status });
        }
        let (mut head, body) = answer.into_parts();
        if status.is_success() {
            return Ok(Verdict::Pass {
                request: to_backend(&self.to_backend, &head.headers),
                response: to_client(&self.to_client, &head.headers),
            });
        }
        let body = before(due, read(body, self.body_limit)).await.flatten();
        let body = body.unwrap_or_else(|| {
            // They would speak of what is not there.
            head.headers.remove(CONTENT_TYPE);
            head.headers.remove(CONTENT_ENCODING);
            Bytes::new()
        });
        let names: Vec<_> = head
            .headers
            .keys()
            .filter(|name| !is_free(name))
            .cloned()
            .collect();
        for name in names {
            head.headers.remove(name);
        }
        // What the authority says itself is not for layers outside to replace.
        if body.is_empty() {
            head.extensions.insert(AnsweredHere);
        }
        Ok(Verdict::Deny(Response::from_parts(head, body)))
    }
}

/// Replaces `names` by what `headers` say of them; those that they do not name are removed.
fn to_backend(names: &[HeaderName], headers: &HeaderMap) -> HeaderEdits {
    let mut edits = HeaderEdits::new();
    for name in names {
        edits.remove(name.clone());
        add(&mut edits, name, headers);
    }
    edits
}

/// Replaces those of `names` that `headers` name; cookies are added to the backend's.
fn to_client(names: &[HeaderName], headers: &HeaderMap) -> HeaderEdits {
    let mut edits = HeaderEdits::new();
    for name in names {
        if *name != SET_COOKIE && headers.contains_key(name) {
            edits.remove(name.clone());
        }
        add(&mut edits, name, headers);
    }
    edits
}

fn add(edits: &mut HeaderEdits, name: &HeaderName, headers: &HeaderMap) {
    for value in headers.get_all(name) {
        edits.add(name.clone(), value.clone());
    }
}

/// `question` with the body, and what it takes to read it.
fn show<B: From<Bytes>>(question: Request<B>, head: &Parts, body: Excerpt) -> Request<B> {
    let (mut parts, _) = question.into_parts();
    for name in [CONTENT_TYPE, CONTENT_ENCODING] {
        let value = head.headers.get(&name).map(HeaderValue::as_bytes);
        insert(&mut parts.headers, name, value);
    }
    let partial = HeaderValue::from_static(body.partial());
    parts.headers.insert(PARTIAL_BODY, partial);
    Request::from_parts(parts, B::from(body.bytes))
}

/// The cookies in one field: HTTP/2 may spread them over several, HTTP/1.1 must not (RFC 9113,
/// section 8.2.3).
fn cookies(headers: &HeaderMap) -> Option<Vec<u8>> {
    let fields = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let fields: Vec<_> = fields.collect();
    (!fields.is_empty()).then(|| fields.join(&b"; "[..]))
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<&[u8]>) {
    if let Some(Ok(value)) = value.map(HeaderValue::from_bytes) {
        headers.insert(name, value);
    }
}

/// What `future` gives, unless it is still waiting when `due` is past. Whoever asks has the timer
/// for that, and looks here once more when it has fired.
async fn before<F: Future>(due: Option<Instant>, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if due.is_some_and(|due| Instant::now() >= due) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// All of `body`; `None` if it is longer than `limit`, or breaks off.
async fn read<B: Body<Data = Bytes>>(body: B, limit: usize) -> Option<Bytes> {
    let mut body = pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            if bytes.len() + data.len() > limit {
                return None;
            }
            bytes.extend_from_slice(&data);
        }
    }
    Some(bytes.freeze())
}

impl<C, B> fmt::Debug for AskHttp<C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskHttp")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

const METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
