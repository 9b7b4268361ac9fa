//! Requests after which the connection is no longer HTTP.

use http::header::CONNECTION;
use http::{HeaderMap, Method};

/// Whether the request asks for a tunnel: by CONNECT (RFC 9110, section 9.3.6; in
/// HTTP/2 RFC 8441 too) or by `Connection: upgrade` (RFC 9110, section 7.8).
///
/// What passes through a tunnel is no message that could be sent twice.
pub(crate) fn asks_for_tunnel(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::CONNECT
        || headers.get_all(CONNECTION).iter().any(|value| {
            let options = value.as_bytes().split(|byte| *byte == b',');
            options
                .map(<[u8]>::trim_ascii)
                .any(|option| option.eq_ignore_ascii_case(b"upgrade"))
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn connection(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static(value))])
    }

    #[test]
    fn connect_asks_for_a_tunnel() {
        assert!(asks_for_tunnel(&Method::CONNECT, &HeaderMap::new()));
    }

    #[test]
    fn upgrade_is_found_among_connection_options() {
        assert!(asks_for_tunnel(
            &Method::GET,
            &connection("keep-alive ,\tUpgrade")
        ));
    }

    #[test]
    fn other_connection_options_are_no_upgrade() {
        assert!(!asks_for_tunnel(
            &Method::GET,
            &connection("keep-alive, upgraded")
        ));
    }
}
