//! Who a client is, as its certificate says.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256 as WITH_SHA256;
use rustls_pki_types::CertificateDer;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::x509::X509Name;

/// The certificate that a client showed: an extension of its requests.
///
/// Read once for each connection; cheap to clone. Not there if the listener does not
/// ask for one or the client has none.
#[derive(Clone, Eq, PartialEq)]
pub struct ClientCertificate {
    shared: Arc<Shared>,
}

#[derive(Eq, PartialEq)]
struct Shared {
    chain: Vec<CertificateDer<'static>>,
    verified: bool,
    subject: String,
    dns_names: Vec<String>,
    uris: Vec<String>,
    fingerprint: [u8; 32],
}

impl ClientCertificate {
    /// What `chain` says; nothing if it is empty.
    pub(super) fn read(chain: &[CertificateDer<'_>], verified: bool) -> Option<Self> {
        let first = chain.first()?;
        let mut shared = Shared {
            chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
            verified,
            subject: String::new(),
            dns_names: Vec::new(),
            uris: Vec::new(),
            fingerprint: sha256(first),
        };
        if let Ok((_, certificate)) = X509Certificate::from_der(first) {
            shared.subject = distinguished_name(certificate.subject());
            shared.read_names(&certificate);
        }

        Some(Self {
            shared: Arc::new(shared),
        })
    }

    /// Whether it was valid, and signed by somebody whom the listener believes, when
    /// the connection began. It can be false only where the listener serves such
    /// clients (`AllowInsecureFallback`).
    pub fn is_verified(&self) -> bool {
        self.shared.verified
    }

    /// Its subject as RFC 4514 writes it: `CN=client,O=Example`. Empty if it has none.
    pub fn subject(&self) -> &str {
        &self.shared.subject
    }

    /// The DNS names among its subject alternative names.
    pub fn dns_names(&self) -> &[String] {
        &self.shared.dns_names
    }

    /// The URIs among its subject alternative names, as those of SPIFFE.
    pub fn uris(&self) -> &[String] {
        &self.shared.uris
    }

    /// The SHA-256 of the certificate.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.shared.fingerprint
    }

    /// The certificate and those that the client sent with it, in DER.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.shared.chain
    }

    /// The certificate in PEM.
    pub fn to_pem(&self) -> String {
        let text = base64(&self.shared.chain[0]);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            // Only ASCII.
            pem.push_str(std::str::from_utf8(line).unwrap_or_default());
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// As Envoy writes it into `x-forwarded-client-cert`.
    pub(super) fn to_header(&self) -> String {
        let mut text = String::from("Hash=");
        push_hex(&mut text, &self.shared.fingerprint);
        text.push_str(";Subject=\"");
        push_quoted(&mut text, &self.shared.subject);
        text.push('"');
        for (key, names) in [("URI", &self.shared.uris), ("DNS", &self.shared.dns_names)] {
            for name in names {
                text.push(';');
                text.push_str(key);
                text.push_str("=\"");
                push_quoted(&mut text, name);
                text.push('"');
            }
        }
        text
    }
}

impl Shared {
    fn read_names(&mut self, certificate: &X509Certificate<'_>) {
        let Ok(Some(alternatives)) = certificate.subject_alternative_name() else {
            return;
        };
        for name in &alternatives.value.general_names {
            match name {
                GeneralName::DNSName(name) => self.dns_names.push((*name).to_owned()),
                GeneralName::URI(uri) => self.uris.push((*uri).to_owned()),
                _ => {}
            }
        }
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("subject", &self.shared.subject)
            .field("dns_names", &self.shared.dns_names)
            .field("uris", &self.shared.uris)
            .field("verified", &self.shared.verified)
            .finish_non_exhaustive()
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let hash = WITH_SHA256
        .tls13()
        .map(|suite| suite.common.hash_provider.hash(bytes));
    hash.and_then(|hash| hash.as_ref().try_into().ok())
        .expect("the suite's hash is SHA-256")
}

/// RFC 4514: the last part first, with everything escaped that could be read in two
/// ways or is not visible ASCII.
fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    let parts: Vec<_> = name.iter().collect();
    for (index, part) in parts.iter().rev().enumerate() {
        for (further, attribute) in part.iter().enumerate() {
            if further > 0 {
                text.push('+');
            } else if index > 0 {
                text.push(',');
            }
            match oid2abbrev(attribute.attr_type(), oid_registry()) {
                Ok(short) => text.push_str(short),
                Err(_) => text.push_str(&attribute.attr_type().to_id_string()),
            }
            text.push('=');
            match attribute.as_str() {
                Ok(value) => push_escaped(&mut text, value),
                Err(_) => {
                    text.push('#');
                    push_hex(&mut text, attribute.as_slice());
                }
            }
        }
    }
    text
}

