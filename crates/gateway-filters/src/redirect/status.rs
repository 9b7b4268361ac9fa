//! The status of a redirect.

use http::StatusCode;

/// A status that redirects. The list is complete: it is the Gateway API's.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum RedirectStatus {
    /// 301. A client may turn POST into GET.
    MovedPermanently,
    /// 302. A client may turn POST into GET. This is the default.
    #[default]
    Found,
    /// 303. A client turns every method but HEAD into GET.
    SeeOther,
    /// 307. The method is kept.
    TemporaryRedirect,
    /// 308. The method is kept.
    PermanentRedirect,
}

impl RedirectStatus {
    /// As the response carries it.
    #[must_use]
    pub const fn code(self) -> StatusCode {
        match self {
            Self::MovedPermanently => StatusCode::MOVED_PERMANENTLY,
            Self::Found => StatusCode::FOUND,
            Self::SeeOther => StatusCode::SEE_OTHER,
            Self::TemporaryRedirect => StatusCode::TEMPORARY_REDIRECT,
            Self::PermanentRedirect => StatusCode::PERMANENT_REDIRECT,
        }
    }
}

impl TryFrom<u16> for RedirectStatus {
    type Error = InvalidRedirectStatus;

    fn try_from(code: u16) -> Result<Self, InvalidRedirectStatus> {
        match code {
            301 => Ok(Self::MovedPermanently),
            302 => Ok(Self::Found),
            303 => Ok(Self::SeeOther),
            307 => Ok(Self::TemporaryRedirect),
            308 => Ok(Self::PermanentRedirect),
            _ => Err(InvalidRedirectStatus { code }),
        }
    }
}

/// A status that the Gateway API does not redirect with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code} is not the status of a redirect")]
pub struct InvalidRedirectStatus {
    /// As it was written.
    pub code: u16,
}
