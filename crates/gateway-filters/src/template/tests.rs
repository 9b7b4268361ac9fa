//! What is understood, and what is filled in.

use std::net::IpAddr;

use http::{HeaderValue, Request, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::client_address::{ClientAddress, PeerAddress};
use crate::context::{RouteContext, Scheme};
use crate::request_id::RequestId;

fn request() -> Request<()> {
    Request::post("/a/b?c=d&e")
        .header("host", "shop.example:8443")
        .header("x-one", "1")
        .header("x-two", "2")
        .header("x-two", "3")
        .extension(RequestId(HeaderValue::from_static("id-7")))
        .extension(RouteName("shop/cart".into()))
        .extension(ClientAddress(IpAddr::from([203, 0, 113, 1])))
        .extension(PeerAddress(IpAddr::from([192, 0, 2, 9])))
        .extension(RouteContext::new().with_scheme(Scheme::Https))
        .body(())
        .expect("valid")
}

fn filled(text: &str, request: &Request<()>) -> String {
    let template = Template::parse(text).expect(text);
    let source = Source::of(request);
    let bytes = template.render(
        |variable| source.value(variable),
        |value, rendered| rendered.extend_from_slice(value),
    );
    String::from_utf8(bytes).expect("text")
}

#[test]
fn variables_are_filled_in() {
    let table = [
        ("%CLIENT_IP%", "203.0.113.1"),
        ("%HOST%", "shop.example"),
        ("%METHOD%", "POST"),
        ("%PATH%", "/a/b"),
        ("%QUERY%", "c=d&e"),
        ("%REQ(X-One)%", "1"),
        ("%REQ(x-two)%", "2, 3"),
        ("%REQ(x-none)%", ""),
        ("%REQUEST_ID%", "id-7"),
        ("%ROUTE_NAME%", "shop/cart"),
        ("%SCHEME%", "https"),
        ("", ""),
        ("100%%", "100%"),
        ("%%HOST%%", "%HOST%"),
        ("%HOST%%PATH%", "shop.example/a/b"),
        ("a %METHOD% b %PATH% c", "a POST b /a/b c"),
    ];

    for (text, expected) in table {
        assert_eq!(filled(text, &request()), expected, "{text}");
    }
}

#[test]
fn what_is_not_known_is_nothing() {
    let bare = Request::new(());

    for variable in [
        "CLIENT_IP",
        "HOST",
        "QUERY",
        "REQUEST_ID",
        "ROUTE_NAME",
        "STATUS",
    ] {
        assert_eq!(filled(&format!("<%{variable}%>"), &bare), "<>");
    }
    assert_eq!(filled("%SCHEME%", &bare), "http");
}

#[test]
fn unknown_variables_are_errors() {
    for name in ["CLIENTIP", "client_ip", " HOST", "REQ", "REQ()", "REQ(a b)"] {
        assert!(Template::parse(&format!("%{name}%")).is_err(), "{name}");
    }
    assert_eq!(
        Template::parse("50% off"),
        Err(InvalidTemplate::Unended {
            rest: " off".into()
        })
    );
    assert_eq!(
        Template::parse("%NAME%"),
        Err(InvalidTemplate::Unknown {
            name: "NAME".into()
        })
    );
}

#[test]
fn header_value_is_about_the_request() {
    assert_eq!(
        Template::parse_header("%STATUS%"),
        Err(InvalidTemplate::Unknown {
            name: "STATUS".into()
        })
    );
    assert_eq!(Template::parse_header("a\nb"), Err(InvalidTemplate::Byte));
}

#[test]
fn status_and_reason_are_of_the_response() {
    let status = StatusCode::NOT_FOUND;

    assert_eq!(&*of_status(&Variable::Status, status), b"404");
    assert_eq!(&*of_status(&Variable::Reason, status), b"Not Found");
    assert_eq!(&*of_status(&Variable::Path, status), b"");
}

proptest! {
    /// Text without variables comes out as it went in, once percent signs are doubled.
    #[test]
    fn text_is_kept(text in "\\PC*") {
        prop_assert_eq!(filled(&text.replace('%', "%%"), &request()), text);
    }

    /// Any text is taken apart or refused; nothing panics.
    #[test]
    fn any_text_can_be_tried(text in "[%A-Z_()a-z]{0,30}") {
        let _ = Template::parse(&text);
    }

    /// Whatever a value has in it, the header's value has no control characters.
    #[test]
    fn values_are_made_safe(value: Vec<u8>) {
        let template = Template::parse_header("<%REQ(x)%>").expect("valid");

        let header = template.header_value(|_| value.clone().into()).expect("not empty");

        let kept: Vec<u8> = value.into_iter().filter(|byte| !byte.is_ascii_control()).collect();
        prop_assert_eq!(header.as_bytes(), [b"<", &kept[..], b">"].concat());
    }
}
