//! Certificates, and clients that speak TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_core::model::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, PKCS_ECDSA_P256_SHA256, SignatureAlgorithm,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, SupportedCipherSuite,
    SupportedProtocolVersion,
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{Client, patiently};

/// Who signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, in PEM.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate.
    pub chain: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// An authority of its own making.
    ///
    /// # Panics
    ///
    /// If the machine makes no keys.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate"),
        }
    }

    /// Its own certificate.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Its own certificate in PEM.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs a certificate for a site with these names.
    #[must_use]
    pub fn site(&self, names: &[&str]) -> Issued {
        self.sign(&PKCS_ECDSA_P256_SHA256, site(names))
    }

    /// As [`Authority::site`], with another kind of key.
    #[must_use]
    pub fn site_with(&self, kind: &'static SignatureAlgorithm, names: &[&str]) -> Issued {
        self.sign(kind, site(names))
    }

    /// Signs a certificate for the client called `name`.
    #[must_use]
    pub fn client(&self, name: &str) -> Issued {
        self.sign(&PKCS_ECDSA_P256_SHA256, client(name))
    }

    /// Signs one that was valid for a day, long ago.
    #[must_use]
    pub fn expired_client(&self, name: &str) -> Issued {
        let mut params = client(name);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 2);
        self.sign(&PKCS_ECDSA_P256_SHA256, params)
    }

    /// Signs one that is valid for so many seconds from now.
    #[must_use]
    pub fn client_for(&self, name: &str, seconds: u64) -> Issued {
        let mut params = client(name);
        params.not_after = (SystemTime::now() + Duration::from_secs(seconds)).into();
        self.sign(&PKCS_ECDSA_P256_SHA256, params)
    }

    /// Signs whatever is wanted.
    ///
    /// # Panics
    ///
    /// If the machine makes no such keys.
    #[must_use]
    pub fn sign(&self, kind: &'static SignatureAlgorithm, params: CertificateParams) -> Issued {
        let key = KeyPair::generate_for(kind).expect("a key");
        let certificate = params.signed_by(&key, &self.issuer);
        Issued {
            chain: certificate.expect("a certificate").pem(),
            key: key.serialize_pem(),
        }
    }
}

fn site(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    CertificateParams::new(names).expect("a test writes names")
}

fn client(name: &str) -> CertificateParams {
    let mut params = site(&[&format!("{name}.clients.test")]);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

impl Issued {
    /// As the gateway takes it.
    ///
    /// # Panics
    ///
    /// If it does not.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        let read = Certificate::from_pem(self.chain.as_bytes(), self.key.as_bytes());
        read.expect("a certificate that can be served")
    }

    /// Ends TLS: shows the certificate, and chooses among `protocols` (ALPN).
    ///
    /// # Panics
    ///
    /// If the machine makes no keys.
    #[must_use]
    pub fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        self.acceptor_with(protocols, WebPkiClientVerifier::no_client_auth())
    }

    /// As [`Issued::acceptor`], for clients that show what `authority` signed.
    ///
    /// # Panics
    ///
    /// If the authority cannot be believed.
    #[must_use]
    pub fn acceptor_for(&self, protocols: &[&str], authority: &Authority) -> TlsAcceptor {
        let mut roots = RootCertStore::empty();
        roots.add(authority.root()).expect("a root");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        self.acceptor_with(protocols, clients.build().expect("a verifier"))
    }

    fn acceptor_with(
        &self,
        protocols: &[&str],
        clients: Arc<dyn ClientCertVerifier>,
    ) -> TlsAcceptor {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.certified_key())));
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        Arc::new(config).into()
    }

    /// The certificate in DER.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).expect("a certificate")
    }

    fn certified_key(&self) -> CertifiedKey {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key");
        let key = aws_lc_rs::sign::any_supported_type(&key).expect("a kind of key");
        CertifiedKey::new(vec![self.der()], key)
    }
}

/// What a TLS client wants. Clones share their sessions.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: ClientConfig,
}

impl TlsClient {
    /// A client that believes `authority`, and does not say what it wants to speak.
    #[must_use]
    pub fn trusting(authority: &Authority) -> Self {
        Self::of_versions(authority, rustls::ALL_VERSIONS)
    }

    /// As [`TlsClient::trusting`], of some versions only.
    ///
    /// # Panics
    ///
    /// If there are none.
    #[must_use]
    pub fn of_versions(
        authority: &Authority,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        Self::new(authority, aws_lc_rs::default_provider(), versions)
    }

    /// As [`TlsClient::trusting`], with some cipher suites only.
    #[must_use]
    pub fn of_suites(authority: &Authority, suites: &[SupportedCipherSuite]) -> Self {
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites = suites.to_vec();
        let all: Vec<_> = suites.iter().map(SupportedCipherSuite::version).collect();
        Self::new(authority, provider, &all)
    }

    fn new(
        authority: &Authority,
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.root()).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { config }
    }

    /// Shows `issued` to whoever asks, whatever they believe.
    #[must_use]
    pub fn with_identity(mut self, issued: &Issued) -> Self {
        let key = SingleCertAndKey::from(issued.certified_key());
        self.config.client_auth_cert_resolver = Arc::new(key);
        self
    }

    /// Offers to speak `protocols` (ALPN).
    #[must_use]
    pub fn with_protocols(mut self, protocols: &[&str]) -> Self {
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        self.config.alpn_protocols = protocols.collect();
        self
    }

    /// Changes what else can be changed.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// A handshake with `name` for the test to carry.
    ///
    /// # Panics
    ///
    /// If `name` is none.
    #[must_use]
    pub fn session(&self, name: &str) -> ClientConnection {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        ClientConnection::new(Arc::new(self.config.clone()), name).expect("settings")
    }

    /// Connects to `address` and asks for `name`.
    ///
    /// # Errors
    ///
    /// When the handshake fails, as far as the client can tell.
    ///
    /// # Panics
    ///
    /// If nobody listens.
    pub async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(address).await.expect("a listener");
        let _ = tcp.set_nodelay(true);
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let connector = TlsConnector::from(Arc::new(self.config.clone()));
        patiently("a handshake", connector.connect(name, tcp)).await
    }

    /// Connects and speaks HTTP/1.1.
    ///
    /// # Panics
    ///
    /// If the handshake fails.
    pub async fn http1(&self, address: SocketAddr, name: &str) -> Client {
        let client = self.clone().with_protocols(&["http/1.1"]);
        Client::http1_over(client.connect(address, name).await.expect("a handshake")).await
    }

    /// Connects and speaks HTTP/2.
    ///
    /// # Panics
    ///
    /// If the handshake fails, or HTTP/2 is not agreed on.
    pub async fn http2(&self, address: SocketAddr, name: &str) -> Client {
        let client = self.clone().with_protocols(&["h2"]);
        let stream = client.connect(address, name).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Client::http2_over(stream).await
    }
}
