//! Layers of other people.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tower::{Layer, Service, ServiceExt};

use super::RuleStack;
use crate::model::ExtensionRef;
use crate::{Body, BoxError};

/// Layers that routes reach by `ExtensionRef`.
#[derive(Clone, Default)]
pub(crate) struct Extensions {
    layers: HashMap<ExtensionRef, Wrap>,
}

type Wrap = Arc<dyn Fn(RuleStack) -> RuleStack + Send + Sync>;

impl Extensions {
    pub(crate) fn insert<L, B>(&mut self, name: ExtensionRef, layer: L)
    where
        L: Layer<RuleStack> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let wrap = move |stack| {
            let service = layer.layer(stack);
            RuleStack::new(service.map_response(|response: Response<B>| response.map(Body::new)))
        };
        self.layers.insert(name, Arc::new(wrap));
    }

    /// `stack` inside the layer called `name`, if there is one.
    pub(crate) fn wrap(&self, name: &ExtensionRef, stack: RuleStack) -> Option<RuleStack> {
        self.layers.get(name).map(|wrap| wrap(stack))
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.layers.keys()).finish()
    }
}
