//! Which errors have which body.

use http::{HeaderValue, StatusCode};

use super::error::InvalidErrorBody;
use super::escape::Syntax;
use crate::template::{Template, Variable};

/// Bodies for errors. There are none by default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ErrorBodies {
    pub(super) bodies: Vec<ErrorBody>,
    pub(super) upstream: bool,
    /// What has to be remembered of a request, each once.
    pub(super) variables: Vec<Variable>,
}

impl ErrorBodies {
    /// No bodies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has one more body, which comes after those that are as particular.
    #[must_use]
    pub fn with_body(mut self, body: ErrorBody) -> Self {
        let asked = body.text.variables().filter(|v| !v.is_of_response());
        for variable in asked {
            if !self.variables.contains(variable) {
                self.variables.push(variable.clone());
            }
        }
        self.bodies.push(body);
        self
    }

    /// Whether errors of backends are given a body too. They are not by default.
    #[must_use]
    pub fn with_upstream_errors(mut self, replaced: bool) -> Self {
        self.upstream = replaced;
        self
    }

    /// Whether nothing would be changed, whatever the response.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }
}

/// A body for some errors.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ErrorBody {
    pub(super) statuses: ErrorStatuses,
    pub(super) content_type: HeaderValue,
    /// In lower case, without parameters.
    pub(super) media: (String, String),
    pub(super) syntax: Syntax,
    pub(super) text: Template,
}

impl ErrorBody {
    /// A body for errors with one of `statuses`: a text of this media type.
    ///
    /// # Errors
    ///
    /// If a status is no error, `content_type` no media type, or `text` has a variable that does
    /// not exist.
    pub fn new(
        statuses: ErrorStatuses,
        content_type: &str,
        text: &str,
    ) -> Result<Self, InvalidErrorBody> {
        if let ErrorStatuses::Exactly(status) = statuses
            && !(status.is_client_error() || status.is_server_error())
        {
            return Err(InvalidErrorBody::Status { status });
        }
        let (value, media) =
            parse_media(content_type).ok_or_else(|| InvalidErrorBody::ContentType {
                content_type: content_type.to_owned(),
            })?;
        let text = Template::parse(text).map_err(|source| InvalidErrorBody::Text { source })?;
        Ok(Self {
            statuses,
            content_type: value,
            syntax: Syntax::of(&media.1),
            media,
            text,
        })
    }
}

/// Which errors a body is for, from the most particular to the least.
///
/// The list is complete: statuses have no other classes of errors.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorStatuses {
    /// Those with this status.
    Exactly(StatusCode),
    /// 400 to 499.
    Client,
    /// 500 to 599.
    Server,
    /// 400 to 599.
    All,
}

impl ErrorStatuses {
    /// How particular this is to `status`; `None` if it is not for it.
    pub(super) fn rank(self, status: StatusCode) -> Option<u8> {
        let (applies, rank) = match self {
            Self::Exactly(only) => (only == status, 0),
            Self::Client => (status.is_client_error(), 1),
            Self::Server => (status.is_server_error(), 1),
            Self::All => (status.is_client_error() || status.is_server_error(), 2),
        };
        applies.then_some(rank)
    }
}

/// The value of `Content-Type`, and its type and subtype.
fn parse_media(content_type: &str) -> Option<(HeaderValue, (String, String))> {
    let essence = content_type.split(';').next()?.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    let is_token = |part: &str| {
        !part.is_empty()
            && !part.contains('*')
            && http::HeaderName::from_bytes(part.as_bytes()).is_ok()
    };
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let value = HeaderValue::from_str(content_type.trim()).ok()?;
    Some((value, (kind.to_owned(), subtype.to_owned())))
}
