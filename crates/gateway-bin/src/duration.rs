//! Durations as people write them: `30s`, `1m30s`, `500ms`.

use std::time::Duration;

/// Reads a duration: numbers with their units, `h`, `m`, `s` or `ms`, or `0`.
pub(crate) fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let invalid = || InvalidDuration {
        text: text.to_owned(),
    };
    let mut rest = text;
    let mut total = Duration::ZERO;

    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        let (number, after) = rest.split_at(digits.ok_or_else(invalid)?);
        let letters = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let milliseconds = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return Err(invalid()),
        };
        let number: u64 = number.parse().map_err(|_| invalid())?;
        let part = number.checked_mul(milliseconds).ok_or_else(invalid)?;
        total = total
            .checked_add(Duration::from_millis(part))
            .ok_or_else(invalid)?;
        rest = after;
    }

    if text.is_empty() || total > LONGEST {
        Err(invalid())
    } else {
        Ok(total)
    }
}

/// Says a duration the way [`parse`] reads it.
pub(crate) fn display(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

/// Deadlines are added to the present, which must not overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Not a duration.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a duration such as 30s, 1m30s or 500ms, of at most a year")]
pub(crate) struct InvalidDuration {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        let parsed = |text| parse(text).expect("is a duration").as_millis();

        assert_eq!(parsed("1h1m1s1ms"), 3_661_001);
        assert_eq!(parsed("0"), 0);
        assert_eq!(parsed("0s"), 0);
    }

    #[test]
    fn what_has_no_unit_or_no_number_is_refused() {
        for text in ["", "5", "s", "-1s", "1.5s", "5 s", "1d", "99999999999999h"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
