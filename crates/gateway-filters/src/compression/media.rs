//! Media types, and patterns of them.

/// One media type, or many.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum MediaPattern {
    Exactly(String),
    /// With this before the subtype, slash included.
    Kind(String),
    /// With this at the end, plus sign included.
    Suffix(String),
}

impl MediaPattern {
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let pattern = pattern.to_ascii_lowercase();
        let (kind, subtype) = pattern.split_once('/')?;
        if kind == "*" {
            let suffix = subtype.strip_prefix('*')?;
            let name = suffix.strip_prefix('+')?;
            return is_token(name).then(|| Self::Suffix(suffix.to_owned()));
        }
        if !is_token(kind) {
            return None;
        }
        if subtype == "*" {
            return Some(Self::Kind(format!("{kind}/")));
        }
        is_token(subtype).then_some(Self::Exactly(pattern))
    }

    /// Whether the value of a `Content-Type` is among these.
    pub(super) fn matches(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match self {
            Self::Exactly(name) => name.eq_ignore_ascii_case(essence),
            Self::Kind(start) => essence
                .get(..start.len())
                .is_some_and(|there| there.eq_ignore_ascii_case(start)),
            Self::Suffix(end) => essence
                .len()
                .checked_sub(end.len())
                .and_then(|at| essence.get(at..))
                .is_some_and(|there| there.eq_ignore_ascii_case(end)),
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && !text.contains('*') && http::HeaderName::from_bytes(text.as_bytes()).is_ok()
}
