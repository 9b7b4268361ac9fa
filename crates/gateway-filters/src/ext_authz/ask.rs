//! The question.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use http::request::Parts;
use http::{Request, Response, Version};
use http_body::Body;
use tower_service::Service;

use super::proto::{
    Address, AttributeContext, CheckRequest, HttpRequest, Peer, Request as AskedRequest,
    SocketAddress,
};
use super::settings::{BodyForm, ExtAuthz};
use super::verdict::verdict;
use crate::BoxError;
use crate::call::call;
use crate::client_address::ClientAddress;
use crate::context::RouteContext;
use crate::inquiry::{Excerpt, ForwardBody, Inquire, Inquiry, OnFailure, PARTIAL_BODY};
use crate::request_id::RequestId;

/// Asks a service over gRPC, through a transport of type `C`.
pub struct AskGrpc<C> {
    settings: Arc<ExtAuthz>,
    client: C,
}

impl<C> AskGrpc<C> {
    pub(super) fn new(settings: ExtAuthz, client: C) -> Self {
        Self {
            settings: Arc::new(settings),
            client,
        }
    }
}

impl<C, ResBody> Inquire for AskGrpc<C>
where
    C: Service<Request<tonic::body::Body>, Response = Response<ResBody>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + Send,
    C::Future: Send,
    ResBody: Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError> + Send,
{
    fn inquire(&self, head: &Parts, body: Option<Excerpt>) -> Inquiry {
        let question = self.settings.question(head, body);
        let client = self.client.clone();
        let (origin, timeout) = (self.settings.origin.clone(), self.settings.timeout);
        Box::pin(async move {
            let path = "/envoy.service.auth.v3.Authorization/Check";
            Ok(verdict(
                call(client, origin, path, question, timeout).await?,
            )?)
        })
    }

    fn forward_body(&self) -> Option<&ForwardBody> {
        self.settings.forward_body.as_ref().map(|(body, _)| body)
    }

    fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    fn on_failure(&self) -> &OnFailure {
        &self.settings.on_failure
    }
}

impl ExtAuthz {
    /// What is asked about a request.
    fn question(&self, head: &Parts, body: Option<Excerpt>) -> CheckRequest {
        let mut http = asked(head);
        if let Some((_, form)) = &self.forward_body {
            // Nobody says so but the gateway.
            http.headers.remove(PARTIAL_BODY.as_str());
            if let Some(body) = body {
                show(&mut http, body, *form);
            }
        }
        let address = ClientAddress::of(&head.extensions).map(|address| Address {
            socket_address: Some(SocketAddress {
                address: address.to_string(),
            }),
        });
        let context = self.context.iter();
        CheckRequest {
            attributes: Some(AttributeContext {
                source: address.map(|address| Peer {
                    address: Some(address),
                }),
                request: Some(AskedRequest { http: Some(http) }),
                context_extensions: context.map(|(k, v)| (k.clone(), v.clone())).collect(),
            }),
        }
    }
}

fn asked(head: &Parts) -> HttpRequest {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = match head.uri.authority() {
        Some(authority) => authority.as_str().to_owned(),
        None => head.headers.get(HOST).map(text).unwrap_or_default(),
    };
    let length = head.headers.get(CONTENT_LENGTH).map(text);
    let mut headers = std::collections::HashMap::<String, String>::new();
    for (name, value) in &head.headers {
        // HTTP/2 may spread cookies over fields, which are to be joined so (RFC 9113, section
        // 8.2.3).
        let separator = if *name == COOKIE { "; " } else { "," };
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|there| {
                there.push_str(separator);
                there.push_str(&text(value));
            })
            .or_insert_with(|| text(value));
    }
    HttpRequest {
        id: head
            .extensions
            .get::<RequestId>()
            .map(|RequestId(id)| text(id))
            .unwrap_or_default(),
        method: head.method.to_string(),
        headers,
        path: head
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned(),
        host,
        scheme: RouteContext::scheme_of(&head.extensions, &head.uri).to_string(),
        size: length.and_then(|length| length.parse().ok()).unwrap_or(-1),
        body: String::new(),
        raw_body: Bytes::new(),
        protocol: match head.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2",
            Version::HTTP_3 => "HTTP/3",
            _ => "HTTP/1.1",
        }
        .to_owned(),
    }
}

fn show(http: &mut HttpRequest, body: Excerpt, form: BodyForm) {
    let name = PARTIAL_BODY.as_str().to_owned();
    http.headers.insert(name, body.partial().to_owned());
    if http.size < 0 && !body.is_partial {
        http.size = i64::try_from(body.bytes.len()).unwrap_or(i64::MAX);
    }
    match form {
        BodyForm::Text => http.body = String::from_utf8_lossy(&body.bytes).into_owned(),
        BodyForm::Bytes => http.raw_body = body.bytes,
    }
}

impl<C> fmt::Debug for AskGrpc<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskGrpc")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
