//! The certificates that the suite makes before its tests.

use std::sync::LazyLock;

use gateway_tests::{Authority, Issued};
use rcgen::{CertificateParams, PKCS_ECDSA_P256_SHA256, SanType};
use serde_json::{Value, json};

use crate::cluster::{APP, INFRA, WEB};

/// The same for all tests.
pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);

/// Authorities in ConfigMaps, and what they signed in Secrets.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Signs what listeners show.
    pub(crate) listeners: Authority,
    /// Signs what backends and terminating listeners of TLSRoutes show.
    pub(crate) checks: Authority,
    clients: Authority,
    clients_of_port: Authority,
    mismatch: Authority,
    issued: Vec<(&'static str, &'static str, Issued)>,
}

impl Keys {
    fn new() -> Self {
        let listeners = Authority::new("listeners");
        let checks = Authority::new("checks");
        let clients = Authority::new("clients");
        let clients_of_port = Authority::new("clients of a port");
        let passthrough = checks.site(&["abc.example.com"]);
        let issued = vec![
            (WEB, "certificate", listeners.site(&["*"])),
            (
                INFRA,
                "tls-validity-checks-certificate",
                listeners.site(LISTENERS),
            ),
            (
                INFRA,
                "tls-validity-checks-client-certificate",
                clients.client("default"),
            ),
            (
                INFRA,
                "tls-validity-checks-per-port-client-certificate",
                clients_of_port.client("port"),
            ),
            (INFRA, "tls-checks-certificate", identity(&checks)),
            (
                INFRA,
                "tls-checks-client-certificate",
                checks.client("gateway"),
            ),
            (
                INFRA,
                "tls-passthrough-checks-certificate",
                passthrough.clone(),
            ),
            (APP, "tls-passthrough-checks-certificate", passthrough),
            (
                INFRA,
                "tls-terminate-checks-certificate",
                checks.site(&["tls.example.com"]),
            ),
        ];
        Self {
            listeners,
            checks,
            clients,
            clients_of_port,
            mismatch: Authority::new("mismatch"),
            issued,
        }
    }

    /// What is in a Secret.
    pub(crate) fn issued(&self, namespace: &str, name: &str) -> &Issued {
        let mut all = self.issued.iter();
        let found = all.find(|one| (one.0, one.1) == (namespace, name));
        &found.expect("a Secret of the suite").2
    }

    /// The Secrets and ConfigMaps.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Value> {
        let secrets = self.issued.iter().map(|(namespace, name, issued)| {
            json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"namespace": namespace, "name": name},
                "type": "kubernetes.io/tls",
                "stringData": {"tls.crt": issued.chain, "tls.key": issued.key},
            })
        });
        let authorities = [
            (WEB, "web-backend-cm", &self.listeners),
            (INFRA, "tls-validity-checks-ca-certificate", &self.clients),
            (
                INFRA,
                "tls-validity-checks-per-port-ca-certificate",
                &self.clients_of_port,
            ),
            (INFRA, "tls-checks-ca-certificate", &self.checks),
            (INFRA, "mismatch-ca-certificate", &self.mismatch),
        ];
        secrets.chain(authorities.into_iter().map(|(namespace, name, authority)| {
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"namespace": namespace, "name": name},
                "data": {"ca.crt": authority.root_pem()},
            })
        }))
    }
}

/// Of names and of an identity.
fn identity(authority: &Authority) -> Issued {
    let names = ["abc.example.com", "other.example.com"].map(str::to_owned);
    let mut params = CertificateParams::new(names).expect("names");
    let uri = "spiffe://abc.example.com/test-identity";
    let uri = SanType::URI(uri.try_into().expect("a URI"));
    params.subject_alt_names.push(uri);
    authority.sign(&PKCS_ECDSA_P256_SHA256, params)
}

/// The suite's names, and those that our client takes no wildcard for, because it
/// wants two labels after one.
const LISTENERS: &[&str] = &[
    "*",
    "*.org",
    "*.wildcard.org",
    "example.org",
    "https-listener.org",
    "second-example.org",
    "unknown-example.org",
];
