//! Clients that show certificates.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gateway_core::model::{
    BackendRef, ClientValidation, ClientValidationMode, ExtensionRef, Filter, Rule, TlsTermination,
};
use gateway_core::{Body, ClientCertificate, Gateway};
use gateway_tests::{Authority, Client, Issued, Origin, Site, TestGateway, TlsClient};
use http::header::HOST;
use http::{HeaderName, Request, StatusCode};
use http_body_util::Empty;
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use tower::layer::layer_fn;
use tower::util::MapRequest;

use crate::rig::Rig;

const VALID_ONLY: ClientValidationMode = ClientValidationMode::AllowValidOnly;
const ANYBODY: ClientValidationMode = ClientValidationMode::AllowInsecureFallback;
const HEADER: &str = "x-forwarded-client-cert";

fn believing<'a>(
    authorities: impl IntoIterator<Item = &'a Authority>,
    mode: ClientValidationMode,
) -> ClientValidation {
    ClientValidation {
        roots: authorities.into_iter().map(Authority::root).collect(),
        mode,
    }
}

/// Whoever is believed, and the settings of a listener that believes them.
struct Clients {
    servers: Authority,
    ours: Authority,
    issued: Issued,
}

impl Clients {
    fn new() -> Self {
        let servers = Authority::new("servers");
        let issued = servers.site(&["a.test"]);
        Self {
            servers,
            // Told apart by their keys alone: the names are the same.
            ours: Authority::new("clients"),
            issued,
        }
    }

    fn settings(&self, validation: ClientValidation) -> TlsTermination {
        TlsTermination::new(self.issued.certificate()).with_client_validation(validation)
    }

    async fn rig(self, mode: ClientValidationMode) -> (Rig, Authority) {
        let validation = believing([&self.ours], mode);
        let settings = self
            .settings(validation)
            .with_identity_header(HeaderName::from_static(HEADER));
        (Rig::of(self.servers, settings).await, self.ours)
    }
}

/// The status that a client gets; nothing if the handshake fails, which a client of TLS
/// 1.3 learns when it reads.
async fn status(rig: &Rig, client: &TlsClient) -> Option<StatusCode> {
    let client = client.clone().with_protocols(&["http/1.1"]);
    let stream = client.connect(rig.address(), "a.test").await.ok()?;
    let mut client = Client::http1_over(stream).await;
    let response = client.send(Client::request("/")).await;
    Some(response.ok()?.status())
}

/// AT-GMTLS.
#[tokio::test]
async fn only_valid_certificates_are_served() {
    let (rig, ours) = Clients::new().rig(VALID_ONLY).await;
    let theirs = Authority::new("clients");

    for version in [&TLS12, &TLS13] {
        let nobody = TlsClient::of_versions(&rig.authority, &[version]);
        let with = |issued: Issued| nobody.clone().with_identity(&issued);

        assert_eq!(
            status(&rig, &with(ours.client("ours"))).await,
            Some(StatusCode::OK)
        );
        assert_eq!(status(&rig, &nobody).await, None);
        assert_eq!(status(&rig, &with(theirs.client("theirs"))).await, None);
        assert_eq!(status(&rig, &with(ours.expired_client("old"))).await, None);
        // Good for servers is not good for clients.
        let server = rig.authority.site(&["client.test"]);
        assert_eq!(status(&rig, &with(server)).await, None);
    }
    assert_eq!(rig.origin.count(), 2);
}

#[tokio::test]
async fn anybody_is_served_and_known_if_valid() {
    let (rig, ours) = Clients::new().rig(ANYBODY).await;
    let theirs = Authority::new("clients");

    for version in [&TLS12, &TLS13] {
        let nobody = TlsClient::of_versions(&rig.authority, &[version]);
        for (issued, is_known) in [
            (None, false),
            (Some(ours.client("ours")), true),
            (Some(theirs.client("theirs")), false),
            (Some(ours.expired_client("old")), false),
        ] {
            let client = match &issued {
                Some(issued) => nobody.clone().with_identity(issued),
                None => nobody.clone(),
            };

            assert_eq!(status(&rig, &client).await, Some(StatusCode::OK));
            let told = rig.origin.last().header(HEADER).map(str::to_owned);
            assert_eq!(told.is_some(), is_known, "{told:?}");
        }
    }
}

