//! `gateway run`.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::harness::{
    Manifests, Running, backend, free_port, gateway, gateway_says, get, path_of, route, service,
};

#[test]
fn edits_are_served_without_a_failed_request() {
    let port = free_port();
    let services = service("one", backend("one", || ())) + &service("two", backend("two", || ()));
    let manifests = Manifests::new()
        .with("base.yaml", &(gateway(port) + &services))
        .with("route.yaml", &route("shop", "shop.test", "one"));
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!(
        "listening on 127.0.0.1:{port} for Gateway default/web, listener http"
    ));

    let end = Arc::new(AtomicBool::new(false));
    let client = thread::spawn({
        let end = Arc::clone(&end);
        move || {
            let mut bodies = Vec::new();
            while !end.load(Ordering::Relaxed) {
                let answer = get(port, "shop.test", "/", "");
                assert_eq!(answer.status, 200, "{answer:?}");
                bodies.push(answer.body);
            }
            bodies
        }
    });
    for service in ["two", "one", "two"] {
        manifests.write("route.yaml", &route("shop", "shop.test", service));
        let line = running.wait_for("reloaded in");
        assert!(line.ends_with("HTTPRoute default/shop changed"), "{line}");
        assert_eq!(get(port, "shop.test", "/", "").body, service);
    }
    end.store(true, Ordering::Relaxed);

    let bodies = client.join().expect("no request failed");
    assert!(bodies.iter().any(|body| body == "two"), "{bodies:?}");
    running.signal("-TERM");
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn broken_file_is_reported_and_what_it_said_stays() {
    let port = free_port();
    let manifests = Manifests::new()
        .with(
            "base.yaml",
            &(gateway(port) + &service("one", backend("one", || ()))),
        )
        .with("route.yaml", &route("shop", "shop.test", "one"));
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for("listening on");

    manifests.write("route.yaml", &route("shop", "[shop.test", "one"));
    running.wait_for("ERROR");
    let while_broken = get(port, "shop.test", "/", "");
    manifests.write("route.yaml", &route("shop", "other.test", "one"));
    running.wait_for("1 problem solved, 0 left");

    assert_eq!(
        (while_broken.status, while_broken.body.as_str()),
        (200, "one")
    );
    assert_eq!(get(port, "shop.test", "/", "").status, 404);
    assert_eq!(get(port, "other.test", "/", "").status, 200);
}

#[test]
fn sigterm_lets_a_request_finish() {
    let port = free_port();
    let (arrived, arrivals) = channel();
    let (open, opened) = channel::<()>();
    let opened = Arc::new(Mutex::new(opened));
    let slow = backend("finished", move || {
        arrived.send(()).expect("is waited for");
        let opened = opened.lock().expect("is not poisoned");
        opened.recv().expect("will be opened");
    });
    let text = gateway(port) + &route("shop", "shop.test", "slow") + &service("slow", slow);
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for("listening on");

    let client = thread::spawn(move || get(port, "shop.test", "/", ""));
    arrivals.recv().expect("the request arrives");
    running.signal("-TERM");
    running.wait_for("draining");
    open.send(()).expect("is waited for");

    let answer = client.join().expect("is answered");
    assert_eq!((answer.status, answer.body.as_str()), (200, "finished"));
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn second_signal_ends_at_once() {
    let port = free_port();
    let (arrived, arrivals) = channel();
    let never = backend("never", move || {
        arrived.send(()).expect("is waited for");
        thread::park();
    });
    let text = gateway(port) + &route("shop", "shop.test", "never") + &service("never", never);
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for("listening on");
    let client = std::net::TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    std::io::Write::write_all(&mut &client, b"GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n")
        .expect("can be sent");
    arrivals.recv().expect("the request arrives");

    running.signal("-TERM");
    running.wait_for("draining");
    running.signal("-INT");

    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn empty_folder_is_waited_for() {
    let port = free_port();
    let manifests = Manifests::new();
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for("no Gateway to serve; waiting for one in ");

    manifests.write("a.yaml", &gateway(port));

    running.wait_for(&format!("listening on 127.0.0.1:{port}"));
    assert_eq!(get(port, "any.test", "/", "").status, 404);
}

#[test]
fn port_in_use_is_told_and_taken_when_it_is_free() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = taken.local_addr().expect("is bound").port();
    let manifests = Manifests::new().with("a.yaml", &gateway(port));
    let mut running = Running::start(&["run", &manifests.path()]);

    let line = running.wait_for("ERROR");
    drop(taken);

    let place = format!(
        "{}:6: Gateway default/web: cannot listen on 127.0.0.1:{port}",
        path_of(&manifests, "a.yaml")
    );
    assert!(
        line.contains(&place) && line.contains("free the port"),
        "{line}"
    );
    running.wait_for(&format!("listening on 127.0.0.1:{port}"));
}

#[test]
fn gateways_get_addresses_out_of_the_pool() {
    let port = free_port();
    let text = gateway(port).replace("  addresses: [{value: 127.0.0.1}]\n", "");
    let manifests = Manifests::new().with("a.yaml", &text);

    let mut running = Running::start(&["run", &manifests.path(), "--address-pool", "127.0.0.8/30"]);

    running.wait_for(&format!("listening on 127.0.0.9:{port}"));
}

#[test]
fn json_lines_are_json() {
    let port = free_port();
    let manifests = Manifests::new().with("a.yaml", &gateway(port));
    let mut running = Running::start(&["run", &manifests.path(), "--log", "json/info"]);

    let line = running.wait_for("listening on");

    let line: serde_json::Value = serde_json::from_str(&line).expect("is JSON");
    assert_eq!(line["level"], "INFO");
}

#[test]
fn nothing_to_read_is_a_failure() {
    let said = gateway_says(&["run", "/nonexistent/manifests"]);

    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("cannot read /nonexistent/manifests"),
        "{}",
        said.err
    );
}
