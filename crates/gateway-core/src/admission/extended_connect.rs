//! Upgrades as HTTP/2 asks for them (RFC 8441).

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request};

/// Says that the request was an extended CONNECT: what HTTP/1.1 answers with 101
/// is a 200 to its client.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExtendedConnect;

/// Makes an extended CONNECT for `protocol` the request for an upgrade that it would
/// be in HTTP/1.1, so that routes, filters and backends need to know only that one.
pub(crate) fn open_extended_connect<B>(request: &mut Request<B>, protocol: &str) {
    let Ok(name) = HeaderValue::from_str(protocol) else {
        // It stays a CONNECT, which is refused.
        return;
    };
    *request.method_mut() = Method::GET;
    request.extensions_mut().insert(ExtendedConnect);

    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, name);
    if protocol.eq_ignore_ascii_case("websocket") && !headers.contains_key(KEY) {
        headers.insert(KEY, nonce());
    }
}

/// Section 5: in HTTP/2 there is none, in HTTP/1.1 there must be one.
const KEY: HeaderName = header::SEC_WEBSOCKET_KEY;

/// Sixteen random bytes in base64 (RFC 6455, section 4.1): they tell one handshake
/// from another and are no secret.
fn nonce() -> HeaderValue {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = [b'='; 24];
    for letter in &mut text[..21] {
        *letter = ALPHABET[fastrand::usize(..64)];
    }
    // The last letter of data carries two bits; its others are zero.
    text[21] = ALPHABET[fastrand::usize(..4) * 16];

    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA=="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(protocol: &str) -> Request<()> {
        let mut request = Request::connect("https://a.test/chat").body(()).unwrap();
        open_extended_connect(&mut request, protocol);
        request
    }

    #[test]
    fn websocket_becomes_its_handshake_with_a_key_of_its_own() {
        let (one, other) = (opened("websocket"), opened("websocket"));

        assert_eq!(one.method(), Method::GET);
        assert_eq!(one.headers()[header::UPGRADE], "websocket");
        assert_eq!(one.headers()[header::CONNECTION], "upgrade");
        assert_eq!(one.headers()[KEY].len(), 24);
        assert_ne!(one.headers()[KEY], other.headers()[KEY]);
    }

    #[test]
    fn protocol_that_is_no_field_value_stays_a_connect() {
        assert_eq!(opened("web\nsocket").method(), Method::CONNECT);
    }
}
