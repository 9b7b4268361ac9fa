//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::DirectResponseService;
use crate::answer::Answer;

/// Applies [`DirectResponseService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct DirectResponseLayer {
    answer: Arc<Answer>,
}

impl DirectResponseLayer {
    /// Answers every request with `answer`.
    #[must_use]
    pub fn new(answer: impl Into<Arc<Answer>>) -> Self {
        Self {
            answer: answer.into(),
        }
    }
}

impl<S> Layer<S> for DirectResponseLayer {
    type Service = DirectResponseService<S>;

    fn layer(&self, _: S) -> Self::Service {
        DirectResponseService::new(Arc::clone(&self.answer))
    }
}
