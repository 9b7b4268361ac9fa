//! Fields behind a body.

use http::header::{self, HeaderMap, HeaderName};
use http_body::Frame;

/// Removes the trailers that must not come late (RFC 9110, section 6.5.1): those that
/// frame, route, authenticate or say who the client is. Whoever merges trailers into
/// the head would believe them.
pub(crate) fn strip_trailers<D>(frame: Frame<D>) -> Frame<D> {
    if !frame.is_trailers() {
        return frame;
    }
    match frame.into_trailers() {
        Ok(mut trailers) => {
            strip(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

fn strip(trailers: &mut HeaderMap) {
    let late: Vec<_> = trailers
        .keys()
        .filter(|name| is_too_late(name))
        .cloned()
        .collect();
    for name in late {
        trailers.remove(name);
    }
}

fn is_too_late(name: &HeaderName) -> bool {
    TOO_LATE.contains(name) || name.as_str().starts_with("x-forwarded-")
}

const TOO_LATE: [HeaderName; 24] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::EXPECT,
    header::FORWARDED,
    header::HOST,
    header::LOCATION,
    header::MAX_FORWARDS,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::SET_COOKIE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("x-real-ip"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_come_late_is_left() {
        let names = [
            "grpc-status",
            "host",
            "x-forwarded-for",
            "set-cookie",
            "etag",
        ];
        let trailers = names
            .into_iter()
            .map(|name| {
                (
                    HeaderName::from_static(name),
                    header::HeaderValue::from_static("1"),
                )
            })
            .collect();

        let left = strip_trailers(Frame::<()>::trailers(trailers))
            .into_trailers()
            .unwrap();

        let left: Vec<_> = left.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["grpc-status", "etag"]);
    }

    #[test]
    fn data_passes() {
        let frame = strip_trailers(Frame::data("bytes"));

        assert_eq!(frame.into_data().unwrap(), "bytes");
    }
}
