//! How an XBackend is spoken to over TLS.

use gateway_core::model::BackendTls;

use super::backend_tls::{self, Judged};
use super::certificate;
use super::field::Field;
use super::grants::From;
use super::matches::unsupported;
use super::view::View;
use crate::api::{XBackend, XBackendTls, XBackendTlsMode};
use crate::verdict::{Problem, Reason};

/// What its connections are secured with, and what is wrong and does not matter;
/// nothing, if they are in the clear.
///
/// # Errors
///
/// Settings that cannot be obeyed: it must not be spoken to in the clear.
///
/// Source: `BackendTLS` of XBackend.
pub(super) fn read(
    view: &View<'_>,
    object: &XBackend,
) -> Result<Option<(BackendTls, Vec<Problem>)>, Problem> {
    let Some(written) = &object.spec.tls else {
        return Ok(None);
    };
    let at = Field::SPEC;
    let at = at.name("tls");
    let with_client = match &written.mode {
        XBackendTlsMode::None => return in_the_clear(written, &at).map(|()| None),
        XBackendTlsMode::ServerOnly => false,
        XBackendTlsMode::ClientAndServer => true,
        XBackendTlsMode::Unknown(other) => {
            let message = format!("{other:?} is not a mode of TLS");
            return Err(unsupported(message, &at.name("mode")));
        }
    };

    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let from = From::kind::<XBackend>(namespace);
    let validation = written.validation.as_ref();
    let validation = validation.ok_or_else(|| missing(&at.name("validation")))?;
    let Judged {
        tls,
        refused,
        unresolved,
        ..
    } = backend_tls::validation(view, from, validation, &at.name("validation"));
    let Some(tls) = tls else {
        let mut problems = refused.into_iter().chain(unresolved);
        return Err(problems.next().unwrap_or_else(|| missing(&at)));
    };
    let client_certificate = match (&written.client_certificate_ref, with_client) {
        (Some(reference), true) => {
            let at = at.name("clientCertificateRef");
            Some(certificate::read(view, from, reference, &at)?)
        }
        (None, true) => return Err(missing(&at.name("clientCertificateRef"))),
        (Some(_), false) => return Err(misplaced(written, &at.name("clientCertificateRef"))),
        (None, false) => None,
    };

    let tls = BackendTls {
        client_certificate,
        ..tls
    };
    Ok(Some((tls, unresolved)))
}

fn in_the_clear(written: &XBackendTls, at: &Field<'_>) -> Result<(), Problem> {
    if written.validation.is_some() {
        return Err(misplaced(written, &at.name("validation")));
    }
    if written.client_certificate_ref.is_some() {
        return Err(misplaced(written, &at.name("clientCertificateRef")));
    }
    Ok(())
}

fn missing(at: &Field<'_>) -> Problem {
    Problem::new(Reason::Invalid, "is missing").at(at)
}

fn misplaced(written: &XBackendTls, at: &Field<'_>) -> Problem {
    let message = format!("cannot be with mode {}", written.mode);

    Problem::new(Reason::Invalid, message).at(at)
}
