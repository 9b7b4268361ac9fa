//! Filters made ready to run.

use std::sync::Arc;

use gateway_filters::mirror::{MirrorBody, Mirrors, Slot};
use gateway_filters::{Cors, HeaderModifier, MirrorSettings, Redirect, UrlRewrite};
use http::{Request, Response};
use tower::{Service, ServiceExt};

use super::{Backends, UpstreamService};
use crate::model::{ExtensionRef, Filter, Policy, RequestMirror};
use crate::{Body, BoxError};

/// A filter of the model with what it needs at hand.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    RequestHeaderModifier(Arc<HeaderModifier>),
    ResponseHeaderModifier(Arc<HeaderModifier>),
    RequestRedirect(Arc<Redirect>),
    UrlRewrite(Arc<UrlRewrite>),
    RequestMirror(MirrorStep),
    Cors(Arc<Cors>),
    /// Stands where a filter could not be resolved: it must not be skipped.
    Fail(UnresolvedFilter),
}

/// Either a step of a chain, or a layer that ends it.
#[derive(Debug)]
pub(crate) enum Prepared<'a> {
    Step(Step),
    Policy(&'a Policy),
    Extension(&'a ExtensionRef),
}

pub(crate) fn prepare<'a>(filter: &'a Filter, backends: &Backends) -> Prepared<'a> {
    Prepared::Step(match filter {
        Filter::RequestHeaderModifier(modifier) => {
            Step::RequestHeaderModifier(Arc::clone(modifier))
        }
        Filter::ResponseHeaderModifier(modifier) => {
            Step::ResponseHeaderModifier(Arc::clone(modifier))
        }
        Filter::RequestRedirect(redirect) => Step::RequestRedirect(Arc::clone(redirect)),
        Filter::UrlRewrite(rewrite) => Step::UrlRewrite(Arc::clone(rewrite)),
        Filter::RequestMirror(mirror) => Step::RequestMirror(MirrorStep::new(mirror, backends)),
        Filter::Cors(cors) => Step::Cors(Arc::clone(cors)),
        Filter::Policy(policy) => return Prepared::Policy(policy),
        Filter::Extension(name) => return Prepared::Extension(name),
        Filter::Invalid(reason) => Step::Fail(UnresolvedFilter::new(Arc::clone(reason))),
    })
}

/// A mirror and the backend that gets its copies.
#[derive(Clone, Debug)]
pub(crate) struct MirrorStep {
    mirrors: Mirrors,
    service: UpstreamService,
}

impl MirrorStep {
    fn new(mirror: &RequestMirror, backends: &Backends) -> Self {
        let settings = MirrorSettings::new().with_fraction(mirror.fraction);

        Self {
            mirrors: Mirrors::new(settings),
            service: backends.service(&mirror.backend),
        }
    }

    pub(crate) fn admit(&self, request: &Request<Body>) -> Option<Slot> {
        self.mirrors.admit(request)
    }

    /// The backend as a service that takes copies.
    pub(crate) fn service(
        &self,
    ) -> impl Service<Request<MirrorBody>, Response = Response<Body>, Error = BoxError, Future: Send>
    + Send
    + use<> {
        self.service
            .clone()
            .map_request(|copy: Request<MirrorBody>| copy.map(Body::new))
    }
}

/// A filter that could not be resolved; its requests fail.
#[derive(Clone, Debug, thiserror::Error)]
#[error("unresolved filter: {reason}")]
pub(crate) struct UnresolvedFilter {
    reason: Arc<str>,
}

impl UnresolvedFilter {
    fn new(reason: impl Into<Arc<str>>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    pub(crate) fn extension(name: &ExtensionRef) -> Self {
        Self::new(format!("no layer is registered for {name}"))
    }
}
