//! Prometheus' text format, version 0.0.4.

use std::fmt::{self, Display, Write};
use std::time::SystemTime;

/// A name, and what is meant by it.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    kind: &'static str,
    help: &'static str,
}

impl Family {
    /// What only grows, until the process ends.
    pub(super) const fn counter(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            kind: "counter",
            help,
        }
    }

    /// What is so at the moment.
    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            kind: "gauge",
            help,
        }
    }
}

/// A text under construction.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a family, of which there is one of each name.
    pub(super) fn family(&mut self, family: &Family) -> Samples<'_> {
        let Family { name, kind, help } = family;
        let help = Escaped {
            text: help,
            quotes: false,
        };
        line(
            &mut self.0,
            format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"),
        );
        Samples {
            text: &mut self.0,
            name: family.name,
        }
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// The samples of a family. No two have the same labels.
#[derive(Debug)]
pub(super) struct Samples<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Samples<'_> {
    pub(super) fn sample(&mut self, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.text.push_str(self.name);
        for (place, (name, label)) in labels.iter().enumerate() {
            let start = if place == 0 { '{' } else { ',' };
            let label = label.to_string();
            let label = Escaped {
                text: &label,
                quotes: true,
            };
            line(self.text, format_args!("{start}{name}=\"{label}\""));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        line(self.text, format_args!("{end} {value}\n"));
    }

    /// As seconds since 1970.
    pub(super) fn moment(&mut self, labels: &[(&str, &dyn Display)], moment: SystemTime) {
        let seconds = match moment.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => since.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        };
        self.sample(labels, seconds);
    }
}

struct Escaped<'a> {
    text: &'a str,
    quotes: bool,
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.text.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '"' if self.quotes => f.write_str("\\\"")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

fn line(text: &mut String, arguments: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn text_is_as_the_format_says() {
        let mut text = Text::default();

        let mut samples = text.family(&Family::counter("a_total", "First\\line\n\"next\""));
        samples.sample(&[], 3);
        samples.sample(&[("one", &"x"), ("two", &"a\"b\\c\nd")], 4);
        text.family(&Family::gauge("b_seconds", "Moments"))
            .moment(&[], SystemTime::UNIX_EPOCH + Duration::from_millis(1_500));

        assert_eq!(
            text.into_string(),
            "# HELP a_total First\\\\line\\n\"next\"\n\
             # TYPE a_total counter\n\
             a_total 3\n\
             a_total{one=\"x\",two=\"a\\\"b\\\\c\\nd\"} 4\n\
             # HELP b_seconds Moments\n\
             # TYPE b_seconds gauge\n\
             b_seconds 1.5\n"
        );
    }

    #[test]
    fn moments_before_1970_are_negative() {
        let mut text = Text::default();

        text.family(&Family::gauge("b", "Moments"))
            .moment(&[], SystemTime::UNIX_EPOCH - Duration::from_secs(2));

        assert!(text.into_string().ends_with("\nb -2\n"));
    }
}
