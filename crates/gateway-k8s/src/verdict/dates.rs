//! Certificates that are not valid yet, or not for long.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_core::model::Certificate;

use super::{Decision, ListenerVerdict, Problem, Reason, Verdict, Verdicts};
use crate::api::{Gateway, ListenerSet};

impl Verdicts {
    /// Warns of every certificate that clients refuse at `now`, or soon will: what
    /// was decided does not depend on the time, and is the same ever after.
    ///
    /// Such certificates are served all the same. Nobody is better off without.
    pub fn dated(&mut self, now: SystemTime) {
        let gateways = self.of_kind::<Gateway>();
        let all: Vec<_> = gateways
            .chain(self.of_kind::<ListenerSet>())
            .cloned()
            .collect();
        for verdict in all {
            let listeners = match &verdict.decision {
                Decision::Gateway(gateway) => &gateway.listeners,
                Decision::ListenerSet(set) => &set.listeners,
                Decision::None
                | Decision::GatewayClass(_)
                | Decision::Route(_)
                | Decision::Backend(_)
                | Decision::Policy(_) => continue,
            };
            let listeners = listeners.iter().enumerate();
            let problems: Vec<_> = listeners
                .flat_map(|(index, listener)| problems(index, listener, now))
                .filter(|problem| !verdict.warnings.contains(problem))
                .collect();
            if !problems.is_empty() {
                let mut dated = Verdict::clone(&verdict);
                Arc::make_mut(&mut dated.warnings).extend(problems);
                self.put(dated);
            }
        }
    }
}

fn problems(index: usize, listener: &ListenerVerdict, now: SystemTime) -> Vec<Problem> {
    let certificates = listener.certificates.iter();
    let told = certificates.filter_map(|certificate| Some((certificate, tell(certificate, now)?)));

    told.map(|(certificate, what)| {
        let names: Vec<_> = certificate.names().take(3).collect();
        let message = format!("the certificate for {} {what}", names.join(", "));
        Problem::new(Reason::InvalidCertificateRef, message)
            .at(format!("spec.listeners[{index}].tls.certificateRefs"))
            .remedy("renew it")
    })
    .collect()
}

fn tell(certificate: &Certificate, now: SystemTime) -> Option<String> {
    if now < certificate.not_before() {
        return Some(format!(
            "is valid from {} on",
            day(certificate.not_before())
        ));
    }
    let end = day(certificate.not_after());

    match certificate.not_after().duration_since(now) {
        Err(_) => Some(format!("was valid until {end}")),
        Ok(left) if left < SOON => Some(format!("is valid until {end}")),
        Ok(_) => None,
    }
}

fn day(time: SystemTime) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "a time that nobody can name".to_owned(),
    }
}

/// Renewal takes its time, and people have holidays.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Manifests, SHOP};

    fn warnings(days_before_the_end: i64) -> Vec<String> {
        let mut outcome = Manifests::new()
            .gateway("edge/web", |gateway| {
                gateway.listener(
                    "{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}",
                )
            })
            .tls_secret("edge/c", SHOP)
            .resolve();
        let read = Certificate::from_pem(SHOP.certificate.as_bytes(), SHOP.key.as_bytes());
        let day = Duration::from_secs(24 * 60 * 60);
        let days = day * u32::try_from(days_before_the_end.abs()).unwrap();
        let end = read.unwrap().not_after();
        let now = if days_before_the_end > 0 {
            end - days
        } else {
            end + days
        };

        outcome.resolved.verdicts.dated(now);
        outcome.resolved.verdicts.dated(now);
        let warnings = outcome.warnings::<Gateway>("edge/web");
        warnings.iter().map(|one| one.message.clone()).collect()
    }

    #[test]
    fn certificates_are_told_of_two_weeks_before_their_end() {
        assert!(warnings(15).is_empty());
        assert_eq!(
            warnings(13),
            ["the certificate for shop.example.com is valid until 2126-10-29"]
        );
        assert_eq!(
            warnings(-1),
            ["the certificate for shop.example.com was valid until 2126-10-29"]
        );
    }

    #[test]
    fn certificates_of_the_future_are_told_of() {
        assert!(warnings(365 * 200)[0].contains("is valid from 2026-11-22 on"));
    }
}
