//! `--admin`: what those who operate the gateway are told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::SystemTime;

use rcgen::{CertificateParams, KeyPair};

use crate::exposition::Exposition;
use crate::harness::{
    Answer, Manifests, Running, backend, free_port, gateway, gateway_says, get, head, route,
    service,
};

/// The program with `text` for manifests, and the port where it answers.
fn run(text: &str) -> (Manifests, Running, u16) {
    let (manifests, port) = (Manifests::new().with("a.yaml", text), free_port());
    let admin = format!("127.0.0.1:{port}");
    let running = Running::start(&["run", &manifests.path(), "--admin", &admin]);
    (manifests, running, port)
}

fn ask(port: u16, path: &str) -> Answer {
    get(port, "admin.test", path, "")
}

fn metrics(port: u16) -> Exposition {
    let answer = ask(port, "/metrics");
    let kind = "content-type: text/plain; version=0.0.4; charset=utf-8";

    assert_eq!(answer.status, 200);
    assert!(
        answer.head.iter().any(|line| line == kind),
        "{:?}",
        answer.head
    );
    Exposition::parse(&answer.body)
}

#[test]
fn requests_are_counted_where_they_belong() {
    let port = free_port();
    let one = service("one", backend("one", || ()));
    let text = gateway(port) + &route("shop", "shop.test", "one") + &one;
    let (_manifests, mut running, admin) = run(&text);
    running.wait_for("listening on 127.0.0.1");

    let before = metrics(admin);
    for host in ["shop.test", "shop.test", "other.test"] {
        get(port, host, "/", "");
    }
    let after = metrics(admin);

    let listener = [("gateway", "default/web"), ("listener", "http")];
    let of = |metrics: &Exposition, class| {
        let labels = [&listener[..], &[("code_class", class)]].concat();
        metrics.value("gateway_requests_total", &labels)
    };
    assert_eq!(
        (of(&before, "2xx"), of(&before, "4xx")),
        (Some(0.0), Some(0.0))
    );
    assert_eq!(
        (of(&after, "2xx"), of(&after, "4xx")),
        (Some(2.0), Some(1.0))
    );
    let no_route = [&listener[..], &[("reason", "no_route")]].concat();
    assert_eq!(
        after.value("gateway_request_failures_total", &no_route),
        Some(1.0)
    );
    assert_eq!(
        after.value("gateway_requests_in_flight", &listener),
        Some(0.0)
    );
    let accepted = "gateway_connections_accepted_total";
    let here = format!("127.0.0.1:{port}");
    assert_eq!(after.value(accepted, &[("address", &here)]), Some(3.0));
    assert_eq!(after.value("gateway_panics_total", &[]), Some(0.0));
    assert_eq!(after.value("gateway_config_generation", &[]), Some(1.0));
    assert_eq!(
        after.value("gateway_config_source", &[("source", "live")]),
        Some(1.0)
    );
}

/// The page and the program have the same metrics, with the same labels.
#[test]
fn every_metric_is_described_with_its_kind() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = std::fs::read_to_string(page).expect("is there");
    let described: BTreeMap<_, _> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `gateway_"))
        .map(|line| {
            let mut cells = line.split(" | ");
            let name = cells.next().expect("a name").trim_end_matches('`');
            (
                format!("gateway_{name}"),
                cells.next().expect("a kind").to_owned(),
            )
        })
        .collect();
    let (_manifests, mut running, admin) = run(&gateway(free_port()));
    running.wait_for("listening on 127.0.0.1");

    assert!(described.len() > 30);
    assert_eq!(metrics(admin).kinds(), described);
}

#[test]
fn counts_do_not_go_back_when_routes_change() {
    let port = free_port();
    let base = gateway(port) + &service("one", backend("one", || ()));
    let (manifests, mut running, admin) = run(&(base.clone() + &route("a", "a.test", "one")));
    running.wait_for("listening on 127.0.0.1");
    get(port, "a.test", "/", "");

    manifests.write("a.yaml", &(base + &route("b", "b.test", "one")));
    running.wait_for("reloaded in");
    get(port, "b.test", "/", "");

    let metrics = metrics(admin);
    let labels = [
        ("gateway", "default/web"),
        ("listener", "http"),
        ("code_class", "2xx"),
    ];
    assert_eq!(metrics.value("gateway_requests_total", &labels), Some(2.0));
    assert_eq!(metrics.value("gateway_config_generation", &[]), Some(2.0));
}

