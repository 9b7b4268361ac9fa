//! Reads the cookies of a request.

use http::{HeaderMap, header};

/// The values of the cookies called `name`, in their order (RFC 6265, section 5.4).
pub(crate) fn named<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(move |pair| {
            let pair = pair.trim_ascii();
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            let (found, value) = (&pair[..equals], &pair[equals + 1..]);
            (found.trim_ascii() == name.as_bytes()).then(|| value.trim_ascii())
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_are_found_in_every_field_and_place() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1; b=2;a = 3"));
        headers.append("cookie", HeaderValue::from_static("ba=4; a=; a; =5; a=6=7"));

        let values: Vec<_> = named(&headers, "a").collect();

        assert_eq!(values, [&b"1"[..], b"3", b"", b"6=7"]);
        assert_eq!(named(&headers, "c").count(), 0);
    }
}
