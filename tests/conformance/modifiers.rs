//! Headers that filters change.

use futures_util::future::join_all;

use crate::exchange::{Exchange, V1, echo, get};
use crate::suite::{Suite, check};

fn request_exchanges() -> [Exchange; 7] {
    [
        get("/set")
            .header("Some-Other-Header", "val")
            .reaches(V1)
            .with(&[
                ("Some-Other-Header", "val"),
                ("X-Header-Set", "set-overwrites-values"),
            ]),
        get("/set")
            .header("Some-Other-Header", "val")
            .header("X-Header-Set", "some-other-value")
            .reaches(V1)
            .with(&[
                ("Some-Other-Header", "val"),
                ("X-Header-Set", "set-overwrites-values"),
            ]),
        get("/add")
            .header("Some-Other-Header", "val")
            .reaches(V1)
            .with(&[
                ("Some-Other-Header", "val"),
                ("X-Header-Add", "add-appends-values"),
            ]),
        get("/add")
            .header("Some-Other-Header", "val")
            .header("X-Header-Add", "some-other-value")
            .reaches(V1)
            .with(&[
                ("Some-Other-Header", "val"),
                ("X-Header-Add", "some-other-value,add-appends-values"),
            ]),
        get("/remove")
            .header("X-Header-Remove", "val")
            .reaches(V1)
            .without(&["X-Header-Remove"]),
        get("/multiple")
            .header("X-Header-Set-2", "set-val-2")
            .header("X-Header-Add-2", "add-val-2")
            .header("X-Header-Remove-2", "remove-val-2")
            .header("Another-Header", "another-header-val")
            .reaches(V1)
            .with(&[
                ("X-Header-Set-1", "header-set-1"),
                ("X-Header-Set-2", "header-set-2"),
                ("X-Header-Add-1", "header-add-1"),
                ("X-Header-Add-2", "add-val-2,header-add-2"),
                ("X-Header-Add-3", "header-add-3"),
                ("Another-Header", "another-header-val"),
            ])
            .without(&["X-Header-Remove-1", "X-Header-Remove-2"]),
        get("/case-insensitivity")
            .header("x-header-set", "original-val-set")
            .header("x-header-add", "original-val-add")
            .header("x-header-remove", "original-val-remove")
            .header("Another-Header", "another-header-val")
            .reaches(V1)
            .with(&[
                ("X-Header-Set", "header-set"),
                ("X-Header-Add", "original-val-add,header-add"),
                ("Another-Header", "another-header-val"),
            ])
            .without(&["X-Header-Remove"]),
    ]
}

#[tokio::test]
async fn httproute_request_header_modifier() {
    check(
        "httproute-request-header-modifier",
        "same-namespace",
        &["request-header-modifier"],
        request_exchanges(),
    )
    .await;
}

#[tokio::test]
async fn httproute_backend_request_header_modifier() {
    check(
        "httproute-request-header-modifier-backend",
        "same-namespace",
        &["request-header-modifier"],
        request_exchanges(),
    )
    .await;
}

#[tokio::test]
async fn httproute_request_header_modifier_backend_weights() {
    let manifest = "httproute-request-header-modifier-backend-weights";
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let route = "request-header-modifier-backend-weights";
    let address = suite.accepted("same-namespace", &[route]);
    suite.resolved("same-namespace", route);

    let exchange = get("/").reaches("");
    let replies = join_all((0..100).map(|_| exchange.try_once(address))).await;
    for reply in replies {
        let echo = echo(&reply.unwrap()).unwrap();
        let backends = echo["headers"]["backend"].as_array().unwrap();
        assert_eq!(backends.len(), 1);
        let pod = echo["pod"].as_str().unwrap();
        assert!(pod.starts_with(backends[0].as_str().unwrap()), "{echo}");
    }
}

