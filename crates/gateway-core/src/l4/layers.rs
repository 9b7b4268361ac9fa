//! Layers of other people, around connections and sessions.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tower::{Layer, Service};

use super::{Connection, Stack, Summary};
use crate::BoxError;
use crate::model::ExtensionRef;

/// Layers that stream routes reach by name.
#[derive(Debug, Default)]
pub(crate) struct StreamLayers {
    pub(super) connections: Layers<Connection>,
}

impl StreamLayers {
    /// Those that go around connections.
    pub(crate) fn connections(&mut self) -> &mut Layers<Connection> {
        &mut self.connections
    }
}

/// Layers around one kind of service.
pub(crate) struct Layers<I> {
    layers: HashMap<ExtensionRef, Wrap<I>>,
}

type Wrap<I> = Arc<dyn Fn(Stack<I>) -> Stack<I> + Send + Sync>;

impl<I: Send + 'static> Layers<I> {
    pub(crate) fn insert<L>(&mut self, name: ExtensionRef, layer: L)
    where
        L: Layer<Stack<I>> + Send + Sync + 'static,
        L::Service: Service<I, Response = Summary> + Clone + Send + Sync + 'static,
        <L::Service as Service<I>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<I>>::Future: Send + 'static,
    {
        let wrap = move |stack| Stack::new(layer.layer(stack));
        self.layers.insert(name, Arc::new(wrap));
    }

    /// `inner` inside the layers called `names`, the first of them outermost.
    ///
    /// # Errors
    ///
    /// The first name of which there is none.
    pub(super) fn wrap<'a>(
        &self,
        names: &'a [ExtensionRef],
        inner: Stack<I>,
    ) -> Result<Stack<I>, &'a ExtensionRef> {
        names.iter().rev().try_fold(inner, |inner, name| {
            let wrap = self.layers.get(name).ok_or(name)?;
            Ok(wrap(inner))
        })
    }
}

impl<I> Default for Layers<I> {
    fn default() -> Self {
        Self {
            layers: HashMap::new(),
        }
    }
}

impl<I> fmt::Debug for Layers<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.layers.keys()).finish()
    }
}
