//! How do I proxy what is not HTTP, and look into it?
//!
//! Shows a TCP listener whose connections pass a layer of its own before they are
//! forwarded: one that lets only MQTT in, by the first byte of its CONNECT.
//!
//! ```text
//! cargo run -p gateway-examples --example stream_proxy
//! cargo run -p gateway-examples --example stream_proxy -- 0.0.0.0:1883 10.0.0.1:1883
//! ```
//!
//! Without arguments you will see that MQTT is answered and that anything else is not.
//! With an address to listen on and one to forward to, it forwards everything until it
//! is killed.

use std::net::SocketAddr;

use gateway_core::l4::{Connection, ConnectionStack, Summary};
use gateway_core::model::{
    Backend, BackendRef, Configuration, ExtensionRef, Gateway as Edge, Listener, Protocol,
    StreamRoute, StreamRouteKind,
};
use gateway_core::{BoxError, Gateway};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::layer::layer_fn;
use tower::{Service, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<SocketAddr> = std::env::args()
        .skip(1)
        .map(|argument| argument.parse())
        .collect::<Result<_, _>>()?;
    match arguments[..] {
        [listen, backend] => {
            let route = StreamRoute::new(StreamRouteKind::Tcp, "route");
            let gateway = Gateway::builder().workers(1).build();
            gateway.update(forwarding(listen, backend, route));
            Ok(gateway.run().await?)
        }
        _ => show().await,
    }
}

fn forwarding(listen: SocketAddr, backend: SocketAddr, route: StreamRoute) -> Configuration {
    let listener = Listener::new("tcp", listen.port(), Protocol::Tcp)
        .with_stream_route(route.with_backend(BackendRef::new("backend".into())));
    let edge = Edge::new("edge")
        .with_address(listen.ip())
        .with_listener(listener);
    Configuration::new()
        .with_gateway(edge)
        .with_backend("backend", Backend::new([backend]))
}

/// Lets only those in who begin as MQTT does.
fn mqtt_only(
    forward: ConnectionStack,
) -> impl Service<Connection, Response = Summary, Error = BoxError, Future: Send> + Clone + Send + Sync
{
    service_fn(move |mut connection: Connection| {
        let mut forward = forward.clone();
        async move {
            if connection.ahead().is_empty() {
                connection.read_ahead().await?;
            }
            match connection.ahead() {
                [CONNECT, ..] => forward.call(connection).await,
                _ => Err("not MQTT".into()),
            }
        }
    })
}

/// The type of the packet that MQTT begins with (OASIS MQTT 5.0, section 2.1.2).
const CONNECT: u8 = 0x10;

async fn show() -> Result<(), BoxError> {
    let broker = TcpListener::bind("127.0.0.1:0").await?;
    let name = ExtensionRef::new("example.com", "Layer", "mqtt-only");
    let gateway = Gateway::builder()
        .workers(1)
        .connection_layer(name.clone(), layer_fn(mqtt_only))
        .build();
    let route = StreamRoute::new(StreamRouteKind::Tcp, "mqtt").with_layer(name);
    gateway.update(forwarding(
        ([127, 0, 0, 1], 0).into(),
        broker.local_addr()?,
        route,
    ));
    let running = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.run().await }
    });
    let listening = gateway.addresses()[0];

    let mut client = TcpStream::connect(listening).await?;
    client.write_all(&[CONNECT, 0]).await?;
    let (mut accepted, _) = broker.accept().await?;
    let mut packet = [0; 2];
    accepted.read_exact(&mut packet).await?;
    println!("the broker got {packet:?}");
    assert_eq!(packet, [CONNECT, 0]);

    let mut stranger = TcpStream::connect(listening).await?;
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    let answer = stranger.read(&mut packet).await.unwrap_or(0);
    println!("whoever does not speak MQTT got {answer} bytes");
    assert_eq!(answer, 0);

    drop((client, accepted));
    gateway.shutdown();
    Ok(running.await??)
}
