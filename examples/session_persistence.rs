//! How do I bring the requests of one session to one server?
//!
//! Shows `gateway-lb`'s sessions under a small hyper server: the first response carries a
//! cookie, which says, so that only the proxy can read it, where the session is; later requests
//! with the cookie go there.
//!
//! ```text
//! cargo run -p gateway-examples --example session_persistence
//! ```
//!
//! You will see the cookie, that twenty requests with it stay with one of two servers
//! while those without alternate, and that the session begins anew on the other server
//! when its own is taken away.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use gateway_lb::balance::{Algorithm, Outcome};
use gateway_lb::persistence::{CookieSession, SessionKey, Sessions};
use gateway_lb::pool::{Pool, PoolSettings, Protocol};
use gateway_lb::{Balancer, EndpointSet};
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The proxy: where it sends requests, and what it makes of sessions.
struct Proxy {
    balancer: Balancer,
    sessions: Sessions,
    pool: Pool<Incoming>,
}

impl Proxy {
    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
        let now = SystemTime::now();
        let (mut pick, token) = self
            .sessions
            .pick(&self.balancer, None, request.headers(), now)?;

        let sent = self
            .pool
            .send(pick.address(), Protocol::Http1, request)
            .await;
        let outcome = if sent.is_ok() {
            Outcome::Success
        } else {
            Outcome::Failure
        };
        self.balancer.answered(&mut pick, outcome);

        let mut response = sent?;
        if let Some((name, value)) = token {
            response.headers_mut().append(name, value);
        }
        Ok(response.map(|body| {
            body.map_frame(move |frame| {
                // The request is in flight until its response has ended.
                let _in_flight = &pick;
                frame
            })
            .map_err(Into::into)
            .boxed_unsync()
        }))
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        self.forward(request).await.unwrap_or_else(|error| {
            eprintln!("cannot forward: {error}");
            let mut response = Response::new(Empty::new().map_err(|e| match e {}).boxed_unsync());
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let servers = [server("one").await?, server("two").await?];
    // Browsers send a secure cookie over TLS only, and there is none here.
    let cookie = CookieSession::new("session")?.with_secure(false);
    let proxy = Arc::new(Proxy {
        balancer: Balancer::new(Algorithm::RoundRobin, EndpointSet::from_iter(servers)),
        sessions: Sessions::new(cookie, SessionKey::random()?, b"shop/cart"),
        pool: Pool::new(PoolSettings::new()),
    });
    let client = Client {
        proxy: serve(Arc::clone(&proxy)).await?,
        pool: Pool::new(PoolSettings::new()),
    };

    let (name, cookie) = client.get(None).await?;
    let cookie = cookie.ok_or("a new session has a cookie")?;
    println!("{name} answers first, with the cookie {cookie}");
    for _ in 0..20 {
        assert_eq!(client.get(Some(&cookie)).await?, (name.clone(), None));
    }
    println!("20 requests with it: all from {name}");

    let mut others = BTreeSet::new();
    for _ in 0..4 {
        others.insert(client.get(None).await?.0);
    }
    assert_eq!(others.len(), 2);
    println!("requests without it: from {others:?}");

    let left = if name == "one" {
        servers[1]
    } else {
        servers[0]
    };
    proxy.balancer.update(EndpointSet::from_iter([left]));
    let (other, next) = client.get(Some(&cookie)).await?;
    assert_ne!(other, name);
    let next = next.ok_or("the session begins anew")?;
    proxy.balancer.update(EndpointSet::from_iter(servers));
    assert_eq!(client.get(Some(&next)).await?, (other.clone(), None));
    println!("{name} is taken away: the session is with {other} from then on");
    Ok(())
}

struct Client {
    proxy: SocketAddr,
    pool: Pool<Empty<Bytes>>,
}

impl Client {
    /// The name of the server that answers, and the cookie that comes with it.
    async fn get(&self, cookie: Option<&str>) -> Result<(String, Option<String>), BoxError> {
        let mut request = Request::get("/").header(header::HOST, "shop.example");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.body(Empty::new())?;
        let response = self.pool.send(self.proxy, Protocol::Http1, request).await?;

        let set_cookie = response.headers().get(header::SET_COOKIE);
        let cookie = match set_cookie {
            Some(value) => value.to_str()?.split(';').next().map(str::to_owned),
            None => None,
        };
        let name = response.into_body().collect().await?.to_bytes();
        Ok((String::from_utf8(name.to_vec())?, cookie))
    }
}

async fn serve(proxy: Arc<Proxy>) -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let proxy = Arc::clone(&proxy);
            let service = service_fn(move |request| {
                let answer = Arc::clone(&proxy).answer(request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
        }
    });
    Ok(address)
}

/// A server that answers with its name.
async fn server(name: &'static str) -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let service = service_fn(move |_| async move {
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(name)))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
        }
    });
    Ok(address)
}
