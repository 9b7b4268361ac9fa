//! An echo server as the suite's Deployments run it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway_tests::{BoxError, Incoming, Origin, OriginBody, Seen, answer};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::keys::KEYS;
use crate::servers;

/// A pod with an address of its own.
#[derive(Debug)]
pub(crate) struct Pod {
    namespace: String,
    deployment: String,
    labels: Map<String, Value>,
    address: Ipv4Addr,
    plain: Option<Origin>,
    _h2c: Option<Origin>,
    /// Ended when it is dropped.
    _servers: JoinSet<()>,
}

impl Pod {
    /// Runs one pod of `deployment`.
    pub(crate) async fn start(deployment: &Value, replica: u64, address: Ipv4Addr) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let name = text(&deployment["metadata"]["name"]);
        let namespace = text(&deployment["metadata"]["namespace"]);
        let template = &deployment["spec"]["template"];
        let labels = template["metadata"]["labels"].as_object().expect("labels");
        let identity = Arc::new(Echo {
            pod: format!("{name}-7f9c-{replica}"),
            namespace: namespace.clone(),
            retries: Mutex::default(),
        });
        let mut pod = Self {
            namespace,
            deployment: name,
            labels: labels.clone(),
            address,
            plain: None,
            _h2c: None,
            _servers: JoinSet::new(),
        };
        pod.serve(template, identity).await;
        pod
    }

    async fn serve(&mut self, template: &Value, identity: Arc<Echo>) {
        let issued = secret(template).map(|name| KEYS.issued(&self.namespace, name));
        let (address, servers) = (self.address, &mut self._servers);
        match Mode::of(template) {
            Mode::Http => {
                let echo = Arc::clone(&identity);
                let plain = Origin::http1_at((address, 3000).into(), move |request| {
                    Arc::clone(&echo).respond(request, "3000", Value::Null)
                });
                self.plain = Some(plain.await);
                let echo = Arc::clone(&identity);
                let h2c = Origin::h2c_at((address, 3001).into(), move |request| {
                    Arc::clone(&echo).respond(request, "3001", Value::Null)
                });
                self._h2c = Some(h2c.await);
                if let Some(issued) = issued {
                    let protocols = &["http/1.1"];
                    let acceptor = match variable(template, "TLS_CLIENT_CACERTS") {
                        Some(_) => issued.acceptor_for(protocols, &KEYS.checks),
                        None => issued.acceptor(protocols),
                    };
                    servers::https(servers, address, identity, acceptor).await;
                }
            }
            Mode::Grpc => {
                let echo = Arc::clone(&identity);
                let plain = Origin::h2c_at((address, 3000).into(), move |request| {
                    servers::call(Arc::clone(&echo), request)
                });
                self.plain = Some(plain.await);
                if let Some(issued) = issued {
                    servers::grpc(servers, address, identity, issued).await;
                }
            }
            Mode::Tcp => {
                let port = variable(template, "TCP_PORT");
                let port = port.map_or(3000, |port| port.parse().expect("a port"));
                servers::tcp(servers, (address, port), identity, issued).await;
            }
            Mode::Udp => servers::udp(servers, address, &identity).await,
        }
    }

    /// Whether it has the labels.
    pub(crate) fn is_chosen(&self, namespace: &str, selector: &Map<String, Value>) -> bool {
        let mut wanted = selector.iter();
        self.namespace == namespace
            && wanted.all(|(name, value)| self.labels.get(name) == Some(value))
    }

    /// Whether it is one of the Deployment's.
    pub(crate) fn is_of(&self, namespace: &str, deployment: &str) -> bool {
        self.namespace == namespace && self.deployment == deployment
    }

    /// As in an EndpointSlice.
    pub(crate) fn endpoint(&self) -> Value {
        json!({
            "addresses": [self.address.to_string()],
            "conditions": {"ready": true, "serving": true, "terminating": false},
        })
    }

    /// Its HTTP server, which knows what it was asked.
    pub(crate) fn origin(&self) -> &Origin {
        self.plain.as_ref().expect("an HTTP server")
    }
}

/// What a pod serves.
enum Mode {
    Http,
    Grpc,
    Tcp,
    Udp,
}

impl Mode {
    /// All but HTTP are switched on by variables.
    fn of(template: &Value) -> Self {
        let is = |name: &str| variable(template, name).is_some();
        match () {
            () if is("GRPC_ECHO_SERVER") => Self::Grpc,
            () if is("TCP_ECHO_SERVER") => Self::Tcp,
            () if is("UDP_ECHO_SERVER") => Self::Udp,
            () => Self::Http,
        }
    }
}

/// A variable of a pod.
fn variable<'a>(template: &'a Value, name: &str) -> Option<&'a str> {
    let mut env = template["spec"]["containers"][0]["env"].as_array()?.iter();
    env.find(|one| one["name"] == name)?["value"].as_str()
}