#[tokio::test]
async fn listener_that_believes_nobody_serves_nobody_or_anybody() {
    let clients = Clients::new();
    let somebody = TlsClient::trusting(&clients.servers).with_identity(&clients.ours.client("c"));
    let nothing = |mode| clients.settings(believing([], mode));
    let (strict, lenient) = (nothing(VALID_ONLY), nothing(ANYBODY));
    let rig = Rig::of(clients.servers, strict).await;

    assert_eq!(status(&rig, &somebody).await, None);
    rig.change(lenient);
    assert_eq!(status(&rig, &somebody).await, Some(StatusCode::OK));
}

#[tokio::test]
async fn backends_are_told_who_the_client_is_and_clients_cannot_say_it() {
    let (rig, ours) = Clients::new().rig(ANYBODY).await;
    let lying = || {
        let request = Request::get("/")
            .header(HOST, "a.test")
            .header(HEADER, "Subject=\"CN=root\"");
        request.body(Empty::<Bytes>::new()).unwrap()
    };

    let somebody = rig.client().with_identity(&ours.client("one"));
    let mut client = somebody.http1(rig.address(), "a.test").await;
    assert_eq!(client.call(lying()).await.status, 200);
    let told = rig.origin.last().header(HEADER).unwrap().to_owned();
    assert!(told.starts_with("Hash="), "{told}");
    assert!(
        told.ends_with(r#";Subject="CN=one";DNS="one.clients.test""#),
        "{told}"
    );

    let mut nobody = rig.client().http2(rig.address(), "a.test").await;
    assert_eq!(nobody.call(lying()).await.status, 200);
    assert_eq!(rig.origin.last().header(HEADER), None);
}

#[tokio::test]
async fn several_authorities_are_believed_while_one_replaces_the_other() {
    let clients = Clients::new();
    let (old, new) = (&clients.ours, Authority::new("clients"));
    let (first, second) = (old.client("first"), new.client("second"));
    let [before, both, after] = [vec![old], vec![old, &new], vec![&new]]
        .map(|believed| clients.settings(believing(believed, VALID_ONLY)));
    let rig = Rig::of(clients.servers, before).await;

    for (settings, expected) in [
        (None, [true, false]),
        (Some(both), [true, true]),
        (Some(after), [false, true]),
    ] {
        settings
            .into_iter()
            .for_each(|settings| rig.change(settings));
        for (issued, is_served) in [&first, &second].into_iter().zip(expected) {
            let client = rig.client().with_identity(issued);
            assert_eq!(status(&rig, &client).await.is_some(), is_served);
        }
    }
}

#[tokio::test]
async fn resumption_escapes_no_policy_and_forgets_no_identity() {
    for version in [&TLS12, &TLS13] {
        let clients = Clients::new();
        let issued = clients.ours.client("one");
        let open = TlsTermination::new(clients.issued.certificate());
        let header = HeaderName::from_static(HEADER);
        let strict = clients
            .settings(believing([&clients.ours], VALID_ONLY))
            .with_identity_header(header);
        let client = TlsClient::of_versions(&clients.servers, &[version]);
        let rig = Rig::of(clients.servers, open).await;

        // A session of a listener that asks nobody …
        assert_eq!(status(&rig, &client).await, Some(StatusCode::OK));
        // … opens nothing at one that does, although it has the same certificate.
        rig.change(strict);
        assert_eq!(status(&rig, &client).await, None);

        let known = TlsClient::of_versions(&rig.authority, &[version]).with_identity(&issued);
        let mut told = Vec::new();
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let stream = known.connect(rig.address(), "a.test").await.unwrap();
            let kind = stream.get_ref().1.handshake_kind();
            let mut client = Client::http1_over(stream).await;
            assert_eq!(client.get("/").await.status, 200);
            assert_eq!(kind, Some(expected));
            told.push(rig.origin.last().header(HEADER).unwrap().to_owned());
        }
        assert_eq!(told[0], told[1]);
    }
}

