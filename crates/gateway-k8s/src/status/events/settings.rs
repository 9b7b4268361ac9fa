//! Who tells.

use std::sync::Arc;

/// Who writes Events.
#[derive(Clone, Debug)]
pub struct EventSettings {
    pub(super) controller: Arc<str>,
    pub(super) instance: Arc<str>,
}

impl EventSettings {
    /// In the name of this controller, as in `GatewayClass.spec.controllerName`, and by
    /// this process: what it is called in a Lease will do.
    pub fn new(controller: &str, instance: &str) -> Self {
        Self {
            controller: qualified(controller).into(),
            instance: super::event::shortened(instance, MAX_INSTANCE).into(),
        }
    }
}

/// The name as an Event may have it: a domain and one word of at most 63 characters,
/// where the name of a controller may have a path.
fn qualified(controller: &str) -> String {
    let (domain, path) = controller.split_once('/').unwrap_or(("", controller));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let word: String = path
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .take(MAX_WORD)
        .collect();
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());

    match (domain, word) {
        ("", "") => "controller".to_owned(),
        ("", word) => word.to_owned(),
        (domain, "") => domain.to_owned(),
        (domain, word) => format!("{domain}/{word}"),
    }
}

/// `Event.reportingController` has no longer word after the slash.
const MAX_WORD: usize = 63;

/// `Event.reportingInstance` is no longer.
const MAX_INSTANCE: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_with_paths_have_names_that_events_take() {
        let long = format!("a.example/{}", "x/".repeat(60));

        assert_eq!(qualified("gateway.example/ctl"), "gateway.example/ctl");
        assert_eq!(qualified("a.example/b/c~d/"), "a.example/b-c-d");
        assert_eq!(qualified("a.example/~"), "a.example");
        assert_eq!(qualified(""), "controller");
        assert_eq!(qualified(&long).len(), "a.example/".len() + 63);
    }
}
