//! Backends that speak TLS, on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::pool::{
    Destination, Pool, PoolSettings, UpgradedUpstream, UpstreamError, UpstreamErrorKind,
};

type Body = Empty<Bytes>;

struct Authority(CertifiedIssuer<'static, KeyPair>);

type Issued = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    fn issue(&self, names: &[SanType]) -> Issued {
        self.sign(CertificateParams::default(), names)
    }

    fn sign(&self, mut params: CertificateParams, names: &[SanType]) -> Issued {
        params.subject_alt_names = names.to_vec();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        (vec![certificate.der().clone()], key.into())
    }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

/// What a backend knows of a connection.
#[derive(Clone, Debug)]
struct Shaken {
    kind: HandshakeKind,
    server_name: Option<String>,
    client: Option<CertificateDer<'static>>,
}

struct Backend {
    address: SocketAddr,
    shaken: Arc<Mutex<Vec<Shaken>>>,
    accepting: AbortHandle,
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Backend {
    async fn start(issued: Issued, protocols: &[&[u8]]) -> Self {
        Self::asking(issued, protocols, None).await
    }

    /// Asks clients for a certificate of `clients`, too.
    async fn asking(issued: Issued, protocols: &[&[u8]], clients: Option<&Authority>) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.root()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = config.with_single_cert(issued.0, issued.1).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shaken = Arc::<Mutex<Vec<Shaken>>>::default();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::clone(&shaken)));
        Self {
            address,
            shaken,
            accepting: accepting.abort_handle(),
        }
    }

    fn shaken(&self) -> Vec<Shaken> {
        self.shaken.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shaken: Arc<Mutex<Vec<Shaken>>>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let Ok(stream) = acceptor.accept(tcp).await else {
            continue;
        };
        let session = stream.get_ref().1;
        shaken.lock().unwrap().push(Shaken {
            kind: session.handshake_kind().unwrap(),
            server_name: session.server_name().map(str::to_owned),
            client: session.peer_certificates().map(|chain| chain[0].clone()),
        });
        let http2 = session.alpn_protocol() == Some(HTTP2);
        let io = TokioIo::new(stream);
        tokio::spawn(async move {
            let service = service_fn(answer);
            if http2 {
                let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(io, service).await;
            } else {
                let http = hyper::server::conn::http1::Builder::new();
                let _ = http.serve_connection(io, service).with_upgrades().await;
            }
        });
    }
}

/// Says the scheme and echoes after an upgrade.
async fn answer(
    mut request: Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, std::convert::Infallible> {
    let scheme = request.uri().scheme_str().unwrap_or_default().to_owned();
    let mut response = http::Response::new(Full::from(scheme));
    if request.headers().contains_key("upgrade") {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response
            .headers_mut()
            .insert("connection", "upgrade".parse().unwrap());
        response
            .headers_mut()
            .insert("upgrade", "echo".parse().unwrap());
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
            let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
            let _ = tokio::io::copy(&mut read, &mut write).await;
        });
    }
    Ok(response)
}

fn pool() -> Pool<Body> {
    Pool::new(PoolSettings::new())
}

async fn get(
    pool: &Pool<Body>,
    backend: &Backend,
    tls: &UpstreamTls,
    protocol: Protocol,
) -> Result<(Version, String), UpstreamError> {
    let request = Request::get("/")
        .header("host", "a.test")
        .body(Body::new())
        .unwrap();
    let destination = Destination::from(backend.address).with_tls(tls.clone());
    let response = pool.send(destination, protocol, request).await?;
    let version = response.version();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((version, String::from_utf8(body.to_vec()).unwrap()))
}

/// Whether a backend with `names` is believed by `tls`.
async fn is_believed(issued: Issued, tls: UpstreamTlsBuilder) -> bool {
    let backend = Backend::start(issued, &[]).await;
    let tls = tls.build().unwrap();
    match get(&pool(), &backend, &tls, Protocol::Http1).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), UpstreamErrorKind::Handshake);
            assert!(error.is_unsent());
            false
        }
    }
}

#[tokio::test]
async fn backend_is_asked_for_by_name_and_verified() {
    let authority = Authority::new();
    let backend = Backend::start(authority.issue(&[dns("a.test")]), &[]).await;
    let tls = UpstreamTls::builder("a.test").with_roots([authority.root()]);

    let (version, _) = get(&pool(), &backend, &tls.build().unwrap(), Protocol::Http1)
        .await
        .unwrap();

    assert_eq!(version, Version::HTTP_11);
    assert_eq!(backend.shaken()[0].server_name.as_deref(), Some("a.test"));
    assert_eq!(backend.shaken()[0].client, None);
}

#[tokio::test]
async fn backend_that_cannot_be_verified_is_not_spoken_to() {
    let (authority, other) = (Authority::new(), Authority::new());
    let tls = |root: &Authority| UpstreamTls::builder("a.test").with_roots([root.root()]);

    assert!(!is_believed(authority.issue(&[dns("b.test")]), tls(&authority)).await);
    assert!(!is_believed(authority.issue(&[dns("a.test")]), tls(&other)).await);
    let mut expired = CertificateParams::default();
    expired.not_before = date_time_ymd(2001, 1, 1);
    expired.not_after = date_time_ymd(2002, 1, 1);
    assert!(!is_believed(authority.sign(expired, &[dns("a.test")]), tls(&authority)).await);
}

