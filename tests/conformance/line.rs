//! What is said over TCP, TLS and UDP, and what has to come of it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use gateway_tests::patiently;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpStream, UdpSocket};

use crate::servers::WELCOME;

/// What a TCP server says of itself, over a new connection.
pub(crate) async fn tcp(gateway: SocketAddr) -> io::Result<Value> {
    let tcp = TcpStream::connect(gateway).await?;
    let (is_tls, identity) = talk(tcp).await?;
    assert!(!is_tls, "{identity}");
    Ok(identity)
}

/// Whether a server was spoken to over TLS, and what it says of itself. It speaks
/// first.
pub(crate) async fn talk<S>(stream: S) -> io::Result<(bool, Value)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufStream::new(stream);
    assert_eq!(line(&mut stream).await?, WELCOME);
    assert_eq!(ask(&mut stream, "PING\n").await?, "PONG\n");
    let is_tls = ask(&mut stream, "IS_TLS\n").await? == "true\n";
    let identity = ask(&mut stream, "TEST\n").await?;
    Ok((is_tls, serde_json::from_str(&identity)?))
}

/// What a UDP server says of itself, from a new socket. Nobody else's datagrams get
/// there.
pub(crate) async fn udp(gateway: SocketAddr) -> io::Result<Value> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.connect(gateway).await?;
    socket.send(b"who is there?").await?;
    let mut answer = vec![0; 4096];
    let length = patiently("a datagram", socket.recv(&mut answer)).await?;
    Ok(serde_json::from_slice(&answer[..length])?)
}

/// It is a pod of this Deployment.
#[track_caller]
pub(crate) fn is_of(identity: &Value, namespace: &str, deployment: &str) {
    assert_eq!(self::deployment(identity), deployment);
    assert_eq!(identity["namespace"], namespace);
}

/// Of 500 answers, 70 of 100 are of `names[0]`, the others of `names[1]`.
#[track_caller]
pub(crate) fn are_shared(identities: &[Value], names: [&str; 2]) {
    assert_eq!(identities.len(), 500);
    let mut counts = BTreeMap::new();
    for identity in identities {
        *counts.entry(deployment(identity)).or_insert(0_u32) += 1;
    }
    assert_eq!(counts.len(), 2, "{counts:?}");
    for (name, expected) in names.into_iter().zip([0.7, 0.3]) {
        let share = f64::from(counts.get(name).copied().unwrap_or(0)) / 500.0;
        assert!((share - expected).abs() <= 0.05, "{counts:?}");
    }
}

fn deployment(identity: &Value) -> &str {
    let pod = identity["pod"].as_str().expect("a pod");
    pod.rsplitn(3, '-').last().unwrap_or_default()
}

async fn ask<S>(stream: &mut BufStream<S>, question: &str) -> io::Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(question.as_bytes()).await?;
    stream.flush().await?;
    line(stream).await
}

/// The next line; what ends before one is an error.
async fn line<S>(stream: &mut BufStream<S>) -> io::Result<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = String::new();
    patiently("a line", stream.read_line(&mut line)).await?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}
