//! Why a request is refused, and why a rule cannot be built.

/// Why a request may not pass. The list is complete.
///
/// It is an extension of the response, for whoever counts or logs what was refused.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum AccessDenied {
    /// Addresses matter, and the one of this request is not known.
    #[error("the address is not known")]
    UnknownAddress,
    /// The address is in the denied set.
    #[error("the address is denied")]
    DeniedAddress,
    /// The address is not in the allowed set.
    #[error("the address is not allowed")]
    NotAllowedAddress,
    /// A rule denies it.
    #[error("rule {rule} denies it")]
    Rule {
        /// Which, counted from zero.
        rule: usize,
    },
    /// No rule decides about it, and what none decides about is denied.
    #[error("no rule allows it")]
    NoRule,
}

/// The path of a rule is no path.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{path:?} is not a path that starts with a slash")]
pub struct InvalidAccessPath {
    /// As it was written.
    pub path: String,
}
