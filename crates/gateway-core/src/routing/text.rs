//! Keys that are compared where they lie.

use std::fmt;
use std::sync::Arc;

/// A text that lies, if it is short, where its owner lies: comparing it then reads
/// no other place of memory.
#[derive(Clone)]
pub(super) enum Text {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Arc<str>),
}

impl Text {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Self::Long(text) => text.as_bytes(),
        }
    }
}

impl From<&Arc<str>> for Text {
    fn from(text: &Arc<str>) -> Self {
        Self::short(text).unwrap_or_else(|| Self::Long(Arc::clone(text)))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::short(text).unwrap_or_else(|| Self::Long(text.into()))
    }
}

impl Text {
    fn short(text: &str) -> Option<Self> {
        let mut bytes = [0; SHORT];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());

        Some(Self::Short {
            len: text.len() as u8,
            bytes,
        })
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(self.as_bytes()).fmt(f)
    }
}

/// As much as makes four words of a [`Text`].
const SHORT: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_texts_are_what_they_were_made_of() {
        for len in [0, 1, SHORT - 1, SHORT, SHORT + 1, 300] {
            let text = "x".repeat(len);
            let shared = Arc::from(&*text);

            assert_eq!(Text::from(&*text).as_bytes(), text.as_bytes());
            assert_eq!(Text::from(&shared).as_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn it_is_four_words_large() {
        assert_eq!(size_of::<Text>(), 32);
    }
}
