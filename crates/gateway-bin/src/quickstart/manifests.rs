//! The built-in manifests.

/// As they are printed: whole, and valid as they stand.
pub(super) const MANIFESTS: &str = include_str!("manifests/quickstart.yaml");

/// The manifests with the ports that are really there.
pub(super) fn with_ports(listener: u16, backends: [u16; 2]) -> String {
    let mut text = MANIFESTS.replace("8080", &listener.to_string());
    for (written, port) in ["9001", "9002"].into_iter().zip(backends) {
        text = text.replace(
            &format!("- port: {written}\n"),
            &format!("- port: {port}\n"),
        );
    }

    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_is_put_in_once() {
        let text = with_ports(1, [2, 3]);

        assert_eq!(text.matches("    port: 1\n").count(), 1);
        assert_eq!(text.matches("\n- port: 2\n").count(), 1);
        assert_eq!(text.matches("\n- port: 3\n").count(), 1);
        assert!(!text.contains("8080") && !text.contains("900"));
    }
}
