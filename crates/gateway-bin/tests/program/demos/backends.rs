//! Servers to forward to.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::certificates::Issued;
use crate::harness::head;

/// Does as `serve` says with every connection, and returns the port.
pub(super) fn each(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    let port = listener.local_addr().expect("is bound").port();

    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A server that answers with the head of the request.
pub(super) fn headers() -> u16 {
    each(answer_all)
}

/// The same over TLS, for clients of an authority if there is one.
pub(super) fn secure_headers(issued: &Issued, clients: Option<&str>) -> u16 {
    let config = Arc::new(tls(issued, clients));

    each(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).expect("is consistent");
        answer_all(StreamOwned::new(connection, stream));
    })
}

fn answer_all(stream: impl Read + Write) {
    let mut reader = BufReader::new(stream);
    while let Some(lines) = head(&mut reader) {
        let body = lines.join("\n");
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if reader.get_mut().write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

fn tls(issued: &Issued, clients: Option<&str>) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("there are some");
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate(authority)).expect("is a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("has a root"))
        }
        None => builder.with_no_client_auth(),
    };

    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("is a key");
    let config = builder.with_single_cert(vec![certificate(&issued.chain)], key);
    config.expect("is the certificate's key")
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("is a certificate")
}

/// A server that answers a datagram with a letter of its own, and the datagram.
pub(super) fn lettered_echo(letter: u8) -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    let port = socket.local_addr().expect("is bound").port();

    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let answer = [&[letter], &buffer[..length]].concat();
            // The client may have gone.
            let _ = socket.send_to(&answer, from);
        }
    });
    port
}
