//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::InquiryService;

/// Applies [`InquiryService`].
#[derive(Debug)]
pub struct InquiryLayer<I> {
    inquirer: Arc<I>,
}

impl<I> InquiryLayer<I> {
    /// Asks `inquirer` about every request.
    #[must_use]
    pub fn new(inquirer: impl Into<Arc<I>>) -> Self {
        Self {
            inquirer: inquirer.into(),
        }
    }
}

impl<S, I> Layer<S> for InquiryLayer<I> {
    type Service = InquiryService<S, I>;

    fn layer(&self, inner: S) -> Self::Service {
        InquiryService::new(inner, Arc::clone(&self.inquirer))
    }
}

// By hand: a derive would ask it of the inquirer, who is shared.
impl<I> Clone for InquiryLayer<I> {
    fn clone(&self) -> Self {
        Self {
            inquirer: Arc::clone(&self.inquirer),
        }
    }
}
