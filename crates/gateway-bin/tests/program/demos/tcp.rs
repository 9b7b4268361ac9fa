//! TCPRoutes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::mpsc::channel;
use std::thread;

use super::backends::{each, headers};
use super::clients::Curl;
use super::yaml::{gateway, listener, route, route_at, service, to};
use crate::harness::{Manifests, PATIENCE, Running, free_port};

/// A gateway with one listener and one route of one rule.
fn run(port: u16, rule: &str, services: &str) -> (Manifests, Running) {
    let text = gateway(&[listener("foo", "TCP", port, "")], "")
        + &route("TCPRoute", "tcp", rule)
        + services;
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!(
        "listening on 127.0.0.1:{port} for Gateway default/web, listener foo (TCP)"
    ));
    (manifests, running)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("somebody listens");
    let patience = Some(PATIENCE);
    stream.set_read_timeout(patience).expect("is not zero");
    stream.set_write_timeout(patience).expect("is not zero");
    stream
}

#[test]
fn one_route_is_served_at_two_ports() {
    let Some(curl) = Curl::find() else { return };
    let ports = [free_port(), free_port()];
    let listeners = [
        listener("foo", "TCP", ports[0], ""),
        listener("bar", "TCP", ports[1], ""),
    ];
    let text = gateway(&listeners, "")
        + &route_at("TCPRoute", "tcp", &ports, &to("httpbin"))
        + &service("httpbin", "TCP", &[headers()]);
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    // Told in the order of the ports.
    running.wait_for("listening on");
    running.wait_for("listening on");

    for port in ports {
        let got = curl.get(&[&format!("http://127.0.0.1:{port}/headers")]);
        assert_eq!((got.code, got.status), (Some(0), 200), "{got:?}");
        assert!(
            got.body.contains(&format!("Host: 127.0.0.1:{port}")),
            "{got:?}"
        );
    }
}

#[test]
fn connections_are_split_by_weight() {
    let lettered = |letter: u8| {
        each(move |mut stream| {
            // The client may have gone.
            let _ = stream.write_all(&[letter]);
        })
    };
    let services =
        service("many", "TCP", &[lettered(b'm')]) + &service("few", "TCP", &[lettered(b'f')]);
    let rule = "rules: [{backendRefs: [{name: many, port: 80, weight: 70}, \
                {name: few, port: 80, weight: 30}]}]";
    let port = free_port();
    let (_manifests, _running) = run(port, rule, &services);

    let letters: Vec<_> = (0..1000)
        .map(|_| {
            let mut letter = [0];
            connect(port).read_exact(&mut letter).expect("is served");
            letter[0]
        })
        .collect();

    let many = letters.iter().filter(|letter| **letter == b'm').count();
    let few = letters.iter().filter(|letter| **letter == b'f').count();
    assert_eq!(many + few, 1000);
    // Five standard deviations.
    assert!((628..=772).contains(&many), "{many}");
}

#[test]
fn client_closes_its_half_and_is_still_answered() {
    let backend = each(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("ends");
        all.reverse();
        stream.write_all(&all).expect("is still open");
    });
    let port = free_port();
    let (_manifests, _running) = run(port, &to("s"), &service("s", "TCP", &[backend]));

    let mut client = connect(port);
    client.write_all(b"abc").expect("can be sent");
    client.shutdown(Shutdown::Write).expect("is open");

    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("is answered");
    assert_eq!(answer, "cba");
}

#[test]
fn backend_closes_its_half_and_still_hears() {
    let (heard, hears) = channel();
    let backend = each(move |mut stream| {
        stream.write_all(b"bye").expect("can be sent");
        stream.shutdown(Shutdown::Write).expect("is open");
        let mut all = String::new();
        stream.read_to_string(&mut all).expect("ends");
        heard.send(all).expect("is waited for");
    });
    let port = free_port();
    let (_manifests, _running) = run(port, &to("s"), &service("s", "TCP", &[backend]));

    let mut client = connect(port);
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("ends");
    client.write_all(b"still here").expect("is still open");
    client.shutdown(Shutdown::Write).expect("is open");

    assert_eq!(answer, "bye");
    assert_eq!(hears.recv_timeout(PATIENCE).as_deref(), Ok("still here"));
}

#[test]
fn gibibyte_comes_back_byte_for_byte() {
    let backend = each(|mut stream| {
        let mut back = stream.try_clone().expect("can be cloned");
        std::io::copy(&mut stream, &mut back).expect("ends");
    });
    let port = free_port();
    let (_manifests, _running) = run(port, &to("s"), &service("s", "TCP", &[backend]));

    let mut client = connect(port);
    let mut sender = client.try_clone().expect("can be cloned");
    let sending = thread::spawn(move || {
        for number in 0..BLOCKS {
            sender.write_all(&block(number)).expect("can be sent");
        }
        sender.shutdown(Shutdown::Write).expect("is open");
    });
    let mut received = vec![0; BLOCK];
    for number in 0..BLOCKS {
        client.read_exact(&mut received).expect("comes back");
        assert!(received == block(number), "block {number} differs");
    }

    sending.join().expect("all was sent");
    assert_eq!(client.read(&mut received).expect("ends"), 0);
}

/// A block that no other is like, at no place of its own.
fn block(number: usize) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    for (place, bytes) in block.chunks_mut(STEP).enumerate() {
        let tag = (number * BLOCK + place * STEP) as u64;
        bytes[..8].copy_from_slice(&tag.to_le_bytes());
    }
    block
}

/// They are a gibibyte.
const BLOCKS: usize = 1024;
const BLOCK: usize = 1 << 20;
const STEP: usize = 1 << 10;

#[test]
fn connection_ends_when_the_backend_is_down() {
    let port = free_port();
    // Nobody listens there.
    let (_manifests, _running) = run(port, &to("s"), &service("s", "TCP", &[free_port()]));

    let mut byte = [0];
    let read = connect(port).read(&mut byte);

    let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(!read.as_ref().is_err_and(timed_out), "{read:?}");
    assert!(!matches!(read, Ok(1)), "{read:?}");
}
