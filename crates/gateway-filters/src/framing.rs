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