#[tokio::test]
async fn httproute_response_header_modifier() {
    check(
        "httproute-response-header-modifier",
        "same-namespace",
        &["response-header-modifier"],
        [
            get("/set")
                .backend_sets(&[("Some-Other-Header", "val")])
                .reaches(V1)
                .answers("Some-Other-Header", "val")
                .answers("X-Header-Set", "set-overwrites-values"),
            get("/set")
                .backend_sets(&[
                    ("Some-Other-Header", "val"),
                    ("X-Header-Set", "some-other-value"),
                ])
                .reaches(V1)
                .answers("Some-Other-Header", "val")
                .answers("X-Header-Set", "set-overwrites-values"),
            get("/add")
                .backend_sets(&[("Some-Other-Header", "val")])
                .reaches(V1)
                .answers("Some-Other-Header", "val")
                .answers("X-Header-Add", "add-appends-values"),
            get("/add")
                .backend_sets(&[
                    ("Some-Other-Header", "val"),
                    ("X-Header-Add", "some-other-value"),
                ])
                .reaches(V1)
                .answers("Some-Other-Header", "val")
                .answers("X-Header-Add", "some-other-value,add-appends-values"),
            get("/remove")
                .backend_sets(&[("X-Header-Remove", "val")])
                .reaches(V1)
                .answers_without(&["X-Header-Remove"]),
            get("/multiple")
                .backend_sets(&[
                    ("X-Header-Set-2", "set-val-2"),
                    ("X-Header-Add-2", "add-val-2"),
                    ("X-Header-Remove-2", "remove-val-2"),
                    ("Another-Header", "another-header-val"),
                    ("X-Header-Remove-1", "val"),
                ])
                .reaches(V1)
                .answers("X-Header-Set-1", "header-set-1")
                .answers("X-Header-Set-2", "header-set-2")
                .answers("X-Header-Add-1", "header-add-1")
                .answers("X-Header-Add-2", "add-val-2,header-add-2")
                .answers("X-Header-Add-3", "header-add-3")
                .answers("Another-Header", "another-header-val")
                .answers_without(&["X-Header-Remove-1", "X-Header-Remove-2"]),
            get("/case-insensitivity")
                .backend_sets(&[
                    ("x-header-set", "original-val-set"),
                    ("x-header-add", "original-val-add"),
                    ("x-header-remove", "original-val-remove"),
                    ("Another-Header", "another-header-val"),
                ])
                .reaches(V1)
                .answers("X-Header-Set", "header-set")
                .answers("X-Header-Add", "original-val-add,header-add")
                .answers("X-Lowercase-Add", "lowercase-add")
                .answers("X-Mixedcase-Add-1", "mixedcase-add-1")
                .answers("X-Mixedcase-Add-2", "mixedcase-add-2")
                .answers("X-Uppercase-Add", "uppercase-add")
                .answers("Another-Header", "another-header-val")
                .answers_without(&["X-Header-Remove"]),
            get("/response-and-request-header-modifiers")
                .header("X-Header-Remove", "remove-val")
                .header("X-Header-Add-Append", "append-val-1")
                .header("X-Header-Echo", "echo")
                .backend_sets(&[
                    ("X-Header-Set-2", "set-val-2"),
                    ("X-Header-Add-2", "add-val-2"),
                    ("X-Header-Remove-2", "remove-val-2"),
                    ("Another-Header", "another-header-val"),
                    ("X-Header-Remove-1", "remove-val-1"),
                    ("X-Header-Echo", "echo"),
                ])
                .reaches(V1)
                .with(&[
                    ("X-Header-Add", "header-val-1"),
                    ("X-Header-Set", "set-overwrites-values"),
                    ("X-Header-Add-Append", "append-val-1,header-val-2"),
                    ("X-Header-Echo", "echo"),
                ])
                .without(&["X-Header-Remove"])
                .answers("X-Header-Set-1", "header-set-1")
                .answers("X-Header-Set-2", "header-set-2")
                .answers("X-Header-Add-1", "header-add-1")
                .answers("X-Header-Add-2", "add-val-2,header-add-2")
                .answers("Another-Header", "another-header-val")
                .answers("X-Header-Echo", "echo")
                .answers_without(&["X-Header-Remove-1", "X-Header-Remove-2"]),
        ],
    )
    .await;
}
