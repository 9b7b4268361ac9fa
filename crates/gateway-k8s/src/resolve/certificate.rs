//! Secrets with a certificate and its key.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::model::{Certificate, ObjectName};
use k8s_openapi::api::core::v1::Secret;

use super::field::Field;
use super::grants::{self, From, To};
use super::view::View;
use crate::api::SecretObjectReference;
use crate::verdict::{Problem, Reason};
use crate::world::{Loaded, World};

/// What a reference to a certificate led to. There may be both: a Secret that was
/// good before and no longer is gives the certificate that it had.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) problem: Option<Problem>,
}

/// Certificates that were read, by Secret: an input of every resolution after the
/// first, apart from the world.
///
/// A certificate that was good is kept for as long as its Secret is there, so that
/// a damaged Secret does not stop a listener. A Secret that is taken away takes its
/// certificate with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates {
    known: RefCell<BTreeMap<ObjectName, Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    secret: Arc<Secret>,
    problem: Option<String>,
    good: Option<Arc<Certificate>>,
}

impl Certificates {
    /// Follows a reference.
    ///
    /// Its problem is `RefNotPermitted`, and `invalid` for everything else.
    pub(super) fn find(
        &self,
        view: &View<'_>,
        from: From<'_>,
        written: &SecretObjectReference,
        invalid: Reason,
        at: &Field<'_>,
    ) -> Found {
        let to = To {
            group: written.group.as_deref().unwrap_or_default(),
            kind: written.kind.as_deref().unwrap_or("Secret"),
            namespace: written.namespace.as_deref().unwrap_or(from.namespace),
            name: &written.name,
        };
        let refuse = |message: String| Problem::new(invalid, message).at(at);
        let without = |problem: Problem| Found {
            certificate: None,
            problem: Some(problem),
        };

        if (to.group, to.kind) != ("", "Secret") {
            let problem = refuse(format!("{} is no kind of certificate", to.kind));
            return without(problem.remedy("refer to a Secret"));
        }
        let permitted = match grants::permit(view, from, to) {
            Ok(permitted) => permitted,
            Err(problem) => return without(problem.at(at)),
        };
        let Some(secret) = permitted.read::<Secret>(view) else {
            let message = format!("there is no Secret {}/{}", to.namespace, to.name);
            return without(refuse(message));
        };

        let (certificate, problem) = self.read(&ObjectName::new(to.namespace, to.name), secret);
        let told = |problem: String| {
            // What is in a Secret is not repeated in messages.
            let kept = match &certificate {
                Some(_) => "; the certificate that it had before is still used",
                None => "",
            };
            let message = format!("Secret {}/{}: {problem}{kept}", to.namespace, to.name);
            refuse(message).remedy("make it with `kubectl create secret tls`")
        };

        Found {
            problem: problem.map(told),
            certificate,
        }
    }

    /// Forgets Secrets that are gone.
    pub(super) fn end_round(&mut self, world: &World) {
        let is_there = |name: &ObjectName| {
            let secret = world.secrets.get(name.namespace(), name.name());
            secret.is_some()
        };

        self.known.get_mut().retain(|name, _| is_there(name));
    }

    fn read(
        &self,
        name: &ObjectName,
        secret: &Loaded<Secret>,
    ) -> (Option<Arc<Certificate>>, Option<String>) {
        let mut known = self.known.borrow_mut();
        let before = known.get(name);
        if let Some(known) = before.filter(|known| Arc::ptr_eq(&known.secret, secret.object())) {
            return (known.good.clone(), known.problem.clone());
        }

        let before = before.and_then(|known| known.good.clone());
        let (good, problem) = match parse(secret) {
            // The very same, where it says the same.
            Ok(read) => match before {
                Some(before) if *before == read => (Some(before), None),
                _ => (Some(Arc::new(read)), None),
            },
            Err(problem) => (before, Some(problem)),
        };
        let entry = Known {
            secret: Arc::clone(secret.object()),
            problem: problem.clone(),
            good: good.clone(),
        };
        known.insert(name.clone(), entry);

        (good, problem)
    }
}

/// Follows a reference to a certificate that nobody keeps when its Secret is damaged.
///
/// # Errors
///
/// `RefNotPermitted`, and `InvalidClientCertificateRef` for everything else.
pub(super) fn read(
    view: &View<'_>,
    from: From<'_>,
    written: &SecretObjectReference,
    at: &Field<'_>,
) -> Result<Arc<Certificate>, Problem> {
    let reason = Reason::InvalidClientCertificateRef;
    let found = Certificates::default().find(view, from, written, reason, at);

    match (found.certificate, found.problem) {
        (Some(certificate), _) => Ok(certificate),
        (None, Some(problem)) => Err(problem),
        (None, None) => Err(Problem::new(reason, "leads nowhere").at(at)),
    }
}

/// The entry `name` of a Secret.
pub(super) fn entry<'a>(secret: &'a Secret, name: &str) -> Option<&'a [u8]> {
    let data = secret.data.as_ref().and_then(|data| data.get(name));
    let text = secret.string_data.as_ref().and_then(|data| data.get(name));

    text.map(|text| text.as_bytes())
        .or(data.map(|data| data.0.as_slice()))
}

fn parse(secret: &Secret) -> Result<Certificate, String> {
    let certificate = entry(secret, "tls.crt").ok_or("has no tls.crt")?;
    let key = entry(secret, "tls.key").ok_or("has no tls.key")?;

    Certificate::from_pem(certificate, key).map_err(|error| error.to_string())
}
