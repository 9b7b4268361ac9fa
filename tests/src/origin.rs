//! A backend that speaks proper HTTP.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::{BoxError, patiently};

/// The body of a request as an origin gets it.
pub type Incoming = hyper::body::Incoming;

/// The body of an origin's response.
pub type OriginBody = UnsyncBoxBody<Bytes, BoxError>;

/// A backend that remembers what it was asked. Dropping it closes its socket and its
/// connections.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: AbortHandle,
}

/// What an origin knows.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// How many connections it has accepted.
    pub connections: usize,
    /// How many of them are open.
    pub open: usize,
    /// What it was asked, oldest first.
    pub requests: Vec<Seen>,
}

/// A request as the origin saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// The version it came in.
    pub version: Version,
    /// The host, from the field or the pseudo field.
    pub host: Option<String>,
    /// The fields.
    pub headers: HeaderMap,
    /// The body; empty where the test's own handler reads it.
    pub body: Bytes,
    /// The fields behind the body.
    pub trailers: HeaderMap,
    /// Whether the body came to its proper end.
    pub complete: bool,
    /// Which connection it came on, from 1.
    pub connection: usize,
}

type Answering = Pin<Box<dyn Future<Output = Response<OriginBody>> + Send>>;
type Handler = Arc<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>;

#[derive(Clone)]
enum Role {
    Echo(StatusCode),
    Handler(Handler),
}

#[derive(Clone, Copy)]
enum Speaks {
    Http1,
    Http2,
}

impl Origin {
    /// Answers 200 with JSON that says what was asked: `path` (with the query),
    /// `host`, `method`, `proto`, `headers`, `trailers` and `body`.
    pub async fn echo() -> Self {
        Self::start(free(), Speaks::Http1, Role::Echo(StatusCode::OK)).await
    }

    /// As [`Origin::echo`], over HTTP/2 with prior knowledge.
    pub async fn echo_h2c() -> Self {
        Self::start(free(), Speaks::Http2, Role::Echo(StatusCode::OK)).await
    }

    /// As [`Origin::echo`] with another status.
    pub async fn echo_with(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status");
        Self::start(free(), Speaks::Http1, Role::Echo(status)).await
    }

