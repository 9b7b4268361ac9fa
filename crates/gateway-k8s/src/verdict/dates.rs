//! Certificates that are not valid yet, or not for long.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_core::model::Certificate;

use super::{
    Condition, ConditionStatus, ConditionType, Decision, ListenerVerdict, Problem, Reason, Verdict,
    Verdicts,
};
impl Verdicts {
    /// Warns of every certificate that clients refuse at `now`, or soon will, and tells
    /// its listener in a condition of our own: what was decided does not depend on the
    /// time, and is the same ever after.
    ///
    /// Such certificates are served all the same. Nobody is better off without.
    pub fn dated(&mut self, now: SystemTime) {
        self.edit_listening(|verdict| verdict.dated(now));
    }
}

impl Verdict {
    pub(super) fn dated(&mut self, now: SystemTime) {
        let Some(listeners) = self.listeners_mut() else {
            return;
        };
        let mut problems = Vec::new();
        for (index, listener) in listeners.iter_mut().enumerate() {
            let told = told(index, listener, now);
            listener.date(&told);
            problems.extend(told);
        }
        problems.retain(|problem| !self.warnings.contains(problem));
        if !problems.is_empty() {
            Arc::make_mut(&mut self.warnings).extend(problems);
        }
    }

    /// Until when there is nothing else to tell of its certificates than at `now`; for
    /// ever, if that is none.
    pub(super) fn dated_until(&self, now: SystemTime) -> Option<SystemTime> {
        let listeners = self.listeners().unwrap_or_default().iter();
        let certificates = listeners.flat_map(|one| &one.certificates);
        let turns = certificates.flat_map(|certificate| {
            let (begin, end) = (certificate.not_before(), certificate.not_after());
            [Some(begin), end.checked_sub(SOON), Some(end)]
        });
        turns.flatten().filter(|turn| *turn >= now).min()
    }

    /// What its listeners are told, if it has any.
    pub(super) fn listeners(&self) -> Option<&[ListenerVerdict]> {
        match &self.decision {
            Decision::Gateway(gateway) => Some(&gateway.listeners),
            Decision::ListenerSet(set) => Some(&set.listeners),
            Decision::None
            | Decision::GatewayClass(_)
            | Decision::Route(_)
            | Decision::Backend(_)
            | Decision::Policy(_) => None,
        }
    }

    fn listeners_mut(&mut self) -> Option<&mut Vec<ListenerVerdict>> {
        match &mut self.decision {
            Decision::Gateway(gateway) => Some(&mut Arc::make_mut(gateway).listeners),
            Decision::ListenerSet(set) => Some(&mut Arc::make_mut(set).listeners),
            Decision::None
            | Decision::GatewayClass(_)
            | Decision::Route(_)
            | Decision::Backend(_)
            | Decision::Policy(_) => None,
        }
    }
}

impl ListenerVerdict {
    /// Has the condition exactly if there is something to tell.
    fn date(&mut self, problems: &[Problem]) {
        let kind = ConditionType::CertificateExpiry;
        self.conditions.retain(|one| one.kind() != kind);
        // Those that clients refuse come first.
        let soon = |problem: &&Problem| problem.reason == Reason::CertificateExpiresSoon;
        let Some(worst) = problems.iter().min_by_key(soon) else {
            return;
        };

        let messages = problems.iter().map(|problem| problem.message.as_str());
        let messages: Vec<_> = messages.take(MOST).collect();
        self.conditions.push(Condition::follows(
            kind,
            ConditionStatus::True,
            worst.reason,
            messages.join("; "),
        ));
    }
}

fn told(index: usize, listener: &ListenerVerdict, now: SystemTime) -> Vec<Problem> {
    let certificates = listener.certificates.iter();
    let told = certificates.filter_map(|certificate| Some((certificate, tell(certificate, now)?)));

    told.map(|(certificate, (reason, what))| {
        let names: Vec<_> = certificate.names().take(3).collect();
        let message = format!("the certificate for {} {what}", names.join(", "));
        Problem::new(reason, message).at(format!("spec.listeners[{index}].tls.certificateRefs"))
    })
    .collect()
}

/// What is wrong with the dates of a certificate.
fn tell(certificate: &Certificate, now: SystemTime) -> Option<(Reason, String)> {
    if now < certificate.not_before() {
        let begin = day(certificate.not_before());
        return Some((
            Reason::CertificateNotYetValid,
            format!("is valid from {begin} on"),
        ));
    }
    let end = day(certificate.not_after());

    match certificate.not_after().duration_since(now) {
        Err(_) => Some((Reason::CertificateExpired, format!("was valid until {end}"))),
        Ok(left) if left < SOON => Some((
            Reason::CertificateExpiresSoon,
            format!("is valid until {end}"),
        )),
        Ok(_) => None,
    }
}

fn day(time: SystemTime) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "a time that nobody can name".to_owned(),
    }
}

/// So many certificates of a listener are told of in its condition.
const MOST: usize = 8;

/// Renewal takes its time, and people have holidays.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Gateway;
    use crate::testing::{Manifests, Outcome, SHOP};

    fn dated(days_before_the_end: i64) -> Outcome {
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
        outcome
    }

    fn warnings(days_before_the_end: i64) -> Vec<String> {
        let outcome = dated(days_before_the_end);
        let warnings = outcome.warnings::<Gateway>("edge/web");
        warnings.iter().map(|one| one.message.clone()).collect()
    }

    fn condition(outcome: &Outcome) -> Option<Condition> {
        let gateway = outcome.gateway("edge/web");
        let conditions = &gateway.verdict.listeners[0].conditions;
        let mut conditions = conditions.iter();
        let kind = ConditionType::CertificateExpiry;
        conditions.find(|one| one.kind() == kind).cloned()
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

    #[test]
    fn listeners_say_so_in_a_condition_of_our_own_while_it_is_so() {
        assert_eq!(condition(&dated(15)), None);
        for (days, reason) in [
            (13, Reason::CertificateExpiresSoon),
            (-1, Reason::CertificateExpired),
            (365 * 200, Reason::CertificateNotYetValid),
        ] {
            let told = condition(&dated(days)).unwrap();
            assert_eq!(told.kind().as_str(), "gateway-rs.dev/CertificateExpiry");
            assert_eq!(told.status(), ConditionStatus::True);
            assert_eq!(told.reason(), reason);
            assert_eq!(told.message(), warnings(days)[0]);
        }

        let mut mended = dated(13);
        let long_before = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        mended.resolved.verdicts.dated(long_before);
        assert_eq!(condition(&mended), None);
    }
}
