use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{PathMatchType, TlsMode, XBackend, XBackendProtocol, XBackendTrafficPolicy};

/// The specification, decoded and encoded again.
fn again<T: DeserializeOwned + Serialize>(spec: &Value) -> Value {
    let object = json!({"metadata": {"name": "sample"}, "spec": spec});
    let decoded: T = serde_json::from_value(object).expect("decodes");
    serde_json::to_value(decoded).expect("encodes")["spec"].take()
}

#[test]
fn backends_say_the_same_again() {
    let spec = json!({
        "type": "ExternalHostname",
        "externalHostname": {"hostname": "api.example.com"},
        "port": {"number": 443},
        "protocol": "HTTP2",
        "tls": {
            "mode": "ClientAndServer",
            "clientCertificateRef": {"name": "client"},
            "validation": {
                "hostname": "api.example.com",
                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}],
                "subjectAltNames": [{"type": "URI", "uri": "spiffe://example.com/api"}],
            },
        },
    });

    assert_eq!(again::<XBackend>(&spec), spec);
}

#[test]
fn backend_traffic_policies_say_the_same_again() {
    let spec = json!({
        "targetRefs": [{"group": "", "kind": "Service", "name": "web"}],
        "retryConstraint": {
            "budget": {"percent": 20, "interval": "10s"},
            "minRetryRate": {"count": 10, "interval": "1s"},
        },
        "sessionPersistence": {
            "type": "Cookie",
            "cookie": {"name": "who", "lifetimeType": "Permanent"},
            "absoluteTimeout": "1h",
        },
    });

    assert_eq!(again::<XBackendTrafficPolicy>(&spec), spec);
}

#[test]
fn known_texts_have_names_of_their_own() {
    assert_eq!(TlsMode::from("Passthrough"), TlsMode::Passthrough);
    assert_eq!(XBackendProtocol::H2c.to_string(), "H2C");
    assert_eq!(PathMatchType::PathPrefix.unknown(), None);
}

#[test]
fn unknown_texts_are_kept() {
    let mode: TlsMode = serde_json::from_value(json!("Future")).expect("any text decodes");

    assert_eq!(mode.unknown(), Some("Future"));
    assert_eq!(
        serde_json::to_value(&mode).expect("encodes"),
        json!("Future")
    );
}

#[test]
fn other_things_than_texts_are_refused() {
    serde_json::from_value::<TlsMode>(json!(7)).expect_err("is a number");
}

#[test]
fn no_value_is_none_of_the_known_ones() {
    assert_eq!(TlsMode::default().unknown(), Some(""));
}
