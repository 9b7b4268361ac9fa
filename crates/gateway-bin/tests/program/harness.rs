//! Runs the program, and plays its users and its backends.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// A folder with manifests.
pub(crate) struct Manifests {
    folder: TempDir,
}

impl Manifests {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("can be made"),
        }
    }

    pub(crate) fn with(self, name: &str, text: &str) -> Self {
        self.write(name, text);
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("can be written");
    }

    pub(crate) fn path(&self) -> String {
        self.folder.path().display().to_string()
    }
}

/// A class and a Gateway with one listener on 127.0.0.1.
pub(crate) fn gateway(port: u16) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: ours}}
spec: {{controllerName: gateway-rs.dev/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web}}
spec:
  gatewayClassName: ours
  addresses: [{{value: 127.0.0.1}}]
  listeners:
  - name: http
    port: {port}
    protocol: HTTP
"
    )
}

/// A route that sends everything for `host` to `service`.
pub(crate) fn route(name: &str, host: &str, service: &str) -> String {
    format!(
        "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: web}}]
  hostnames: [{host}]
  rules:
  - backendRefs:
    - name: {service}
      port: 80
"
    )
}

/// A Service with one endpoint on 127.0.0.1.
pub(crate) fn service(name: &str, port: u16) -> String {
    format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
endpoints: [{{addresses: [127.0.0.1]}}]
ports: [{{port: {port}}}]
"
    )
}

/// The program, without what this environment may say.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GATEWAY_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn gateway_says(args: &[&str]) -> Said {
    let Output {
        status,
        stdout,
        stderr,
    } = command(args).output().expect("can be run");

    Said {
        code: status.code(),
        out: String::from_utf8(stdout).expect("is text"),
        err: String::from_utf8(stderr).expect("is text"),
    }
}

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).expect("is JSON")
    }
}

/// The program while it runs. Killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("can be run");
        let (sender, lines) = channel();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        follow(out.expect("is piped"), sender.clone());
        follow(err.expect("is piped"), sender);

        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits for a line, of either output, and returns it.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("never said {text:?}, only {:#?}", self.seen),
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status();

        assert!(sent.expect("can be run").success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("is ours")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Has ended already, mostly.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(output: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is one");

    listener.local_addr().expect("is bound").port()
}

/// A backend that answers every request with `answer`, when `gate` lets it.
pub(crate) fn backend(answer: &'static str, gate: impl FnMut() + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    let port = listener.local_addr().expect("is bound").port();

    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut gate = gate.clone();
            thread::spawn(move || answer_all(stream, answer, &mut gate));
        }
    });
    port
}

fn answer_all(stream: TcpStream, answer: &str, gate: &mut impl FnMut()) {
    let mut reader = BufReader::new(stream);
    loop {
        if head(&mut reader).is_none() {
            return;
        }
        gate();
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        if reader.get_mut().write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

/// The lines of a head. Nothing at the end of the connection.
pub(crate) fn head(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

/// What a client got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Vec<String>,
    pub(crate) body: String,
}

/// Sends a request on a connection of its own; `headers` end with a line break.
pub(crate) fn get(port: u16, host: &str, path: &str, headers: &str) -> Answer {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("somebody listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("is not zero");
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n");
    let mut reader = BufReader::new(stream);
    reader
        .get_mut()
        .write_all(request.as_bytes())
        .expect("can be sent");

    let head = head(&mut reader).expect("is answered");
    let mut body = String::new();
    reader.read_to_string(&mut body).expect("is text");
    let status = head[0].split(' ').nth(1).expect("is a status line");
    Answer {
        status: status.parse().expect("is a status"),
        head,
        body,
    }
}

/// How long anything may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The path of one manifest.
pub(crate) fn path_of(manifests: &Manifests, name: &str) -> String {
    Path::new(&manifests.path())
        .join(name)
        .display()
        .to_string()
}
