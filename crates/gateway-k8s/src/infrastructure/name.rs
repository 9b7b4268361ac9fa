//! Names that are derived from others, and are short enough.

use gateway_core::model::ObjectName;
use xxhash_rust::xxh3::xxh3_64;

/// The name of the Service of a Gateway: `GATEWAY-CLASS`, or the beginning of that
/// and a digest where it would be too long for the name of a Service, or is none.
///
/// Source: GEP-1762.
pub fn service_name(gateway: &ObjectName, class: &str) -> String {
    let whole = format!("{}-{class}", gateway.name());
    let is_label = whole
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && whole.starts_with(|first: char| first.is_ascii_lowercase());

    if is_label && whole.len() <= LONGEST {
        whole
    } else {
        shortened(&whole)
    }
}

/// `text` as the value of a label.
pub(super) fn label_value(text: &str) -> String {
    if text.len() <= LONGEST {
        text.to_owned()
    } else {
        shortened(text)
    }
}

/// Another name for each text, and the same for the same.
fn shortened(text: &str) -> String {
    let digest = format!("{:016x}", xxh3_64(text.as_bytes()));
    let begin: String = text
        .chars()
        .take(LONGEST - DIGEST - 3)
        .map(|one| {
            if one.is_ascii_alphanumeric() {
                one
            } else {
                '-'
            }
        })
        .collect();

    // Names of Services begin with a letter.
    let begin = begin.trim_end_matches('-');
    if begin.starts_with(|first: char| first.is_ascii_lowercase()) {
        format!("{begin}-{digest}")
    } else {
        format!("g-{begin}-{digest}")
    }
}

/// Of the name of a Service, and of the value of a label.
const LONGEST: usize = 63;
/// Of a digest, in hexadecimal digits.
const DIGEST: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(gateway: &str, class: &str) -> String {
        service_name(&ObjectName::new("edge", gateway), class)
    }

    #[test]
    fn short_names_are_as_the_api_proposes() {
        assert_eq!(name("web", "gateway"), "web-gateway");
    }

    #[test]
    fn names_that_are_no_labels_get_a_digest() {
        let one = name("1.example", "gateway");
        assert!(one.starts_with("g-1-example-gateway-"), "{one}");
        assert_ne!(one, name("1-example", "gateway"));
    }

    proptest! {
        #[test]
        fn every_name_is_one_of_a_service(gateway in "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", class in "[a-z]{1,60}") {
            let name = name(&gateway, &class);
            prop_assert!(name.len() <= 63);
            prop_assert!(name.starts_with(|first: char| first.is_ascii_lowercase()));
            prop_assert!(!name.ends_with('-'));
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        }

        #[test]
        fn long_names_that_begin_alike_stay_apart(one in "[a-z]{4}", other in "[a-z]{4}") {
            let long = "x".repeat(200);
            prop_assert_eq!(
                one == other,
                name(&format!("{long}{one}"), "c") == name(&format!("{long}{other}"), "c")
            );
            let value = label_value(&format!("{long}{one}"));
            prop_assert!(value.len() <= 63);
        }
    }
}
