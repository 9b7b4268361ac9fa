//! Why a command gives up.

use std::error::Error;
use std::fmt::Write;

use crate::paint::Paint;

/// What went wrong, in words for the person at the terminal, and what to do.
#[derive(Debug)]
pub(crate) struct CommandFailure {
    message: String,
    remedy: Option<String>,
}

impl CommandFailure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: None,
        }
    }

    /// With every cause of `error` behind the message.
    pub(crate) fn caused(message: impl Into<String>, error: &dyn Error) -> Self {
        let mut message = message.into();
        let mut cause = Some(error);
        while let Some(error) = cause {
            // Writing to a String cannot fail.
            let _ = write!(message, ": {error}");
            cause = error.source();
        }

        Self::new(message)
    }

    /// Says what to do. Nothing by default.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Tells it on standard error.
    pub(crate) fn print(&self, paint: Paint) {
        eprintln!("{} {}", paint.bad("error:"), self.message);
        if let Some(remedy) = &self.remedy {
            eprintln!("{} {remedy}", paint.strong(" help:"));
        }
    }
}