fn push_escaped(text: &mut String, value: &str) {
    let last = value.len().saturating_sub(1);
    for (at, byte) in value.bytes().enumerate() {
        let at_an_edge = at == 0 || at == last;
        match byte {
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => {
                text.push('\\');
                text.push(byte.into());
            }
            b' ' if at_an_edge => text.push_str("\\ "),
            b'#' if at == 0 => text.push_str("\\#"),
            b' '..=b'~' => text.push(byte.into()),
            _ => {
                text.push('\\');
                push_hex(text, &[byte]);
            }
        }
    }
}

/// In quotes a quote and a backslash are escaped; what is not visible is left out.
fn push_quoted(text: &mut String, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(byte.into());
            }
            b' '..=b'~' => text.push(byte.into()),
            _ => {}
        }
    }
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = 0u32;
        for place in 0..3 {
            bits = bits << 8 | u32::from(group.get(place).copied().unwrap_or(0));
        }
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            text.push(match place <= group.len() {
                true => DIGITS[digit as usize].into(),
                false => '=',
            });
        }
    }
    text
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};
    use rustls_pki_types::pem::PemObject;

    use super::*;

    fn certificate(params: CertificateParams) -> ClientCertificate {
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        ClientCertificate::read(&[made.der().clone()], true).unwrap()
    }

    #[test]
    fn header_tells_hash_subject_and_names() {
        let mut params = CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
        let uri = "spiffe://a.test/b".try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(uri));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "A, \"B\"");
        params.distinguished_name.push(DnType::CommonName, "client");

        let certificate = certificate(params);

        assert_eq!(certificate.subject(), r#"CN=client,O=A\, \"B\""#);
        let header = certificate.to_header();
        let (hash, rest) = header.split_at("Hash=".len() + 64);
        assert!(
            hash["Hash=".len()..]
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit())
        );
        assert_eq!(
            rest,
            r#";Subject="CN=client,O=A\\, \\\"B\\\"";URI="spiffe://a.test/b";DNS="client.test""#
        );
    }

    #[test]
    fn no_certificate_is_no_identity() {
        assert_eq!(ClientCertificate::read(&[], false), None);
    }

    #[test]
    fn fingerprint_is_sha256() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hex: String = sha256(b"abc")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();

        assert_eq!(hex, known);
    }

    #[test]
    fn pem_reads_as_what_it_was() {
        let certificate = certificate(CertificateParams::new(vec![]).unwrap());

        let read = CertificateDer::from_pem_slice(certificate.to_pem().as_bytes()).unwrap();

        assert_eq!(read, certificate.chain()[0]);
    }

    proptest! {
        /// Nothing that a certificate says ends a header field or its quotes.
        #[test]
        fn header_is_one_field_whatever_the_names(name in "\\PC{0,40}|[ -~\\r\\n]{0,40}") {
            let mut params = CertificateParams::new(vec![]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);

            let header = certificate(params).to_header();

            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let quotes = header.replace("\\\\", "").replace("\\\"", "");
            prop_assert_eq!(quotes.matches('"').count(), 2);
        }
    }
}
