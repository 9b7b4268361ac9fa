//! UDPRoutes.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};

use super::backends::lettered_echo;
use super::clients::Program;
use super::yaml::{gateway, listener, route, service, to};
use crate::harness::{Manifests, PATIENCE, Running, path_of};

/// A port that is free for datagrams now.
fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is one");
    socket.local_addr().expect("is bound").port()
}

fn yaml(port: u16) -> String {
    gateway(&[listener("foo", "UDP", port, "")], "") + &route("UDPRoute", "udp", &to("echo"))
}

fn run(port: u16, backends: &[u16]) -> (Manifests, Running) {
    let text = yaml(port) + &service("echo", "UDP", backends);
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!(
        "listening on 127.0.0.1:{port}/udp for Gateway default/web, listener foo (UDP)"
    ));
    (manifests, running)
}

/// A client that hears nobody but the gateway.
fn client(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    socket
        .connect((Ipv4Addr::LOCALHOST, port))
        .expect("is an address");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("is not zero");
    socket
}

fn ask(client: &UdpSocket, text: &str) -> String {
    client.send(text.as_bytes()).expect("can be sent");
    let mut buffer = [0; 2048];
    let length = client.recv(&mut buffer).expect("is answered");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn datagram_is_answered() {
    let port = free_port();
    let (_manifests, _running) = run(port, &[lettered_echo(b'=')]);

    assert_eq!(ask(&client(port), "fsm"), "=fsm");
    let Some(nc) = Program::find("nc") else {
        return;
    };
    let ran = nc.run(&["-4u", "-w1", "127.0.0.1", &port.to_string()], "fsm\n");
    assert_eq!(ran.out, "=fsm\n", "{ran:?}");
}

#[test]
fn each_client_stays_with_one_endpoint() {
    let port = free_port();
    let (_manifests, _running) = run(port, &[lettered_echo(b'a'), lettered_echo(b'b')]);

    let mut clients = BTreeMap::new();
    for _ in 0..60 {
        let client = client(port);
        let answers: Vec<_> = (0..10)
            .map(|number| ask(&client, &number.to_string()))
            .collect();
        let letter = answers[0][..1].to_owned();
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(*answer, format!("{letter}{number}"), "{answers:?}");
        }
        *clients.entry(letter).or_insert(0) += 1;
    }

    // Five standard deviations, if they were drawn.
    assert!(
        clients.values().all(|count| (10..=50).contains(count)),
        "{clients:?}"
    );
    assert_eq!(clients.len(), 2, "{clients:?}");
}

/// A client hears nobody but whom it has asked.
#[test]
fn answers_come_from_the_address_that_was_asked() {
    let port = free_port();
    let text = yaml(port).replace("  addresses: [{value: 127.0.0.1}]\n", "")
        + &service("echo", "UDP", &[lettered_echo(b'=')]);
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!(":{port}/udp for Gateway default/web"));

    let client = client(port);
    for last in 1..=3 {
        let asked = Ipv4Addr::new(127, 0, 0, last);
        client.connect((asked, port)).expect("is an address");
        assert_eq!(ask(&client, "fsm"), "=fsm", "{asked}");
    }
}

#[test]
fn service_of_another_protocol_is_told_of() {
    let backend = lettered_echo(b'=');
    let text = yaml(free_port()) + &service("echo", "TCP", &[backend]);
    let manifests = Manifests::new().with("a.yaml", &text);

    let mut running = Running::start(&["run", &manifests.path()]);

    let line = running.wait_for("UDPRoute default/udp");
    assert!(line.contains("UDP"), "{line}");
}

#[test]
fn port_in_use_is_told_and_taken_when_it_is_free() {
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    let port = taken.local_addr().expect("is bound").port();
    let text = yaml(port) + &service("echo", "UDP", &[lettered_echo(b'=')]);
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);

    let line = running.wait_for("ERROR");
    drop(taken);

    let place = format!(
        "{}:6: Gateway default/web: cannot listen on 127.0.0.1:{port}/udp",
        path_of(&manifests, "a.yaml")
    );
    assert!(line.contains(&place), "{line}");
    running.wait_for(&format!("listening on 127.0.0.1:{port}/udp"));
    assert_eq!(ask(&client(port), "fsm"), "=fsm");
}
