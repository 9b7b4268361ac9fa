//! Log lines on standard error.

use std::fmt::{Display, Formatter};
use std::io::IsTerminal;
use std::str::FromStr;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::paint::Paint;

/// What log lines look like, and which there are: `text/info`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LogSettings {
    format: Format,
    level: Level,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    Text,
    Json,
}

impl LogSettings {
    /// Begins to log. To be called once.
    pub(crate) fn start(self, paint: Paint) {
        let lines = match self.format {
            Format::Json => fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(std::io::stderr)
                .boxed(),
            // A person looks on; whoever collects lines may want to know when.
            Format::Text if std::io::stderr().is_terminal() => fmt::layer()
                .without_time()
                .with_target(false)
                .with_ansi(paint.is_on())
                .with_writer(std::io::stderr)
                .boxed(),
            Format::Text => fmt::layer()
                .with_target(false)
                .with_ansi(false)
                .with_writer(std::io::stderr)
                .boxed(),
        };
        let shown = lines.with_filter(self.shown());

        tracing_subscriber::registry().with(shown).init();
    }

    fn shown(self) -> Targets {
        let shown = Targets::new().with_default(self.level);
        if self.level > Level::INFO {
            return shown;
        }
        // They say of each socket what this program says of each Gateway, and of each
        // call what it says of the API server, in better words.
        ["gateway_core::gateway", "kube_client"]
            .into_iter()
            .fold(shown, |shown, target| {
                shown.with_target(target, LevelFilter::OFF)
            })
    }
}

impl FromStr for LogSettings {
    type Err = InvalidLogSettings;

    fn from_str(text: &str) -> Result<Self, InvalidLogSettings> {
        let invalid = || InvalidLogSettings {
            text: text.to_owned(),
        };
        let (format, level) = match text.split_once('/') {
            Some((format, level)) => (format, level),
            None if matches!(text, "text" | "json") => (text, "info"),
            None => ("text", text),
        };

        Ok(Self {
            format: match format {
                "text" => Format::Text,
                "json" => Format::Json,
                _ => return Err(invalid()),
            },
            level: match level {
                "error" | "warn" | "info" | "debug" => level.parse().map_err(|_| invalid())?,
                _ => return Err(invalid()),
            },
        })
    }
}

/// As it is read.
impl Display for LogSettings {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let format = match self.format {
            Format::Text => "text",
            Format::Json => "json",
        };
        let level = self.level.as_str().to_ascii_lowercase();
        write!(f, "{format}/{level}")
    }
}

/// Not a way to log.
#[derive(Debug, thiserror::Error)]
#[error(
    "{text:?} is not FORMAT/LEVEL such as text/info or json/debug: formats are text and json, \
     levels error, warn, info and debug"
)]
pub(crate) struct InvalidLogSettings {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_half_may_be_left_out() {
        let parsed = |text: &str| text.parse::<LogSettings>().expect("is valid");

        assert_eq!(parsed("json"), parsed("json/info"));
        assert_eq!(parsed("debug"), parsed("text/debug"));
    }

    #[test]
    fn what_is_displayed_is_read_again() {
        for text in ["text/info", "json/debug"] {
            let parsed = text.parse::<LogSettings>().expect("is valid");
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn other_words_are_refused() {
        for text in ["", "/", "xml/info", "text/loud", "text/", "info/text", "3"] {
            assert!(text.parse::<LogSettings>().is_err(), "{text:?}");
        }
    }
}
