use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::*;
use crate::model::{Gateway as Edge, Listener};

/// A gateway that is not run, for what happens before anybody is served.
fn idle() -> Gateway {
    Gateway::builder().workers(2).build()
}

fn edge(last: u8, ports: &[u16]) -> Edge {
    let edge = Edge::new("edge").with_address(Ipv4Addr::new(127, 0, 0, last).into());
    ports.iter().fold(edge, |edge, port| {
        edge.with_listener(Listener::http(&*format!("port-{port}"), *port))
    })
}

fn configuration(edges: impl IntoIterator<Item = Edge>) -> Configuration {
    edges
        .into_iter()
        .fold(Configuration::new(), Configuration::with_gateway)
}

#[test]
fn free_port_is_chosen_once() {
    let gateway = idle();

    let first = gateway.update(configuration([edge(1, &[0])]));
    let second = gateway.update(configuration([edge(1, &[0])]));

    assert_eq!(first.listening.len(), 1);
    assert_ne!(first.listening[0].port(), 0);
    assert_eq!(first.listening, second.listening);
    assert_eq!(gateway.addresses(), first.listening);
}

#[test]
fn listeners_of_one_port_share_its_socket() {
    let gateway = idle();
    let edge = edge(1, &[0]).with_listener(Listener::http("another", 0));

    let update = gateway.update(configuration([edge]));

    assert_eq!(update.listening.len(), 1);
}

#[test]
fn every_address_gets_a_socket() {
    let gateway = idle();

    let update = gateway.update(configuration([edge(1, &[0]), edge(2, &[0])]));

    let mut addresses: Vec<_> = update.listening.iter().map(SocketAddr::ip).collect();
    addresses.sort();
    assert_eq!(
        addresses,
        [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2)]
    );
}

#[test]
fn failed_bind_is_told_with_every_update_until_it_is_not_wanted() {
    let theirs = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = theirs.local_addr().unwrap();
    let gateway = idle();

    for _ in 0..2 {
        let update = gateway.update(configuration([edge(1, &[taken.port()]), edge(2, &[0])]));
        let failed: Vec<_> = update.failed.iter().map(|error| error.address).collect();
        assert_eq!(failed, [taken]);
        assert_eq!(update.listening.len(), 1);
    }

    let update = gateway.update(configuration([edge(2, &[0])]));
    assert!(update.failed.is_empty());
}

#[test]
fn bind_is_tried_again() {
    let theirs = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = theirs.local_addr().unwrap();
    let gateway = idle();
    gateway.update(configuration([edge(1, &[taken.port()])]));

    gateway.retry_binds();
    assert_eq!(gateway.addresses(), []);
    drop(theirs);
    gateway.retry_binds();

    assert_eq!(gateway.addresses(), [taken]);
}

#[test]
fn empty_configuration_listens_nowhere() {
    let gateway = idle();
    gateway.update(configuration([edge(1, &[0])]));

    let update = gateway.update(Configuration::new());

    assert_eq!(update.listening, []);
}

#[test]
fn clones_are_one_gateway() {
    fn can_be_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let gateway = idle();
    can_be_shared(&gateway);

    gateway.clone().update(configuration([edge(1, &[0])]));

    assert_eq!(gateway.addresses().len(), 1);
}
