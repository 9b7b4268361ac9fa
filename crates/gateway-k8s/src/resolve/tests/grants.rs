//! Every reference that crosses a namespace, with every grant that almost fits.

use super::super::grants::{From, To, permit};
use super::super::view::View;
use crate::testing::Manifests;
use crate::verdict::Reason;

const FROM_KINDS: [&str; 3] = ["HTTPRoute", "GRPCRoute", "Gateway"];
const TO_KINDS: [(&str, &str); 4] = [
    ("", "Service"),
    ("", "Secret"),
    ("", "ConfigMap"),
    ("gateway.networking.x-k8s.io", "XBackend"),
];
const GROUP: &str = "gateway.networking.k8s.io";

fn permitted(manifests: &Manifests, from: From<'_>, to: To<'_>) -> bool {
    match permit(&View::new(manifests.world()), from, to) {
        Ok(_) => true,
        Err(problem) => {
            assert_eq!(problem.reason, Reason::RefNotPermitted);
            false
        }
    }
}

fn qualified((group, kind): (&str, &str)) -> String {
    if group.is_empty() {
        kind.to_owned()
    } else {
        format!("{group}/{kind}")
    }
}

#[test]
fn a_grant_permits_its_own_kinds_and_no_others() {
    for granted_from in FROM_KINDS {
        for granted_to in TO_KINDS {
            let to_text = qualified(granted_to);
            let with =
                Manifests::new().grant("target/g", (granted_from, "source"), (&to_text, None));
            let without = with
                .clone()
                .without::<crate::api::ReferenceGrant>("target/g");

            for kind in FROM_KINDS {
                for (group, to_kind) in TO_KINDS {
                    let from = From {
                        group: GROUP,
                        kind,
                        namespace: "source",
                    };
                    let to = To {
                        group,
                        kind: to_kind,
                        namespace: "target",
                        name: "it",
                    };
                    let expected = kind == granted_from && (group, to_kind) == granted_to;

                    assert_eq!(permitted(&with, from, to), expected, "{from:?} {to:?}");
                    assert!(!permitted(&without, from, to));
                }
            }
        }
    }
}

#[test]
fn a_grant_that_differs_in_one_field_permits_nothing() {
    let from = From {
        group: GROUP,
        kind: "HTTPRoute",
        namespace: "source",
    };
    let to = To {
        group: "",
        kind: "Service",
        namespace: "target",
        name: "it",
    };
    let grant = |name: &str, from, to| permitted(&Manifests::new().grant(name, from, to), FROM, TO);
    const FROM: From<'static> = From {
        group: GROUP,
        kind: "HTTPRoute",
        namespace: "source",
    };
    const TO: To<'static> = To {
        group: "",
        kind: "Service",
        namespace: "target",
        name: "it",
    };

    assert!(grant(
        "target/g",
        ("HTTPRoute", "source"),
        ("Service", None)
    ));
    assert!(grant(
        "target/g",
        ("HTTPRoute", "source"),
        ("Service", Some("it"))
    ));
    assert!(grant(
        "target/g",
        ("HTTPRoute", "source"),
        ("Service", Some(""))
    ));

    // In the namespace of who asks, instead of who is asked for.
    assert!(!grant(
        "source/g",
        ("HTTPRoute", "source"),
        ("Service", None)
    ));
    assert!(!grant(
        "other/g",
        ("HTTPRoute", "source"),
        ("Service", None)
    ));
    assert!(!grant(
        "target/g",
        ("HTTPRoute", "other"),
        ("Service", None)
    ));
    assert!(!grant(
        "target/g",
        ("HTTPRoute", "target"),
        ("Service", None)
    ));
    assert!(!grant(
        "target/g",
        ("example.com/HTTPRoute", "source"),
        ("Service", None)
    ));
    assert!(!grant("target/g", ("Gateway", "source"), ("Service", None)));
    assert!(!grant(
        "target/g",
        ("HTTPRoute", "source"),
        ("Service", Some("other"))
    ));
    assert!(!grant(
        "target/g",
        ("HTTPRoute", "source"),
        ("example.com/Service", None)
    ));
    assert!(!grant(
        "target/g",
        ("HTTPRoute", "source"),
        ("Secret", None)
    ));
    assert!(!permitted(&Manifests::new(), from, to));
}

#[test]
fn two_grants_are_not_added_up() {
    let from = From {
        group: GROUP,
        kind: "HTTPRoute",
        namespace: "source",
    };
    let to = To {
        group: "",
        kind: "Service",
        namespace: "target",
        name: "it",
    };
    let manifests = Manifests::new()
        .grant("target/one", ("HTTPRoute", "source"), ("Secret", None))
        .grant("target/two", ("Gateway", "source"), ("Service", None));

    assert!(!permitted(&manifests, from, to));
}

#[test]
fn within_a_namespace_no_grant_is_needed() {
    let from = From {
        group: GROUP,
        kind: "HTTPRoute",
        namespace: "shop",
    };
    let to = To {
        group: "",
        kind: "Service",
        namespace: "shop",
        name: "it",
    };

    assert!(permitted(&Manifests::new(), from, to));
}
