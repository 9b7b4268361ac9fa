use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, SanType, string::Ia5String};

use super::*;

struct Made {
    chain: String,
    key: String,
}

fn made(params: CertificateParams) -> Made {
    let key = KeyPair::generate().unwrap();
    Made {
        chain: params.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn named(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}

fn read(made: &Made) -> Result<Certificate, InvalidCertificate> {
    Certificate::from_pem(made.chain.as_bytes(), made.key.as_bytes())
}

#[test]
fn names_and_dates_are_those_of_the_certificate() {
    let mut params = named(&["Shop.example.com", "*.example.org"]);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 2);

    let certificate = read(&made(params)).unwrap();

    let names: Vec<_> = certificate.names().collect();
    assert_eq!(names, ["shop.example.com", "*.example.org"]);
    let day = Duration::from_secs(24 * 60 * 60);
    assert_eq!(certificate.not_before() + day, certificate.not_after());
}

#[test]
fn common_name_counts_only_without_alternatives() {
    let mut common = named(&[]);
    common
        .distinguished_name
        .push(DnType::CommonName, "example.com");
    let mut both = common.clone();
    both.subject_alt_names = vec![SanType::URI(Ia5String::try_from("*").unwrap())];

    assert!(read(&made(common)).unwrap().names().eq(["example.com"]));
    assert_eq!(read(&made(both)).unwrap().names().len(), 0);
}

#[test]
fn texts_that_are_no_pem_are_told_apart() {
    let good = made(named(&["a.test"]));
    let refusal = |chain: &str, key: &str| {
        Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err()
    };

    assert_eq!(
        refusal("Hello world", &good.key),
        InvalidCertificate::NoCertificate
    );
    assert_eq!(
        refusal(&good.chain, "Hello world"),
        InvalidCertificate::NoKey
    );
    assert_eq!(refusal(&good.chain, &good.chain), InvalidCertificate::NoKey);
    let damaged = good.chain.replace("MII", "M#I");
    assert_eq!(
        refusal(&damaged, &good.key),
        InvalidCertificate::CertificatePem
    );
    let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(
        refusal(other, &good.key),
        InvalidCertificate::NotX509 { place: 1 }
    );
    let locked = good.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(
        refusal(&good.chain, &locked),
        InvalidCertificate::EncryptedKey
    );
}

#[test]
fn authorities_are_certificates_and_nothing_else() {
    let (one, other) = (made(named(&["a.test"])), made(named(&["b.test"])));
    let read = |text: &str| Certificate::authorities_from_pem(text.as_bytes());

    assert_eq!(read(&(one.chain.clone() + &other.chain)).unwrap().len(), 2);
    assert_eq!(
        read(&one.key).unwrap_err(),
        InvalidCertificate::NoCertificate
    );
    let broken = one.chain + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(
        read(&broken).unwrap_err(),
        InvalidCertificate::NotX509 { place: 2 }
    );
}

#[test]
fn key_of_another_certificate_is_refused() {
    let (one, other) = (made(named(&["a.test"])), made(named(&["b.test"])));
    let swapped = Made {
        chain: one.chain.clone(),
        key: other.key.clone(),
    };
    let disordered = Made {
        chain: one.chain + &other.chain,
        key: other.key,
    };

    assert_eq!(read(&swapped).unwrap_err(), InvalidCertificate::KeyMismatch);
    assert_eq!(read(&disordered).unwrap_err(), InvalidCertificate::Order);
}

#[test]
fn version_1_is_refused_with_its_number() {
    let old = Made {
        chain: VERSION_1.to_owned(),
        key: made(named(&["a.test"])).key,
    };

    assert_eq!(
        read(&old).unwrap_err(),
        InvalidCertificate::Version { version: 1 }
    );
}

#[test]
fn debug_does_not_show_the_key() {
    let shown = format!("{:?}", read(&made(named(&["a.test"]))).unwrap());

    assert_eq!(shown, r#"Certificate { names: ["a.test"], chain: 1, .. }"#);
}

#[test]
fn same_chain_is_the_same_certificate() {
    let (one, other) = (made(named(&["a.test"])), made(named(&["a.test"])));

    assert_eq!(read(&one).unwrap(), read(&one).unwrap());
    assert_ne!(read(&one).unwrap(), read(&other).unwrap());
}

/// Made with `openssl x509 -req` and nothing else.
const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----
MIIBITCByQIUAnXa5yEMb1iI3TFKuhDZTHgiGS4wCgYIKoZIzj0EAwIwEzERMA8G
A1UEAwwIb2xkLnRlc3QwIBcNMjYxMTIyMDk1ODQxWhgPMjEyNjEwMjkwOTU4NDFa
MBMxETAPBgNVBAMMCG9sZC50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
2sWcl5gTvODhTrp9ZGctYgG6fKGfNEOhKuAcqUy870v/uHh975CYxVR3oUZWUJ9r
tFdoaSNWrs7smq21SIjHrTAKBggqhkjOPQQDAgNHADBEAiBBDp1Av60mWuPGiqV7
KOAPG3q3bKoboZl7qgmC5uPK4gIgcAbZm3WbW1eK/FzTuklcivGB48eJSwYKVeOl
TOP5QDs=
-----END CERTIFICATE-----
";
