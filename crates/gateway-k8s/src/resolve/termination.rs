//! How a listener ends TLS.

use std::sync::Arc;

use gateway_core::model::{Certificate, TlsTermination, TlsVersions};

use http::HeaderName;

use super::certificate::Certificates;
use super::field::Field;
use super::frontend::Asked;
use super::grants::From;
use super::matches::unsupported;
use super::view::View;
use crate::api::ListenerTlsConfig;
use crate::verdict::{Problem, Reason};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Nothing, if no client could be served.
    pub(super) termination: Option<Arc<TlsTermination>>,
    /// Why the listener is not accepted.
    pub(super) refused: Vec<Problem>,
    pub(super) unresolved: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// Reads `tls` of a listener that ends TLS; nothing is written where it is absent.
pub(super) fn read(
    view: &View<'_>,
    certificates: &Certificates,
    from: From<'_>,
    written: Option<&ListenerTlsConfig>,
    asked: &Asked,
    at: &Field<'_>,
) -> Read {
    let mut read = Read::default();
    let references = written.and_then(|written| written.certificate_refs.as_deref());
    let references = references.unwrap_or_default();
    let mut found: Vec<Arc<Certificate>> = Vec::new();

    for (index, reference) in references.iter().enumerate() {
        let at = at.item("certificateRefs", index);
        let one = certificates.find(view, from, reference, Reason::InvalidCertificateRef, &at);
        read.unresolved.extend(one.problem);
        found.extend(one.certificate);
    }
    if references.is_empty() {
        let problem = Problem::new(Reason::InvalidCertificateRef, "there is no certificate");
        read.unresolved.push(problem.at(at.name("certificateRefs")));
    }
    read.unresolved.extend(asked.unresolved.iter().cloned());
    read.refused.extend(asked.refused.clone());
    let options = Options::read(written, &at.name("options"), &mut read);

    let mut found = found.into_iter();
    if let Some(first) = found.next()
        && read.refused.is_empty()
    {
        let termination = found.fold(TlsTermination::new(first), TlsTermination::with_certificate);
        let termination = termination
            .with_versions(options.versions)
            .with_cipher_suites(options.cipher_suites)
            .with_http2(options.http2);
        let termination = match &asked.validation {
            Some(validation) => termination.with_client_validation(Arc::clone(validation)),
            None => termination,
        };
        let termination = match options.identity_header {
            Some(name) => termination.with_identity_header(name),
            None => termination,
        };
        read.termination = Some(Arc::new(termination));
    }

    read
}

/// Our own keys of `tls.options`.
struct Options {
    versions: TlsVersions,
    cipher_suites: Vec<Arc<str>>,
    http2: bool,
    identity_header: Option<HeaderName>,
}

impl Options {
    fn read(written: Option<&ListenerTlsConfig>, at: &Field<'_>, read: &mut Read) -> Self {
        let mut options = Self {
            versions: TlsVersions::All,
            cipher_suites: Vec::new(),
            http2: true,
            identity_header: None,
        };
        let (mut lowest, mut highest) = (Version::Tls12, Version::Tls13);
        let written = written.and_then(|written| written.options.as_ref());

        for (key, value) in written.into_iter().flatten() {
            let refuse = |message: String| unsupported(message, &at.name(key));
            let result = match key.as_str() {
                MIN_VERSION => version(value).map(|version| lowest = version),
                MAX_VERSION => version(value).map(|version| highest = version),
                CIPHER_SUITES => cipher_suites(value, &at.name(key), &mut read.warnings)
                    .map(|suites| options.cipher_suites = suites),
                HTTP2 => switch(value).map(|on| options.http2 = on),
                IDENTITY_HEADER => HeaderName::from_bytes(value.as_bytes())
                    .map(|name| options.identity_header = Some(name))
                    .map_err(|_| format!("{value:?} is not the name of a header")),
                other if other.starts_with(PREFIX) => Err("is not an option".to_owned()),
                _ => {
                    let problem = refuse("is not an option of this gateway".to_owned());
                    read.warnings.push(problem);
                    Ok(())
                }
            };
            read.refused.extend(result.err().map(refuse));
        }
        match (lowest, highest) {
            (Version::Tls12, Version::Tls13) => {}
            (Version::Tls12, Version::Tls12) => options.versions = TlsVersions::Tls12,
            (Version::Tls13, Version::Tls13) => options.versions = TlsVersions::Tls13,
            (Version::Tls13, Version::Tls12) => {
                let message = "the lowest version is above the highest";
                read.refused.push(unsupported(message, at));
            }
        }

        options
    }
}

#[derive(Clone, Copy)]
enum Version {
    Tls12,
    Tls13,
}

fn version(text: &str) -> Result<Version, String> {
    match text {
        "1.2" => Ok(Version::Tls12),
        "1.3" => Ok(Version::Tls13),
        _ => Err(format!("{text:?} is not 1.2 or 1.3")),
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{text:?} is not true or false")),
    }
}

/// Those that are known; the others are warned of, unless there is no other.
fn cipher_suites(
    text: &str,
    at: &Field<'_>,
    warnings: &mut Vec<Problem>,
) -> Result<Vec<Arc<str>>, String> {
    let names = text.split([',', ':', ' ']).filter(|name| !name.is_empty());
    let (known, unknown): (Vec<_>, Vec<_>) = names.partition(|name| KNOWN_SUITES.contains(name));
    if known.is_empty() {
        return Err(format!("{text:?} names no cipher suite that is supported"));
    }

    for name in unknown {
        let message = format!("{name} is not supported, and left out");
        warnings.push(
            unsupported(message, at).remedy(format!("use those of {}", KNOWN_SUITES.join(", "))),
        );
    }
    Ok(known.into_iter().map(Arc::from).collect())
}

/// Names of IANA's registry; every one that is still thought safe.
const KNOWN_SUITES: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

const PREFIX: &str = "gateway-rs.dev/";
const MIN_VERSION: &str = "gateway-rs.dev/tls-min-version";
const MAX_VERSION: &str = "gateway-rs.dev/tls-max-version";
const CIPHER_SUITES: &str = "gateway-rs.dev/tls-cipher-suites";
const IDENTITY_HEADER: &str = "gateway-rs.dev/client-identity-header";
const HTTP2: &str = "gateway-rs.dev/http2";
