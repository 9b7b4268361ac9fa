//! The text of a document to a value.

use serde_json::Value;
use serde_saphyr::options;

/// A text that is neither YAML nor JSON.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Malformed {
    /// The line, from 1 in the text.
    pub(super) line: usize,
    /// What is wrong there.
    pub(super) message: String,
}

/// Reads one document.
///
/// A key that is written twice is refused, `no` and `on` are texts, and aliases
/// may not blow a document up.
pub(super) fn read(text: &str) -> Result<Value, Malformed> {
    // Tabs, which JSON allows and many files have, are not allowed by YAML.
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let options = options! {
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        let message = error.without_snippet().to_string();
        Malformed {
            line: usize::try_from(line).unwrap_or(1),
            message: first_line(&message),
        }
    })
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_texts_and_not_booleans() {
        assert_eq!(
            read("a: on\nb: no\nc: true\n"),
            Ok(json!({"a": "on", "b": "no", "c": true}))
        );
    }

    #[test]
    fn mistakes_have_a_line() {
        let malformed = read("a: 1\nb: [\nc: 2\n").expect_err("is not closed");

        assert!((2..=4).contains(&malformed.line), "{malformed:?}");
    }

    #[test]
    fn a_key_written_twice_is_refused() {
        let malformed = read("a: 1\nb: 2\na: 3\n").expect_err("a is there twice");

        assert_eq!(malformed.line, 3, "{malformed:?}");
    }

    #[test]
    fn json_may_be_indented_with_tabs() {
        assert_eq!(read("{\n\t\"a\": 1\n}\n"), Ok(json!({"a": 1})));
    }

    #[test]
    fn aliases_cannot_blow_up() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let before = n - 1;
            let ten = vec![format!("*a{before}"); 10].join(", ");
            bomb += &format!("a{n}: &a{n} [{ten}]\n");
        }

        read(&bomb).expect_err("has a trillion leaves");
    }
}