#[test]
fn end_of_a_served_certificate_is_told_and_its_handshakes_are_counted() {
    let port = free_port();
    let text = gateway(port).replace(
        "    protocol: HTTP\n",
        "    protocol: HTTPS\n    tls: {certificateRefs: [{name: site}]}\n",
    ) + &secret();
    let (_manifests, mut running, admin) = run(&text);
    running.wait_for("listening on 127.0.0.1");

    let mut client = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    client
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .expect("can be sent");
    // Until it is closed.
    let _ = head(&mut BufReader::new(client));

    let metrics = metrics(admin);
    let listener = [
        ("gateway", "default/web"),
        ("listener", "http"),
        ("name", "shop.test"),
    ];
    let end = metrics.value("gateway_certificate_not_after_seconds", &listener);
    assert_eq!(end, Some(4_070_908_800.0)); // 2099-01-01
    let here = format!("127.0.0.1:{port}");
    let failed = [("address", &*here), ("reason", "client_hello")];
    let failures = "gateway_tls_handshake_failures_total";
    assert_eq!(metrics.value(failures, &failed), Some(1.0));
    assert!(!ask(admin, "/metrics").body.contains("PRIVATE"));
}

fn secret() -> String {
    let mut params = CertificateParams::new(["shop.test".to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(2099, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let indented = |pem: &str| pem.replace('\n', "\n    ");

    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: site}}\ntype: kubernetes.io/tls\n\
         stringData:\n  tls.crt: |\n    {}\n  tls.key: |\n    {}\n",
        indented(&certificate.pem()),
        indented(&key.serialize_pem())
    )
}

#[test]
fn readiness_ends_with_sigterm_while_requests_are_still_served() {
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
    let (_manifests, mut running, admin) = run(&text);
    running.wait_for("listening on 127.0.0.1");
    let before = ask(admin, "/readyz");
    let client = thread::spawn(move || get(port, "shop.test", "/", ""));
    arrivals.recv().expect("the request arrives");
    let during = metrics(admin);

    running.signal("-TERM");
    running.wait_for("draining");
    let (ready, live) = (ask(admin, "/readyz"), ask(admin, "/livez"));
    open.send(()).expect("is waited for");

    assert_eq!((before.status, before.body.as_str()), (200, "ok\n"));
    let listener = [("gateway", "default/web"), ("listener", "http")];
    assert_eq!(
        during.value("gateway_requests_in_flight", &listener),
        Some(1.0)
    );
    assert_eq!(
        (ready.status, ready.body.as_str()),
        (503, "the gateway is ending\n")
    );
    assert_eq!(live.status, 200);
    let answer = client.join().expect("is answered");
    assert_eq!((answer.status, answer.body.as_str()), (200, "finished"));
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn address_that_cannot_be_listened_on_keeps_it_from_being_ready() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = taken.local_addr().expect("is bound");
    let (_manifests, mut running, admin) = run(&gateway(address.port()));
    running.wait_for("ERROR");

    let before = ask(admin, "/readyz");
    drop(taken);
    running.wait_for(&format!("listening on {address}"));
    let after = ask(admin, "/readyz");

    assert_eq!(before.status, 503);
    assert!(before.body.contains(&address.to_string()), "{before:?}");
    assert_eq!(after.status, 200, "{after:?}");
}

#[test]
fn address_for_administration_that_is_taken_is_a_failure() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = taken.local_addr().expect("is bound").to_string();
    let manifests = Manifests::new().with("a.yaml", &gateway(free_port()));

    let said = gateway_says(&["run", &manifests.path(), "--admin", &address]);

    assert_eq!(said.code, Some(1));
    let why = format!("cannot listen on {address} for administration");
    assert!(
        said.err.contains(&why) && said.err.contains("--admin"),
        "{}",
        said.err
    );
}

#[test]
fn nobody_answers_where_nobody_was_asked_to() {
    let port = free_port();
    let manifests = Manifests::new().with("a.yaml", &gateway(port));
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for("listening on 127.0.0.1");

    assert_eq!(get(port, "any.test", "/metrics", "").status, 404);
}

#[test]
fn silent_clients_do_not_keep_others_from_an_answer() {
    let (_manifests, mut running, admin) = run(&gateway(free_port()));
    running.wait_for("listening on 127.0.0.1");

    let connect = || TcpStream::connect(("127.0.0.1", admin)).expect("somebody listens");
    let silent: Vec<_> = (0..80).map(|_| connect()).collect();

    // More than there are places for, so somebody has to be sent away first.
    assert_eq!(ask(admin, "/livez").status, 200);
    drop(silent);
}

#[test]
fn what_is_told_is_of_this_moment() {
    let start = SystemTime::now();
    let (_manifests, mut running, admin) = run(&gateway(free_port()));
    running.wait_for("listening on 127.0.0.1");

    let metrics = metrics(admin);
    let since = start
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("is later");
    for name in [
        "gateway_config_last_change_timestamp_seconds",
        "gateway_config_read_timestamp_seconds",
    ] {
        let moment = metrics.value(name, &[]).expect("is told");
        assert!(
            moment >= since.as_secs_f64() && moment < since.as_secs_f64() + 600.0,
            "{name}"
        );
    }
    let kinds = metrics.kinds();
    let names: BTreeSet<_> = kinds.keys().collect();
    assert_eq!(names.len(), kinds.len());
}