/// The Secret with the certificate of a pod that also speaks TLS.
fn secret(template: &Value) -> Option<&str> {
    template["spec"]["volumes"][0]["secret"]["secretName"].as_str()
}

/// What a server knows about itself.
#[derive(Debug)]
pub(crate) struct Echo {
    pod: String,
    namespace: String,
    /// How often each client of the retry simulator came.
    retries: Mutex<HashMap<String, u32>>,
}

impl Echo {
    /// Who it is, and what it knows of the TLS that it is reached by.
    pub(crate) fn identity(&self, tls: &Value) -> Value {
        json!({
            "pod": self.pod,
            "namespace": self.namespace,
            "tls": tls,
        })
    }

    /// The same, and what it was asked.
    pub(crate) fn describe(&self, seen: &Seen, tls: &Value) -> Value {
        let mut echo: Value = serde_json::from_str(&seen.echo()).expect("JSON");
        let fields = echo.as_object_mut().expect("an object");
        if let Value::Object(identity) = self.identity(tls) {
            fields.extend(identity);
        }
        echo
    }

    pub(crate) async fn respond(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        port: &'static str,
        tls: Value,
    ) -> Response<OriginBody> {
        let path = request.uri().path().to_owned();
        if path == "/ws" {
            return web_socket(&mut request);
        }
        let query = Query::of(&request);
        let (mut status, mut pause) = (200, query.duration("delay"));
        if path.starts_with("/retry/") && self.shall_fail(&query) {
            status = query.number("responseCode").unwrap_or(500);
            pause = query.duration("delayRetry");
        }
        // Part of what is played, not to wait for anything.
        tokio::time::sleep(pause).await;

        let seen = Seen::new(&request, 0);
        let mut echo = self.describe(&seen, &tls);
        echo["httpPort"] = json!(port);
        // Read, so that the connection can be used again.
        let _ = request.body_mut().collect().await;
        let mut response = answer(u16::try_from(status).expect("a status"), echo.to_string());
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for pairs in seen.headers.get_all("x-echo-set-header") {
            for pair in pairs.to_str().expect("a text").split(',') {
                let (name, value) = pair.split_once(':').expect("name and value");
                let name = HeaderName::from_str(name.trim()).expect("a name");
                headers.append(name, value.trim().parse().expect("a value"));
            }
        }
        response
    }

    /// Whether a client of the retry simulator came too seldom yet.
    fn shall_fail(&self, query: &Query) -> bool {
        let client = query.text("uuid").unwrap_or_default().to_owned();
        let mut retries = self.retries.lock().expect("nobody panicked");
        let before = retries.entry(client).or_default();
        let fails = *before < query.number("succeedAfter").unwrap_or_default();
        *before += 1;
        fails
    }
}

/// The query of a request.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(request: &Request<Incoming>) -> Self {
        let pairs = request.uri().query().unwrap_or_default().split('&');
        Self(
            pairs
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    fn text(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.text(name).map(|text| text.parse().expect("a number"))
    }

    /// As in `1s` or `300ms`; zero if there is none.
    fn duration(&self, name: &str) -> Duration {
        let text = self.text(name).unwrap_or("0ms");
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1),
            None => (text.strip_suffix('s').expect("a unit"), 1000),
        };
        Duration::from_millis(number.parse::<u64>().expect("a number") * unit)
    }
}

/// Switches protocols, and sends every short frame back.
fn web_socket(request: &mut Request<Incoming>) -> Response<OriginBody> {
    let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    if header("upgrade") != Some(b"websocket") || header("sec-websocket-key") != Some(KEY) {
        return answer(400, "no WebSocket");
    }
    tokio::spawn(send_back(hyper::upgrade::on(request)));
    let mut response = answer(101, "");
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", ACCEPT),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn send_back(upgrade: OnUpgrade) -> Result<Infallible, BoxError> {
    let mut tunnel = TokioIo::new(upgrade.await?);
    loop {
        let (mut head, mut mask) = ([0; 2], [0; 4]);
        tunnel.read_exact(&mut head).await?;
        tunnel.read_exact(&mut mask).await?;
        let mut payload = vec![0; usize::from(head[1] & 0x7f)];
        tunnel.read_exact(&mut payload).await?;
        let plain = payload.iter().zip(mask.iter().cycle());
        let mut frame = vec![head[0], head[1] & 0x7f];
        frame.extend(plain.map(|(byte, mask)| byte ^ mask));
        tunnel.write_all(&frame).await?;
    }
}

/// The example of RFC 6455, section 1.3: with this key ...
pub(crate) const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";
/// ... comes this answer.
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzhZRbK+xOo=";
