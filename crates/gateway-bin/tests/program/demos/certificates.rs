//! Certificates.

use std::fs;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use tempfile::TempDir;

/// Who signs certificates.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, in PEM.
pub(super) struct Issued {
    pub(super) chain: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");

        Self {
            issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate"),
        }
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(super) fn site(&self, name: &str) -> Issued {
        self.sign(CertificateParams::new([name.to_owned()]).expect("a test writes names"))
    }

    /// Signs one whose only name is the common one, as was usual once.
    pub(super) fn nameless_site(&self, name: &str) -> Issued {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(params)
    }

    pub(super) fn client(&self, name: &str) -> Issued {
        self.sign(client(name))
    }

    /// Signs one that was valid for a day, long ago.
    pub(super) fn expired_client(&self, name: &str) -> Issued {
        let mut params = client(name);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 2);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer);

        Issued {
            chain: certificate.expect("a certificate").pem(),
            key: key.serialize_pem(),
        }
    }
}

fn client(name: &str) -> CertificateParams {
    let names = [format!("{name}.clients.test")];
    let mut params = CertificateParams::new(names).expect("a test writes names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Files for clients that want files.
pub(super) struct Files {
    folder: TempDir,
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("can be made"),
        }
    }

    /// Writes a file, and returns where it is.
    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).expect("can be written");
        self.path(name).display().to_string()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a certificate and its key.
    pub(super) fn issued(&self, name: &str, issued: &Issued) -> (String, String) {
        (
            self.file(&format!("{name}.crt"), &issued.chain),
            self.file(&format!("{name}.key"), &issued.key),
        )
    }
}
