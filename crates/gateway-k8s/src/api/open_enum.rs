//! Enums that keep what they do not know.

/// Declares an enum of the API by its texts.
///
/// A text that is not listed becomes `Unknown`, with the text in it: a value that
/// a later release added must fail only the one rule that uses it, with a message
/// that names it, and never the decoding of its object.
macro_rules! open_enum {
    ($vis:vis enum $name:ident { $($variant:ident = $text:literal,)+ }) => {
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        $vis enum $name {
            $($variant,)+
            /// A text this release does not know.
            Unknown(String),
        }

        impl $name {
            /// The text of this value, as it is written in objects.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }

            /// The text, if it is one this release does not know.
            pub fn unknown(&self) -> Option<&str> {
                match self {
                    $(Self::$variant => None,)+
                    Self::Unknown(text) => Some(text),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => Self::Unknown(text.to_owned()),
                }
            }
        }

        /// The unknown empty text: "no value" is nothing the API can mean.
        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Ok(Self::from(&*text))
            }
        }
    };
}

pub(super) use open_enum;
