//! Durations as the Gateway API writes them.

use std::time::Duration;

/// Reads a duration such as `1h30m` or `500ms`: one to four numbers of one to
/// five digits, each with its unit.
///
/// Source: GEP-2257.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;

    for _ in 0..4 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=5).contains(&digits) {
            return None;
        }
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let (unit, after) = unit_of(unit)?;

        // Five digits of hours are far from the end of a `Duration`.
        total += unit.saturating_mul(u32::try_from(number).ok()?);
        rest = after;
        if rest.is_empty() {
            return Some(total);
        }
    }

    None
}

fn unit_of(text: &str) -> Option<(Duration, &str)> {
    const UNITS: [(&str, Duration); 4] = [
        ("ms", Duration::from_millis(1)),
        ("h", Duration::from_secs(3600)),
        ("m", Duration::from_secs(60)),
        ("s", Duration::from_secs(1)),
    ];

    UNITS
        .iter()
        .find_map(|(unit, length)| text.strip_prefix(unit).map(|rest| (*length, rest)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_added_up() {
        assert_eq!(parse("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse("1s500ms"), Some(Duration::from_millis(1500)));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
        assert_eq!(parse("99999h"), Some(Duration::from_secs(99999 * 3600)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "1",
            "s",
            "1.5s",
            "-1s",
            "1d",
            "100000s",
            "1s1s1s1s1s",
            "1 s",
            "1us",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        /// Exactly the texts of the API's pattern are durations.
        #[test]
        fn the_pattern_decides(text in "([0-9]{0,6}(h|m|s|ms|x)?){0,5}") {
            let pattern = regex::Regex::new("^([0-9]{1,5}(h|m|s|ms)){1,4}$").unwrap();

            prop_assert_eq!(parse(&text).is_some(), pattern.is_match(&text));
        }
    }
}
