//! Which headers are for whoever sends a message.

use http::HeaderName;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};

/// Whether a header says how long a message is or how it is sent.
pub(crate) fn is_framing(name: &HeaderName) -> bool {
    FRAMING.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Whether it says so, or to whom a message goes: no place for what is known of a request.
pub(crate) fn is_senders(name: &HeaderName) -> bool {
    is_framing(name) || *name == HOST
}

const FRAMING: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A name that cannot be that of a header which a configuration names.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeaderName {
    /// It is not a token (RFC 9110, section 5.6.2).
    #[error("{name:?} is not a header name")]
    Token {
        /// As it was written.
        name: String,
    },
    /// The header says how a message is sent, or to whom.
    #[error("{name} is not for a configuration to set")]
    Framing {
        /// The header.
        name: HeaderName,
    },
}

/// The header called `name`, unless it is one of those that are `kept` from configurations.
pub(crate) fn named(
    name: &str,
    kept: fn(&HeaderName) -> bool,
) -> Result<HeaderName, InvalidHeaderName> {
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        let name = name.to_owned();
        return Err(InvalidHeaderName::Token { name });
    };
    if kept(&parsed) {
        return Err(InvalidHeaderName::Framing { name: parsed });
    }
    Ok(parsed)
}

/// For tests of settings.
#[cfg(test)]
pub(crate) const SENDERS: [&str; 9] = [
    "connection",
    "Content-Length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
