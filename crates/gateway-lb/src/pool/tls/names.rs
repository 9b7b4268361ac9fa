//! Names in certificates.

use rustls::pki_types::{CertificateDer, DnsName, ServerName};
use webpki::EndEntityCert;

/// A name that a backend's certificate may have instead of the one that is asked for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SubjectAltName {
    /// A DNS name. One with a wildcard is found only as it stands.
    Dns(String),
    /// A URI, compared as a whole, as SPIFFE identities are.
    Uri(String),
}

/// A name that was understood.
#[derive(Debug)]
pub(super) enum Expected {
    Dns(DnsName<'static>),
    /// As it stands, in lower case.
    Wildcard(String),
    Uri(String),
}

impl Expected {
    /// `None` if no certificate can have such a name.
    pub(super) fn new(name: SubjectAltName) -> Option<Self> {
        match name {
            SubjectAltName::Uri(uri) => (!uri.is_empty()).then_some(Self::Uri(uri)),
            SubjectAltName::Dns(name) => match name.strip_prefix("*.") {
                Some(rest) => {
                    let _valid = DnsName::try_from(rest.to_owned()).ok()?;
                    Some(Self::Wildcard(name.to_ascii_lowercase()))
                }
                None => DnsName::try_from(name).ok().map(Self::Dns),
            },
        }
    }

    fn is_in(&self, certificate: &EndEntityCert<'_>) -> bool {
        match self {
            Self::Dns(name) => {
                let name = ServerName::DnsName(name.borrow());
                certificate.verify_is_valid_for_subject_name(&name).is_ok()
            }
            Self::Wildcard(name) => certificate
                .valid_dns_names()
                .any(|found| found.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => certificate.valid_uri_names().any(|found| found == uri),
        }
    }
}

/// Whether `certificate` has one of `expected`.
pub(super) fn has_one(certificate: &CertificateDer<'_>, expected: &[Expected]) -> bool {
    EndEntityCert::try_from(certificate)
        .is_ok_and(|certificate| expected.iter().any(|name| name.is_in(&certificate)))
}
