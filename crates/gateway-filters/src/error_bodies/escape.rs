//! Values that mean nothing to whoever reads the body.

use std::io::Write;

/// How a text is read, and hence how a value has to be written in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Syntax {
    Json,
    Markup,
    Plain,
}

impl Syntax {
    /// That of a media type with this subtype, in lower case.
    pub(super) fn of(subtype: &str) -> Self {
        match subtype {
            // A string of JSON is one of a script too, as it is written here.
            other if other.contains("json") || other.contains("script") => Self::Json,
            other
                if ["html", "xml", "xsl"]
                    .iter()
                    .any(|markup| other.contains(markup)) =>
            {
                Self::Markup
            }
            // Nothing that a browser takes for a page or a script.
            _ => Self::Plain,
        }
    }

    /// Writes `value` so that it is read as itself.
    pub(super) fn write(self, value: &[u8], text: &mut Vec<u8>) {
        for character in String::from_utf8_lossy(value).chars() {
            match self {
                Self::Json => json(character, text),
                Self::Markup => markup(character, text),
                Self::Plain if character.is_control() => {}
                Self::Plain => push(character, text),
            }
        }
    }
}

fn json(character: char, text: &mut Vec<u8>) {
    match character {
        '"' | '\\' => text.extend([b'\\', character as u8]),
        // Also what would end a script that the text may stand in, or the string of one.
        '<' | '>' | '&' | '\'' | '`' | '\u{2028}' | '\u{2029}' => unicode(character, text),
        _ if character.is_control() => unicode(character, text),
        _ => push(character, text),
    }
}

fn unicode(character: char, text: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(text, "\\u{:04x}", character as u32);
}

fn markup(character: char, text: &mut Vec<u8>) {
    let entity = match character {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ if character.is_control() => return,
        _ => return push(character, text),
    };
    text.extend_from_slice(entity.as_bytes());
}

fn push(character: char, text: &mut Vec<u8>) {
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}
