//! What passes.

use http::Request;
use http::request::Parts;
use proptest::prelude::*;

use super::*;
use crate::guard::Guard;
use crate::script::assert_thread_safe;

fn csrf() -> Csrf {
    Csrf::new()
        .with_trusted_origin("https://*.partner.example")
        .expect("an origin")
}

fn head(method: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri("/order");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("valid").into_parts().0
}

#[test]
fn requests_pass_as_browsers_describe_them() {
    let host = ("host", "shop.example");
    let table: [(&[(&str, &str)], bool); 17] = [
        (&[], true),
        (&[host], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "anything else")], false),
        (
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "none"),
            ],
            false,
        ),
        (&[host, ("origin", "https://shop.example")], true),
        (&[host, ("origin", "https://SHOP.example:443")], true),
        (&[host, ("origin", "https://shop.example:8443")], false),
        (&[host, ("origin", "https://evil.example")], false),
        (&[host, ("origin", "null")], false),
        (&[("origin", "https://shop.example")], false),
        (
            &[
                host,
                ("origin", "https://a.partner.example"),
                ("sec-fetch-site", "cross-site"),
            ],
            true,
        ),
        (
            &[
                host,
                ("origin", "http://a.partner.example"),
                ("sec-fetch-site", "cross-site"),
            ],
            false,
        ),
        (
            &[
                host,
                ("origin", "https://shop.example"),
                ("origin", "https://shop.example"),
            ],
            false,
        ),
    ];

    for (headers, expected) in table {
        let passes = csrf().check(&mut head("POST", headers)).is_ok();
        assert_eq!(passes, expected, "{headers:?}");
    }
}

#[test]
fn safe_methods_pass_from_everywhere() {
    let foreign: &[_] = &[
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ];

    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert!(csrf().check(&mut head(method, foreign)).is_ok(), "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "get"] {
        let answer = csrf().check(&mut head(method, foreign)).expect_err(method);
        assert_eq!(answer.status(), 403);
    }
}

#[test]
fn nobody_can_trust_everybody() {
    for origin in ["*", "partner.example", "https://a.b/c", ""] {
        assert!(Csrf::new().with_trusted_origin(origin).is_err(), "{origin}");
    }
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<CsrfLayer>();
    assert_thread_safe::<CsrfService<()>>();
}

proptest! {
    /// No origin but the site's own, and those below the trusted one, passes.
    #[test]
    fn other_origins_do_not_pass(origin in "https?://[a-z.]{0,9}(shop|partner)\\.example(:[0-9]{1,4})?|\\PC{0,20}") {
        let value = http::HeaderValue::from_str(&origin);
        prop_assume!(value.is_ok());
        let own = ["https://shop.example", "https://shop.example:443", "http://shop.example", "http://shop.example:80"];
        let labels = origin.strip_prefix("https://").map(|rest| rest.trim_end_matches(":443"));
        let below = labels.is_some_and(|rest| {
            rest.strip_suffix(".partner.example").is_some_and(|labels| !labels.is_empty())
        });

        let mut head = head("POST", &[("host", "shop.example")]);
        head.headers.insert("origin", value.expect("assumed"));
        let passes = csrf().check(&mut head).is_ok();

        prop_assert!(!passes || own.contains(&origin.as_str()) || below, "{}", origin);
    }
}
