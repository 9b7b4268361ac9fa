//! One end of a TCP connection, byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{PATIENCE, patiently};

/// A connection that sends and reads bytes as they are: a client, or a backend that
/// need not be polite.
///
/// What reads panics when nothing comes for [`PATIENCE`].
#[derive(Debug)]
pub struct Wire {
    tcp: TcpStream,
    buffer: BytesMut,
}

/// A response, or a request, as it came over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The first line.
    pub line: String,
    /// The status; 0 of a request.
    pub status: u16,
    /// The fields.
    pub headers: HeaderMap,
    /// What came of the body.
    pub body: Vec<u8>,
    /// The fields behind a chunked body.
    pub trailers: HeaderMap,
    /// How it ended.
    pub end: End,
    /// The heads of the informational responses before it.
    pub informational: Vec<u16>,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// As its framing says.
    Complete,
    /// With the connection, which is a proper end only where there is no framing.
    Closed,
    /// The connection ended before the message did.
    Truncated,
}

impl Answer {
    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }

    /// The body as the JSON of an [`Origin`](crate::Origin).
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn echo(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("an origin's echo")
    }
}

impl Wire {
    /// Connects to `address`.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).await.expect("a listener"))
    }

    /// Takes over a connection.
    ///
    /// # Panics
    ///
    /// If the connection has gone.
    pub fn new(tcp: TcpStream) -> Self {
        tcp.set_nodelay(true).expect("a connection");
        Self {
            tcp,
            buffer: BytesMut::new(),
        }
    }

    /// Sends bytes; a peer that has closed is no error, it shows when reading.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = patiently("room to write", self.tcp.write_all(bytes.as_ref())).await;
    }

    /// Sends bytes until the peer takes no more for `silence`, and says how many
    /// it took; at most `limit`.
    pub async fn flood(&mut self, limit: usize, silence: Duration) -> usize {
        let block = vec![b'x'; 64 * 1024];
        let mut sent = 0;
        while sent < limit {
            match tokio::time::timeout(silence, self.tcp.write(&block)).await {
                Ok(Ok(written)) => sent += written,
                Ok(Err(_)) | Err(_) => break,
            }
        }
        sent
    }

    /// Sends no more, but reads on.
    pub async fn finish(&mut self) {
        let _ = self.tcp.shutdown().await;
    }

    /// Ends the connection with a reset instead of a proper end.
    pub fn reset(self) {
        let _ = self.tcp.set_zero_linger();
    }

    /// The underlying connection.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// The underlying connection, for somebody else to read on; what was read ahead is
    /// lost.
    pub fn into_tcp(self) -> TcpStream {
        self.tcp
    }

    /// Reads what there is into the buffer; false at the end.
    async fn fill(&mut self) -> bool {
        match patiently("bytes of the peer", self.tcp.read_buf(&mut self.buffer)).await {
            Ok(0) => false,
            Ok(_) => true,
            // A reset is an end, too.
            Err(_) => false,
        }
    }

    /// Reads exactly `length` bytes; `None` if the connection ends before.
    pub async fn read(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.buffer.split_to(length).to_vec())
    }

    /// Reads up to and with the first `end`; `None` if the connection ends before.
    pub async fn read_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            let found = self
                .buffer
                .windows(end.len())
                .position(|window| window == end);
            if let Some(at) = found {
                return Some(self.buffer.split_to(at + end.len()).to_vec());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Everything until the connection ends.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        while self.fill().await {}
        self.buffer.split().to_vec()
    }

    /// Whether the peer ends the connection without another byte.
    pub async fn is_ended(&mut self) -> bool {
        self.buffer.is_empty() && !self.fill().await
    }

    /// Whether nothing comes for `time`, neither bytes nor the end.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        debug_assert!(time < PATIENCE);
        self.buffer.is_empty()
            && tokio::time::timeout(time, self.tcp.readable())
                .await
                .is_err()
    }

    /// Reads the head of a message as text, with the empty line; `None` if the
    /// connection ends before.
    pub async fn head(&mut self) -> Option<String> {
        let head = self.read_until(b"\r\n\r\n").await?;
        Some(String::from_utf8_lossy(&head).into_owned())
    }

    /// Reads a request with its body.
    pub async fn request(&mut self) -> Option<Answer> {
        let head = self.head().await?;
        let (line, headers) = parse_head(&head);
        let mut request = Answer {
            line,
            status: 0,
            headers,
            body: Vec::new(),
            trailers: HeaderMap::new(),
            end: End::Complete,
            informational: Vec::new(),
        };
        // A request without framing has no body.
        self.body(&mut request, false).await;
        Some(request)
    }

    /// Reads the response to anything but HEAD; `None` if the connection ends
    /// before its head is complete.
    pub async fn response(&mut self) -> Option<Answer> {
        self.response_to("GET").await
    }

    /// Reads the response to a request with `method`.
    pub async fn response_to(&mut self, method: &str) -> Option<Answer> {
        let mut informational = Vec::new();
        loop {
            let head = self.head().await?;
            let (line, headers) = parse_head(&head);
            let status = status_of(&line);
            if (100..200).contains(&status) && status != 101 {
                informational.push(status);
                continue;
            }

            let mut answer = Answer {
                line,
                status,
                headers,
                body: Vec::new(),
                trailers: HeaderMap::new(),
                end: End::Complete,
                informational,
            };
            if method != "HEAD" && !matches!(status, 101 | 204 | 304) {
                self.body(&mut answer, true).await;
            }
            return Some(answer);
        }
    }

    async fn body(&mut self, message: &mut Answer, until_close: bool) {
        if message.headers.contains_key("transfer-encoding") {
            return self.chunked_body(message).await;
        }
        if let Some(length) = message.headers.get("content-length") {
            let length: usize = length
                .to_str()
                .ok()
                .and_then(|length| length.parse().ok())
                .expect("one length");
            match self.read(length).await {
                Some(body) => message.body = body,
                None => {
                    message.body = self.buffer.split().to_vec();
                    message.end = End::Truncated;
                }
            }
            return;
        }
        if until_close {
            message.body = self.read_to_end().await;
            message.end = End::Closed;
        }
    }

    async fn chunked_body(&mut self, message: &mut Answer) {
        message.end = End::Truncated;
        loop {
            let Some(line) = self.read_until(b"\r\n").await else {
                return;
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            let size = line.trim_end().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16)
                .unwrap_or_else(|_| panic!("{line:?} is not the size of a chunk"));
            if size == 0 {
                break;
            }
            let Some(chunk) = self.read(size + 2).await else {
                message.body.extend_from_slice(&self.buffer.split());
                return;
            };
            assert!(chunk.ends_with(b"\r\n"), "a chunk ends with its line");
            message.body.extend_from_slice(&chunk[..size]);
        }
        let mut fields = String::from("\r\n");
        loop {
            let Some(line) = self.read_until(b"\r\n").await else {
                return;
            };
            if line == b"\r\n" {
                break;
            }
            fields.push_str(&String::from_utf8_lossy(&line));
        }
        message.trailers = parse_head(&fields).1;
        message.end = End::Complete;
    }
}

/// The first line of a head and its fields.
///
/// # Panics
///
/// If a line is no field.
pub fn parse_head(head: &str) -> (String, HeaderMap) {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').expect("a field has a colon");
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a field's name");
        let value = HeaderValue::from_str(value.trim()).expect("a field's value");
        headers.append(name, value);
    }
    (first, headers)
}

/// A chunked body, one chunk for each of `parts`, without trailers.
pub fn chunked(parts: &[&str]) -> String {
    let chunks = parts
        .iter()
        .map(|part| format!("{:x}\r\n{part}\r\n", part.len()));
    chunks.collect::<String>() + "0\r\n\r\n"
}

fn status_of(line: &str) -> u16 {
    assert!(line.starts_with("HTTP/1."), "{line:?} is not a status line");
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    status.expect("a status line has a status")
}
