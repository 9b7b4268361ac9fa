//! What a Gateway asks of clients' certificates.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::model::{ClientValidation, ClientValidationMode};

use super::authorities::{Authorities, Reasons};
use super::confined;
use super::field::Field;
use super::grants::{From, To};
use super::matches::unsupported;
use super::view::View;
use crate::api::{
    FrontendTlsConfig, FrontendTlsValidation, FrontendValidationMode, Gateway, TlsConfig,
};
use crate::verdict::{Problem, Reason};

/// What is asked on which port.
///
/// Source: `GatewayTLSConfig.frontend`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Frontend {
    default: Asked,
    ports: BTreeMap<u16, Asked>,
    /// What makes the whole Gateway invalid.
    pub(super) refused: Vec<Problem>,
}

/// What is asked of clients. Nothing by default.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Asked {
    /// Nothing is asked, unless something is wrong.
    pub(super) validation: Option<Arc<ClientValidation>>,
    /// References that lead nowhere.
    pub(super) unresolved: Vec<Problem>,
    /// Why nobody could be let in.
    pub(super) refused: Option<Problem>,
}

impl Frontend {
    /// Reads what is asked for. A `confined` Gateway has pods that read no Secrets of other
    /// namespaces.
    pub(super) fn read(
        view: &View<'_>,
        namespace: &str,
        written: Option<&FrontendTlsConfig>,
        confined: bool,
    ) -> Self {
        let Some(written) = written else {
            return Self::default();
        };
        let at = Field::SPEC;
        let at = at.name("tls.frontend");
        let read = |config: &TlsConfig, at: &Field<'_>| {
            let validation = config.validation.as_ref();
            validation.map_or_else(Asked::default, |validation| {
                let at = at.name("validation");
                Asked::read(view, namespace, validation, confined, &at)
            })
        };
        let mut frontend = Self {
            default: read(&written.default, &at.name("default")),
            ..Self::default()
        };

        for (index, one) in written.per_port.iter().flatten().enumerate() {
            let at = at.item("perPort", index);
            let asked = read(&one.tls, &at.name("tls"));
            let port = u16::try_from(one.port).ok().filter(|port| *port != 0);
            let Some(port) = port else {
                let message = format!("{} is not between 1 and 65535", one.port);
                frontend.refused.push(invalid(message, &at.name("port")));
                continue;
            };
            if frontend.ports.insert(port, asked).is_some() {
                let message = format!("port {port} is written twice");
                frontend.refused.push(invalid(message, &at.name("port")));
            }
        }

        frontend
    }

    /// What is asked on `port`.
    pub(super) fn on(&self, port: u16) -> &Asked {
        self.ports.get(&port).unwrap_or(&self.default)
    }

    /// Whether clients that cannot show a certificate are let in somewhere.
    pub(super) fn is_insecure(&self) -> bool {
        let all = std::iter::once(&self.default).chain(self.ports.values());
        let mut validations = all.filter_map(|asked| asked.validation.as_ref());

        validations.any(|one| one.mode == ClientValidationMode::AllowInsecureFallback)
    }
}

impl Asked {
    fn read(
        view: &View<'_>,
        namespace: &str,
        written: &FrontendTlsValidation,
        confined: bool,
        at: &Field<'_>,
    ) -> Self {
        let mut authorities = Authorities::default();
        for (index, reference) in written.ca_certificate_refs.iter().enumerate() {
            let to = To {
                group: &reference.group,
                kind: &reference.kind,
                namespace: reference.namespace.as_deref().unwrap_or(namespace),
                name: &reference.name,
            };
            let from = From::kind::<Gateway>(namespace);
            let at = at.item("caCertificateRefs", index);
            if confined && confined::is_strange(to, namespace) {
                let problem = confined::stranger(to.name, namespace).at(at);
                authorities.problems.push(problem);
                continue;
            }
            authorities.add(view, from, to, REASONS, &at);
        }
        let mode = match &written.mode {
            None | Some(FrontendValidationMode::AllowValidOnly) => {
                Ok(ClientValidationMode::AllowValidOnly)
            }
            Some(FrontendValidationMode::AllowInsecureFallback) => {
                Ok(ClientValidationMode::AllowInsecureFallback)
            }
            Some(FrontendValidationMode::Unknown(other)) => {
                let message = format!("{other:?} is not a mode of validation");
                Err(unsupported(message, &at.name("mode")))
            }
        };

        let Authorities { roots, problems } = authorities;
        let (validation, refused) = match mode {
            Err(problem) => (None, Some(problem)),
            Ok(_) if roots.is_empty() => {
                let message = "no certificate of an authority was found";
                let problem = Problem::new(Reason::NoValidCACertificate, message);
                (None, Some(problem.at(at.name("caCertificateRefs"))))
            }
            Ok(mode) => (Some(Arc::new(ClientValidation { roots, mode })), None),
        };

        Self {
            validation,
            unresolved: problems,
            refused,
        }
    }
}

fn invalid(message: String, at: &Field<'_>) -> Problem {
    Problem::new(Reason::Invalid, message).at(at)
}

const REASONS: Reasons = Reasons {
    kind: Reason::InvalidCACertificateKind,
    reference: Reason::InvalidCACertificateRef,
};
