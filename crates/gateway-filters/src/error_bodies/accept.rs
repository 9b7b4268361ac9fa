//! What a client would rather have.

use http::HeaderValue;

/// How much a client wants a media type, from 0 to 1000: RFC 9110, section 12.5.1.
///
/// The most particular range that matches decides. What cannot be read counts for nothing.
pub(super) fn quality(accept: &str, (kind, subtype): (&str, &str)) -> u16 {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
        let rank = if range_kind.eq_ignore_ascii_case(kind)
            && range_subtype.eq_ignore_ascii_case(subtype)
        {
            2
        } else if range_kind.eq_ignore_ascii_case(kind) && range_subtype == "*" {
            1
        } else if range_kind == "*" && range_subtype == "*" {
            0
        } else {
            return None;
        };
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim_end()
                .eq_ignore_ascii_case("q")
                .then(|| weight(value.trim_start()))
        });
        Some((rank, weight.unwrap_or(1_000)))
    });
    ranges.max().map_or(0, |(_, weight)| weight)
}

fn weight(text: &str) -> u16 {
    match text.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1_000.0) as u16,
        Ok(_) | Err(_) => 0,
    }
}

/// The values of `Accept` in one line; empty if there is none that can be read.
pub(super) fn joined<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> String {
    let readable: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    readable.join(",")
}
