//! `gateway quickstart`.

use std::process::Command;

use crate::harness::{Manifests, Running, free_port, gateway_says, get};

#[test]
fn tour_shows_what_it_says() {
    let port = free_port();
    let mut running = Running::start(&["quickstart", "--port", &port.to_string()]);
    running.wait_for("Ctrl-C ends it");

    let plain = get(port, "shop.test", "/", "");
    let tester = get(port, "shop.test", "/", "x-tester: yes\r\n");
    let rewritten = get(port, "shop.test", "/api/items", "");
    let redirected = get(port, "old.test", "/about", "");
    let unknown = get(port, "unknown.test", "/", "");

    assert!(
        plain.status == 200 && plain.body.contains("hello-v1 got"),
        "{plain:?}"
    );
    assert!(tester.body.contains("hello-v2 got"), "{tester:?}");
    assert!(rewritten.body.contains("GET /v1/items\n"), "{rewritten:?}");
    assert!(
        rewritten.body.contains("host: api.internal\n"),
        "{rewritten:?}"
    );
    assert!(
        rewritten.body.contains("x-edited-by: gateway\n"),
        "{rewritten:?}"
    );
    let location = format!("location: http://shop.test:{port}/about");
    assert!(
        redirected.status == 301 && redirected.head.contains(&location),
        "{redirected:?}"
    );
    assert_eq!(unknown.status, 404);
    let is_v2 = |_: &i32| get(port, "canary.test", "/", "").body.contains("hello-v2");
    let of_v2 = (0..50).filter(is_v2).count();
    assert!((8..=12).contains(&of_v2), "{of_v2} of 50");

    running.signal("-INT");
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn printed_lines_can_be_pasted() {
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let port = free_port();
    let mut running = Running::start(&["quickstart", "--port", &port.to_string()]);
    let line = running.wait_for("x-tester: yes");

    let pasted = Command::new("sh")
        .args(["-c", &line])
        .output()
        .expect("can be run");

    // Not killed: it has a folder to remove.
    running.signal("-INT");
    running.wait();
    let answer = String::from_utf8_lossy(&pasted.stdout);
    assert!(answer.contains("hello-v2 got"), "{line}: {answer}");
}

#[test]
fn printed_manifests_are_good() {
    let printed = gateway_says(&["quickstart", "--print"]).out;
    let manifests = Manifests::new().with("a.yaml", &printed);

    let said = gateway_says(&["check", "--strict", &manifests.path()]);

    assert_eq!(said.code, Some(0), "{}", said.out);
}

#[test]
fn port_in_use_is_told_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = taken.local_addr().expect("is bound").port();

    let said = gateway_says(&["quickstart", "--port", &port.to_string()]);

    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{}",
        said.err
    );
    assert!(said.err.contains("--port"), "{}", said.err);
}
