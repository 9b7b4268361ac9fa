//! The question.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::proto::{Entry, RateLimitDescriptor, RateLimitRequest};
use super::settings::{Descriptor, GlobalRateLimit};
use crate::BoxError;
use crate::call::call;
use crate::inquiry::{Excerpt, HeaderEdits, Inquire, Inquiry, OnFailure, Verdict};
use crate::template::Source;

/// Asks a service for limits over gRPC, through a transport of type `C`.
pub struct AskLimits<C> {
    settings: Arc<GlobalRateLimit>,
    client: C,
}

impl<C> AskLimits<C> {
    pub(super) fn new(settings: GlobalRateLimit, client: C) -> Self {
        Self {
            settings: Arc::new(settings),
            client,
        }
    }
}

impl<C, ResBody> Inquire for AskLimits<C>
where
    C: Service<Request<tonic::body::Body>, Response = Response<ResBody>> + Clone + Send + 'static,
    C::Error: Into<BoxError> + Send,
    C::Future: Send,
    ResBody: Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError> + Send,
{
    fn inquire(&self, head: &Parts, _: Option<Excerpt>) -> Inquiry {
        let Some(question) = self.settings.question(head) else {
            return Box::pin(std::future::ready(Ok(Verdict::Pass {
                request: HeaderEdits::new(),
                response: HeaderEdits::new(),
            })));
        };
        let settings = Arc::clone(&self.settings);
        let client = self.client.clone();
        Box::pin(async move {
            let (origin, timeout) = (settings.origin.clone(), settings.timeout);
            let path = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
            Ok(settings.verdict(call(client, origin, path, question, timeout).await?)?)
        })
    }

    fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    fn on_failure(&self) -> &OnFailure {
        &self.settings.on_failure
    }
}

impl GlobalRateLimit {
    /// What is asked about a request; `None` if it is not to be counted.
    fn question(&self, head: &Parts) -> Option<RateLimitRequest> {
        let source = Source::of_head(head);
        let describe = |descriptor| describe(descriptor, source);
        let descriptors: Vec<_> = self.descriptors.iter().filter_map(describe).collect();
        if descriptors.is_empty() {
            return None;
        }
        Some(RateLimitRequest {
            domain: self.domain.clone(),
            descriptors,
        })
    }
}

/// The descriptor for one request; `None` if it has nothing to be counted by.
fn describe(descriptor: &Descriptor, source: Source<'_>) -> Option<RateLimitDescriptor> {
    let entries = descriptor.entries.iter().map(|(key, value)| {
        let value = value.header_value(|variable| source.value(variable))?;
        Some(Entry {
            key: key.clone(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        })
    });
    let entries = entries.collect::<Option<Vec<_>>>()?;
    (!entries.is_empty()).then_some(RateLimitDescriptor { entries })
}

impl<C> fmt::Debug for AskLimits<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskLimits")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