    /// Answers what `handler` answers.
    pub async fn http1<H, F>(handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<OriginBody>> + Send + 'static,
    {
        Self::http1_at(free(), handler).await
    }

    /// As [`Origin::http1`], at an address of the test's choice.
    ///
    /// # Panics
    ///
    /// If the address cannot be listened on.
    pub async fn http1_at<H, F>(address: SocketAddr, handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<OriginBody>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        Self::start(address, Speaks::Http1, Role::Handler(handler)).await
    }

    /// As [`Origin::http1`], over HTTP/2 with prior knowledge.
    pub async fn h2c<H, F>(handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<OriginBody>> + Send + 'static,
    {
        Self::h2c_at(free(), handler).await
    }

    /// As [`Origin::h2c`], at an address of the test's choice.
    ///
    /// # Panics
    ///
    /// If the address cannot be listened on.
    pub async fn h2c_at<H, F>(address: SocketAddr, handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<OriginBody>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        Self::start(address, Speaks::Http2, Role::Handler(handler)).await
    }

    async fn start(address: SocketAddr, speaks: Speaks, role: Role) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = watch::Sender::new(State::default());
        let accepting = tokio::spawn(accept(listener, speaks, role, state.clone()));
        Self {
            address,
            state,
            accepting: accepting.abort_handle(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.state.borrow().requests.clone()
    }

    /// How often it was asked so far.
    pub fn count(&self) -> usize {
        self.state.borrow().requests.len()
    }

    /// What it was asked last.
    ///
    /// # Panics
    ///
    /// If it was asked nothing.
    pub fn last(&self) -> Seen {
        let last = self.state.borrow().requests.last().cloned();
        last.expect("the origin was asked something")
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.state.borrow().connections
    }

    /// Waits until `reached` holds.
    ///
    /// # Panics
    ///
    /// If it never does.
    pub async fn until(&self, what: &str, reached: impl FnMut(&State) -> bool) {
        let mut state = self.state.subscribe();
        // The sender is ours.
        let _ = patiently(what, state.wait_for(reached)).await;
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A response of an origin.
pub fn answer(status: u16, body: impl Into<Bytes>) -> Response<OriginBody> {
    let body = Full::new(body.into()).map_err(|never: Infallible| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

/// A free port of loopback.
fn free() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

async fn accept(listener: TcpListener, speaks: Speaks, role: Role, state: watch::Sender<State>) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let mut number = 0;
        state.send_modify(|state| {
            state.connections += 1;
            state.open += 1;
            number = state.connections;
        });
        let (role, state) = (role.clone(), state.clone());
        connections.spawn(async move {
            let _open = Open(state.clone());
            serve(tcp, speaks, role, state, number).await;
        });
    }
}

struct Open(watch::Sender<State>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|state| state.open -= 1);
    }
}

async fn serve(
    tcp: TcpStream,
    speaks: Speaks,
    role: Role,
    state: watch::Sender<State>,
    connection: usize,
) {
    let _ = tcp.set_nodelay(true);
    let service = service_fn(move |request| {
        let (role, state) = (role.clone(), state.clone());
        async move { Ok::<_, Infallible>(respond(role, state, connection, request).await) }
    });
    // A gateway that leaves is the test's affair.
    match speaks {
        Speaks::Http1 => {
            let http = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(tcp), service)
                .with_upgrades();
            let _ = http.await;
        }
        Speaks::Http2 => {
            let http = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(tcp), service);
            let _ = http.await;
        }
    }
}

async fn respond(
    role: Role,
    state: watch::Sender<State>,
    connection: usize,
    request: Request<Incoming>,
) -> Response<OriginBody> {
    let mut seen = Seen::new(&request, connection);
    match role {
        Role::Handler(handler) => {
            state.send_modify(|state| state.requests.push(seen));
            handler(request).await
        }
        Role::Echo(status) => {
            seen.read(request.into_body()).await;
            let echo = seen.echo();
            state.send_modify(|state| state.requests.push(seen));
            let mut response = answer(status.as_u16(), echo);
            response
                .headers_mut()
                .insert("content-type", "application/json".parse().expect("a value"));
            response
        }
    }
}

impl Seen {
    /// The head of `request`, which came on that connection.
    pub fn new(request: &Request<Incoming>, connection: usize) -> Self {
        let field = request.headers().get(HOST);
        let host = match request.uri().authority() {
            Some(authority) => Some(authority.to_string()),
            None => field.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()),
        };
        let target = match request.uri().path_and_query() {
            Some(target) => target.to_string(),
            None => request.uri().to_string(),
        };
        Self {
            method: request.method().clone(),
            target,
            version: request.version(),
            host,
            headers: request.headers().clone(),
            body: Bytes::new(),
            trailers: HeaderMap::new(),
            complete: false,
            connection,
        }
    }

    async fn read(&mut self, mut body: Incoming) {
        let mut read = Vec::new();
        self.complete = true;
        while let Some(frame) = body.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => read.extend_from_slice(&data),
                Ok(Err(frame)) => self
                    .trailers
                    .extend(frame.into_trailers().unwrap_or_default()),
                Err(_) => {
                    self.complete = false;
                    break;
                }
            }
        }
        self.body = read.into();
    }

    /// As the JSON of [`Origin::echo`].
    pub fn echo(&self) -> String {
        json!({
            "path": self.target,
            "host": self.host,
            "method": self.method.as_str(),
            "proto": format!("{:?}", self.version),
            "headers": fields(&self.headers),
            "trailers": fields(&self.trailers),
            "body": String::from_utf8_lossy(&self.body),
        })
        .to_string()
    }

    /// The only value of a field; `None` if there is none.
    ///
    /// # Panics
    ///
    /// If there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "several {name}");
        Some(value.to_str().expect("a visible value"))
    }
}

fn fields(headers: &HeaderMap) -> serde_json::Value {
    let all = headers.keys().map(|name| {
        let values = headers.get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        (name.to_string(), json!(values))
    });
    serde_json::Value::Object(all.collect())
}
