//! Secrets with a certificate and its key.

use k8s_openapi::api::core::v1::Secret;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::field::Field;
use super::grants::{self, From, To};
use super::view::View;
use crate::api::SecretObjectReference;
use crate::verdict::{Problem, Reason};

/// Checks that a reference leads to a Secret with a certificate and a key.
///
/// # Errors
///
/// `RefNotPermitted`, and `invalid` for everything else.
pub(super) fn check(
    view: &View<'_>,
    from: From<'_>,
    written: &SecretObjectReference,
    invalid: Reason,
    at: &Field<'_>,
) -> Result<(), Problem> {
    let to = To {
        group: written.group.as_deref().unwrap_or_default(),
        kind: written.kind.as_deref().unwrap_or("Secret"),
        namespace: written.namespace.as_deref().unwrap_or(from.namespace),
        name: &written.name,
    };
    let refuse = |message: String| Problem::new(invalid, message).at(at);

    if (to.group, to.kind) != ("", "Secret") {
        return Err(
            refuse(format!("{} is no kind of certificate", to.kind)).remedy("refer to a Secret")
        );
    }
    let permitted = grants::permit(view, from, to).map_err(|problem| problem.at(at))?;
    let secret = permitted
        .read::<Secret>(view)
        .ok_or_else(|| refuse(format!("there is no Secret {}/{}", to.namespace, to.name)))?;

    // What is in a Secret is not repeated in messages.
    parse(secret).map_err(|problem| {
        let problem = refuse(format!("Secret {}/{} {problem}", to.namespace, to.name));
        problem.remedy("make it with `kubectl create secret tls`")
    })
}

fn parse(secret: &Secret) -> Result<(), &'static str> {
    let entry = |name: &str| {
        let data = secret.data.as_ref().and_then(|data| data.get(name));
        let text = secret.string_data.as_ref().and_then(|data| data.get(name));
        text.map(|text| text.as_bytes())
            .or(data.map(|data| data.0.as_slice()))
    };
    let certificate = entry("tls.crt").ok_or("has no tls.crt")?;
    let key = entry("tls.key").ok_or("has no tls.key")?;

    let mut chain = CertificateDer::pem_slice_iter(certificate);
    match chain.next() {
        Some(Ok(_)) if chain.all(|one| one.is_ok()) => {}
        _ => return Err("has a tls.crt that is not a certificate in PEM"),
    }
    PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| "has a tls.key that is not a private key in PEM")?;

    Ok(())
}
