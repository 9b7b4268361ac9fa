//! Why the objects of a kind cannot be had now.

use std::error::Error as _;
use std::time::Duration;

use kube::Error;

/// Why a list or a watch ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the API server does not answer")]
    Slow,
    #[error("the API server does not say of when its answer is")]
    NoVersion,
    #[error("{}", text(.0))]
    Client(Error),
}

impl Failure {
    /// Whether what was asked for is too long ago: everything has to be listed.
    pub(super) fn is_too_old(&self) -> bool {
        matches!(self, Self::NoVersion) || self.code() == Some(410)
    }

    /// Whether the kind is not served.
    pub(super) fn is_missing(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the API server has decided so, and asking again will not change it soon.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self.code(), Some(401 | 403 | 404 | 405))
    }

    /// Whether the API server seems not to be there, or not to be itself.
    pub(super) fn is_outage(&self) -> bool {
        match self.code() {
            Some(code) => matches!(code, 500 | 502 | 503 | 504),
            None => true,
        }
    }

    /// How long the API server wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let Self::Client(Error::Api(status)) = self else {
            return None;
        };
        let seconds = status.details.as_ref()?.retry_after_seconds;
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }

    fn code(&self) -> Option<u16> {
        match self {
            Self::Client(Error::Api(status)) => Some(status.code),
            Self::Client(_) | Self::Slow | Self::NoVersion => None,
        }
    }
}

/// What is wrong, with its causes: this is where a person looks.
fn text(error: &Error) -> String {
    if let Error::Api(status) = error {
        return match &*status.message {
            "" => format!("the API server answers {} {}", status.code, status.reason),
            message => format!("the API server answers {}: {message}", status.code),
        };
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        // Some print their causes themselves.
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}