#[tokio::test]
async fn certificate_that_expires_ends_its_sessions() {
    for version in [&TLS12, &TLS13] {
        let (rig, ours) = Clients::new().rig(VALID_ONLY).await;
        let client = TlsClient::of_versions(&rig.authority, &[version])
            .with_identity(&ours.client_for("brief", 2));
        let mut kinds = Vec::new();
        loop {
            // Until then every connection resumes the session of the one before.
            let Ok(stream) = client.connect(rig.address(), "a.test").await else {
                break;
            };
            kinds.push(stream.get_ref().1.handshake_kind().unwrap());
            let mut http = Client::http1_over(stream).await;
            if http.send(Client::request("/")).await.is_err() {
                break;
            }
        }

        assert_eq!(kinds[0], HandshakeKind::Full);
        assert!(kinds.len() > 1);
        assert!(
            kinds[1..]
                .iter()
                .all(|kind| *kind == HandshakeKind::Resumed)
        );
    }
}

#[tokio::test]
async fn connection_from_before_certificates_were_asked_for_is_misdirected() {
    let clients = Clients::new();
    let open = TlsTermination::new(clients.issued.certificate());
    let strict = clients.settings(believing([&clients.ours], VALID_ONLY));
    let rig = Rig::of(clients.servers, open).await;
    let mut client = rig.client().http2(rig.address(), "a.test").await;
    assert_eq!(client.get("/").await.status, 200);

    rig.change(strict);

    assert_eq!(client.get("/").await.status, 421);
}

#[tokio::test]
async fn layers_see_the_certificate() {
    let clients = Clients::new();
    let settings = clients.settings(believing([&clients.ours], ANYBODY));
    let origin = Origin::echo().await;
    let name = ExtensionRef::new("example.com", "Layer", "watch");
    let rule = Rule::new()
        .with_filter(Filter::Extension(name.clone()))
        .with_backend(BackendRef::new("origin".into()));
    let site = Site::new().rule(rule).backend("origin", [origin.address()]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let layer = layer_fn({
        let seen = Arc::clone(&seen);
        move |inner| {
            let seen = Arc::clone(&seen);
            MapRequest::new(inner, move |request: Request<Body>| {
                let certificate = request.extensions().get::<ClientCertificate>().cloned();
                seen.lock().unwrap().push(certificate);
                request
            })
        }
    });
    let gateway = TestGateway::serve(
        Gateway::builder().workers(1).layer(name, layer),
        site.behind([site.https("web", settings)]),
    );
    let trusting = TlsClient::trusting(&clients.servers);
    let issued = clients.ours.client("one");

    let mut known = trusting
        .clone()
        .with_identity(&issued)
        .http1(gateway.address(), "a.test")
        .await;
    assert_eq!(known.get("/").await.status, 200);
    assert_eq!(known.get("/").await.status, 200);
    let mut unknown = trusting.http1(gateway.address(), "a.test").await;
    assert_eq!(unknown.get("/").await.status, 200);

    let seen = seen.lock().unwrap();
    let certificate = seen[0].as_ref().unwrap();
    assert!(certificate.is_verified());
    assert_eq!(certificate.subject(), "CN=one");
    assert_eq!(certificate.dns_names(), ["one.clients.test"]);
    assert_eq!(
        certificate.to_pem().replace("\r\n", "\n"),
        issued.chain.replace("\r\n", "\n")
    );
    assert_eq!(seen[1], seen[0]);
    assert_eq!(seen[2], None);
}
