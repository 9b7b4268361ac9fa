//! Who was authenticated.

use std::sync::Arc;

/// The name of whoever sent the request, as the configuration knows them.
///
/// An extension of the request, made by the filter that authenticated it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Consumer(pub Arc<str>);
