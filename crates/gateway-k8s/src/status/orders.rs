//! What the tasks that write are asked for.

use super::Statuses;
use crate::verdict::Verdicts;

/// The newest that a task was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// What was decided, and what was seen of the same objects.
    pub(super) told: Option<(Verdicts, Statuses)>,
    /// Whether to write.
    pub(super) leading: bool,
}
