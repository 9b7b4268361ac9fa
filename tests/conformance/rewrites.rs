//! Hosts and paths that filters rewrite.

use crate::exchange::{Exchange, V1, V2, get};
use crate::suite::check;

/// A request whose headers are modified on the way.
fn modified(target: &str) -> Exchange {
    get(target)
        .header("X-Header-Remove", "remove-val")
        .header("X-Header-Add-Append", "append-val-1")
}

/// What becomes of its headers.
fn arrives(exchange: Exchange, backend: &str) -> Exchange {
    exchange
        .reaches(backend)
        .with(&[
            ("X-Header-Add", "header-val-1"),
            ("X-Header-Add-Append", "append-val-1,header-val-2"),
            ("X-Header-Set", "set-overwrites-values"),
        ])
        .without(&["X-Header-Remove"])
}

#[tokio::test]
async fn httproute_rewrite_host() {
    let host = "rewrite.example";
    let both = modified("/rewrite-host-and-modify-headers").host(host);
    check(
        "httproute-rewrite-host",
        "same-namespace",
        &["rewrite-host"],
        [
            get("/one")
                .host(host)
                .reaches(V1)
                .with_host("one.example.org"),
            get("/two").host(host).reaches(V2).with_host("example.org"),
            arrives(both, V2).with_host("test.example.org"),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_rewrite_path() {
    let full = modified("/full/rewrite-path-and-modify-headers/test");
    let prefix = modified("/prefix/rewrite-path-and-modify-headers/one");
    check(
        "httproute-rewrite-path",
        "same-namespace",
        &["rewrite-path"],
        [
            get("/prefix/one/two").reaches(V1).with_target("/one/two"),
            get("/strip-prefix/three").reaches(V1).with_target("/three"),
            get("/strip-prefix").reaches(V1).with_target("/"),
            get("/full/one/two").reaches(V1).with_target("/one"),
            arrives(full.header("X-Header-Set", "set-val"), V1).with_target("/test"),
            arrives(prefix.header("X-Header-Set", "set-val"), V1).with_target("/prefix/one"),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_backend_url_rewrite() {
    check(
        "httproute-backend-url-rewrite",
        "same-namespace",
        &["backend-url-rewrite"],
        [
            get("/full/original")
                .reaches(V1)
                .with_target("/rewritten-full"),
            get("/prefix/original")
                .reaches(V1)
                .with_target("/rewritten-prefix/original"),
        ],
    )
    .await;
}
