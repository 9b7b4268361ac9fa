//! A backend that does what the test says, one connection at a time.

use std::net::SocketAddr;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A listening socket.
pub(super) struct Origin {
    listener: TcpListener,
}

impl Origin {
    pub(super) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("bound")
    }

    pub(super) async fn accept(&self) -> Conversation {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        Conversation { stream }
    }

    /// Whether nobody has connected since the last `accept`.
    pub(super) async fn is_left_alone(&self) -> bool {
        super::settle().await;
        self.listener.accept().now_or_never().is_none()
    }

    pub(super) async fn accept_stream(&self) -> TcpStream {
        self.accept().await.stream
    }
}

/// One accepted connection.
pub(super) struct Conversation {
    stream: TcpStream,
}

impl Conversation {
    /// Reads up to the blank line.
    pub(super) async fn head(&mut self) -> String {
        self.next_head().await.expect("a whole head")
    }

    /// Reads up to the blank line, or finds the connection closed.
    pub(super) async fn next_head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.ok()?);
        }
        Some(String::from_utf8(head).expect("text").to_ascii_lowercase())
    }

    /// Says something, if the other side still listens.
    pub(super) async fn try_say(&mut self, bytes: &str) -> bool {
        self.stream.write_all(bytes.as_bytes()).await.is_ok()
    }

    pub(super) async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.expect("more");
        bytes
    }

    pub(super) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("sent");
    }

    /// Reads a head and answers with `body`.
    pub(super) async fn answer(&mut self, body: &str) -> String {
        let head = self.head().await;
        let length = body.len();
        self.say(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
        head
    }

    /// Waits until the other side has closed, and returns what came before.
    pub(super) async fn closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is a way to close as well.
        let _: Result<usize, _> = self.stream.read_to_end(&mut rest).await;
        rest
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }
}

/// An address where nobody listens, and nobody else can begin to while this is there.
pub(super) struct Nobody(TcpSocket);

impl Nobody {
    pub(super) fn bind() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}
