//! Which headers come out.

use http::{Request, Response};
use proptest::prelude::*;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::*;
use crate::script::assert_thread_safe;

fn values() -> HeaderValues {
    HeaderValues::new()
        .set("x-path", "%PATH%")
        .and_then(|values| values.set("x-client", "%CLIENT_IP%"))
        .and_then(|values| values.add("x-seen", "by %METHOD%"))
        .expect("valid")
}

#[test]
fn set_replaces_and_add_adds() {
    let mut request = Request::get("/a?b")
        .header("x-path", "mine")
        .header("x-path", "mine too")
        .header("x-seen", "before")
        .body(())
        .expect("valid");

    values().apply(&mut request);

    let all = |name| request.headers().get_all(name).iter().collect::<Vec<_>>();
    assert_eq!(all("x-path"), ["/a"]);
    assert_eq!(all("x-seen"), ["before", "by GET"]);
}

/// Nobody reads what the client made up.
#[test]
fn value_of_which_nothing_is_left_removes_the_header() {
    let mut request = Request::get("/")
        .header("x-client", "6.6.6.6")
        .body(())
        .expect("valid");

    values().apply(&mut request);

    assert!(!request.headers().contains_key("x-client"));
}

#[test]
fn first_value_of_a_name_counts() {
    let values = HeaderValues::new()
        .set("x-a", "1")
        .and_then(|values| values.set("X-A", "2"))
        .expect("valid");
    let mut request = Request::new(());

    values.apply(&mut request);

    assert_eq!(request.headers()["x-a"], "1");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let values = HeaderValues::new;

    assert!(matches!(
        values().set("a b", "c"),
        Err(InvalidHeaderValues::Name { .. })
    ));
    for value in ["%NAME%", "%PATH", "a\r\nb", "%STATUS%"] {
        let refused = values().add("x-a", value).expect_err(value);
        assert_eq!(refused.to_string(), "the value of x-a cannot be written");
        assert!(std::error::Error::source(&refused).is_some());
    }
}

#[test]
fn framing_is_not_for_clients_to_write() {
    for name in [
        "Content-Length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "trailer",
    ] {
        let set = HeaderValues::new().set(name, "%REQ(x-length)%");
        let add = HeaderValues::new().add(name, "5");

        for refused in [set, add] {
            let framing = matches!(refused, Err(InvalidHeaderValues::Framing { .. }));
            assert!(framing, "{name}");
        }
    }
}

#[tokio::test]
async fn response_is_told_about_the_request() {
    let backend = service_fn(|_: Request<()>| async { Ok::<_, BoxError>(Response::new(())) });
    let service = ResponseHeaderValuesLayer::new(values()).layer(backend);

    let request = Request::get("/cart").body(()).expect("valid");
    let response = service.oneshot(request).await.expect("answered");

    assert_eq!(response.headers()["x-path"], "/cart");
    assert_eq!(response.headers()["x-seen"], "by GET");
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<RequestHeaderValuesLayer>();
    assert_thread_safe::<RequestHeaderValues<()>>();
    assert_thread_safe::<ResponseHeaderValuesLayer>();
    assert_thread_safe::<ResponseHeaderValues<()>>();
    assert_thread_safe::<ResponseFuture<std::future::Ready<()>>>();
}

proptest! {
    /// Headers that are not named come out as they went in.
    #[test]
    fn other_headers_are_left_alone(value in "[a-z]{0,9}", path in "/[a-z/%0-9]{0,20}") {
        prop_assume!(path.parse::<http::Uri>().is_ok());
        let request = Request::get(&path).header("x-other", &value).body(());
        let mut request = request.expect("valid");

        values().apply(&mut request);

        prop_assert_eq!(&request.headers()["x-other"], value.as_str());
        prop_assert_eq!(&request.headers()["x-path"], request.uri().path());
        prop_assert_eq!(request.headers().len(), 3);
    }
}