#[tokio::test]
async fn one_of_the_names_given_besides_is_enough_and_needed() {
    let authority = Authority::new();
    let tls = |names: &[SubjectAltName]| {
        let tls = UpstreamTls::builder("a.test").with_roots([authority.root()]);
        names
            .iter()
            .cloned()
            .fold(tls, UpstreamTlsBuilder::with_subject_alt_name)
    };
    let spiffe = || SubjectAltName::Uri("spiffe://test/pay".into());
    let other = || SubjectAltName::Dns("b.test".into());
    let wildcard = || SubjectAltName::Dns("*.b.test".into());
    let issue = |names: &[SanType]| authority.issue(names);

    assert!(
        is_believed(
            issue(&[uri("spiffe://test/pay")]),
            tls(&[other(), spiffe()])
        )
        .await
    );
    assert!(is_believed(issue(&[dns("b.test")]), tls(&[other(), spiffe()])).await);
    assert!(is_believed(issue(&[dns("*.b.test")]), tls(&[wildcard()])).await);
    assert!(!is_believed(issue(&[dns("c.b.test")]), tls(&[wildcard()])).await);
    assert!(!is_believed(issue(&[uri("spiffe://test/pay/x")]), tls(&[spiffe()])).await);
    // The name that is asked for counts no more.
    assert!(!is_believed(issue(&[dns("a.test")]), tls(&[spiffe()])).await);
    // Names are no substitute for an issuer who is believed.
    let stranger = Authority::new().issue(&[uri("spiffe://test/pay")]);
    assert!(!is_believed(stranger, tls(&[spiffe()])).await);
}

#[tokio::test]
async fn our_certificate_is_shown_to_who_asks() {
    let authority = Authority::new();
    let ours = authority.issue(&[dns("gateway.test")]);
    let shown = ours.0[0].clone();
    let issued = authority.issue(&[dns("a.test")]);
    let backend = Backend::asking(issued, &[], Some(&authority)).await;
    let tls = || UpstreamTls::builder("a.test").with_roots([authority.root()]);

    let with = tls()
        .with_client_certificate(ours.0, ours.1)
        .build()
        .unwrap();
    get(&pool(), &backend, &with, Protocol::Http1)
        .await
        .unwrap();
    assert_eq!(backend.shaken()[0].client, Some(shown));

    let without = tls().build().unwrap();
    assert!(
        get(&pool(), &backend, &without, Protocol::Http1)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn protocol_is_the_one_that_was_chosen() {
    let authority = Authority::new();
    let both = Backend::start(authority.issue(&[dns("a.test")]), &[HTTP2, HTTP1]).await;
    let old = Backend::start(authority.issue(&[dns("a.test")]), &[]).await;
    let tls = UpstreamTls::builder("a.test").with_roots([authority.root()]);
    let (tls, pool) = (tls.build().unwrap(), pool());

    let http2 = get(&pool, &both, &tls, Protocol::Http2).await.unwrap();
    assert_eq!(http2, (Version::HTTP_2, "https".to_owned()));
    let (version, _) = get(&pool, &both, &tls, Protocol::Http1).await.unwrap();
    assert_eq!(version, Version::HTTP_11);

    let error = get(&pool, &old, &tls, Protocol::Http2).await.unwrap_err();
    assert_eq!(error.kind(), UpstreamErrorKind::Handshake);
}

#[tokio::test]
async fn connections_are_kept_for_those_who_verified_them() {
    let authority = Authority::new();
    let backend = Backend::start(authority.issue(&[dns("a.test")]), &[]).await;
    let tls = || UpstreamTls::builder("a.test").with_roots([authority.root()]);
    let (one, other, pool) = (tls().build().unwrap(), tls().build().unwrap(), pool());

    get(&pool, &backend, &one, Protocol::Http1).await.unwrap();
    get(&pool, &backend, &one, Protocol::Http1).await.unwrap();
    assert_eq!(backend.shaken().len(), 1);

    get(&pool, &backend, &other, Protocol::Http1).await.unwrap();
    assert_eq!(backend.shaken().len(), 2);
    assert_eq!(backend.shaken()[1].kind, HandshakeKind::Full);
}

#[tokio::test]
async fn session_is_resumed_on_a_new_connection() {
    let authority = Authority::new();
    let backend = Backend::start(authority.issue(&[dns("a.test")]), &[]).await;
    let tls = UpstreamTls::builder("a.test")
        .with_roots([authority.root()])
        .build()
        .unwrap();

    get(&pool(), &backend, &tls, Protocol::Http1).await.unwrap();
    get(&pool(), &backend, &tls, Protocol::Http1).await.unwrap();

    let kinds: Vec<_> = backend.shaken().iter().map(|shaken| shaken.kind).collect();
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed]);
}

#[tokio::test]
async fn upgraded_connection_stays_encrypted() {
    let authority = Authority::new();
    let backend = Backend::start(authority.issue(&[dns("a.test")]), &[]).await;
    let tls = UpstreamTls::builder("a.test")
        .with_roots([authority.root()])
        .build()
        .unwrap();
    let request = Request::get("/")
        .header("host", "a.test")
        .header("connection", "upgrade")
        .header("upgrade", "echo")
        .body(Body::new())
        .unwrap();
    let destination = Destination::from(backend.address).with_tls(tls);

    let mut response = pool()
        .send(destination, Protocol::Http1, request)
        .await
        .unwrap();
    let upgraded = response
        .extensions_mut()
        .remove::<UpgradedUpstream>()
        .unwrap();
    let mut stream = upgraded.take().unwrap().stream;
    stream.write_all(b"ping").await.unwrap();
    stream.flush().await.unwrap();
    let mut read = [0; 4];
    stream.read_exact(&mut read).await.unwrap();

    assert_eq!(&read, b"ping");
    assert!(stream.try_into_tcp().is_err());
}
