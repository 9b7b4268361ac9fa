//! Who may have signed a certificate: ConfigMaps and Secrets with a bundle.

use gateway_core::model::Certificate;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use rustls_pki_types::CertificateDer;

use super::certificate;
use super::field::Field;
use super::grants::{self, From, To};
use super::view::View;
use crate::verdict::{Problem, Reason};

/// The reasons for what can be wrong with a reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reasons {
    pub(super) kind: Reason,
    pub(super) reference: Reason,
}

/// What references to bundles led to: everything that was found, and what is wrong
/// with the others.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Authorities {
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) problems: Vec<Problem>,
}

impl Authorities {
    /// Follows one more reference.
    pub(super) fn add(
        &mut self,
        view: &View<'_>,
        from: From<'_>,
        to: To<'_>,
        reasons: Reasons,
        at: &Field<'_>,
    ) {
        match bundle(view, from, to, reasons) {
            Ok(roots) => {
                let new: Vec<_> = roots
                    .into_iter()
                    .filter(|root| !self.roots.contains(root))
                    .collect();
                self.roots.extend(new);
            }
            Err(problem) => self.problems.push(problem.at(at)),
        }
    }
}

fn bundle(
    view: &View<'_>,
    from: From<'_>,
    to: To<'_>,
    reasons: Reasons,
) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let place = format!("{} {}/{}", to.kind, to.namespace, to.name);
    let is_config_map = match (to.group, to.kind) {
        ("", "ConfigMap") => true,
        ("", "Secret") => false,
        (_, kind) => {
            let message = format!("{kind} is no kind of certificates");
            let problem = Problem::new(reasons.kind, message);
            return Err(problem.remedy("refer to a ConfigMap or a Secret"));
        }
    };
    let permitted = grants::permit(view, from, to)?;
    let refuse = |message: &str| {
        let problem = Problem::new(reasons.reference, format!("{place}: {message}"));
        problem.remedy("put certificates in PEM under the key ca.crt")
    };
    let missing = || {
        let problem = Problem::new(reasons.reference, format!("there is no {place}"));
        problem.remedy("create it, or correct the reference")
    };

    let text = if is_config_map {
        text_of(permitted.read::<ConfigMap>(view).ok_or_else(missing)?)
    } else {
        let secret = permitted.read::<Secret>(view).ok_or_else(missing)?;
        certificate::entry(secret, KEY)
    };
    let text = text.ok_or_else(|| refuse("has no ca.crt"))?;

    Certificate::authorities_from_pem(text).map_err(|error| refuse(&format!("ca.crt: {error}")))
}

fn text_of(map: &ConfigMap) -> Option<&[u8]> {
    let text = map.data.as_ref().and_then(|data| data.get(KEY));
    let bytes = map.binary_data.as_ref().and_then(|data| data.get(KEY));

    text.map(|text| text.as_bytes())
        .or(bytes.map(|bytes| bytes.0.as_slice()))
}

const KEY: &str = "ca.crt";
