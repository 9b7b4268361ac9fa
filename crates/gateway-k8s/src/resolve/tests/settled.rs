//! What became of a resolution, followed from one to the next.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_core::model::{Certificate, ObjectName};
use proptest::prelude::*;

use super::properties::{apply, edits};
use crate::api::Gateway;
use crate::resolve::{Resolver, Settings};
use crate::testing::{Manifests, SHOP};
use crate::verdict::{Applied, BindFailure, Problem, Reason, Settled, Verdict, Verdicts};
use crate::world::ObjectRef;

/// What may become of a configuration.
fn applied() -> impl Strategy<Value = Applied> {
    let failed = prop::sample::subsequence(vec![80, 443, 8080], 0..=2);
    let lacks = prop::sample::subsequence(vec!["g0", "g1"], 0..=2);
    (failed, lacks).prop_map(|(ports, names)| Applied {
        failed: ports.into_iter().map(failure).collect(),
        hindrances: Arc::new(names.into_iter().map(hindrance).collect()),
    })
}

fn failure(port: u16) -> BindFailure {
    let address = ([0, 0, 0, 0, 0, 0, 0, 0], port).into();
    BindFailure::new(address, &io::ErrorKind::AddrInUse.into())
}

fn hindrance(name: &str) -> (ObjectName, Problem) {
    let problem = Problem::new(Reason::NoResources, "no room");
    (ObjectName::new("a", name), problem)
}

/// The same, of nothing that was there before.
fn anew(resolved: &Verdicts, applied: &Applied, now: SystemTime) -> Settled {
    let mut settled = Settled::default();
    settled.settle(resolved, applied.clone(), now);
    settled
}

/// Days before the end of the certificate that is used in tests.
fn before_the_end(days: i32) -> SystemTime {
    let read = Certificate::from_pem(SHOP.certificate.as_bytes(), SHOP.key.as_bytes());
    let (end, day) = (read.unwrap().not_after(), Duration::from_secs(24 * 60 * 60));
    match u32::try_from(days) {
        Ok(days) => end - day * days,
        Err(_) => end + day * days.unsigned_abs(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What was followed is what would have been told anew, whatever happens, and
    /// whichever way clocks go.
    #[test]
    fn following_tells_what_telling_anew_would(
        steps in prop::collection::vec((edits(), applied(), -20..40i32), 1..15),
    ) {
        let mut resolver = Resolver::new(Settings::cluster());
        let mut manifests = Manifests::new();
        let mut followed = Settled::default();

        for (edit, applied, days) in &steps {
            manifests = apply(manifests, edit);
            let resolved = resolver.resolve(manifests.world()).verdicts;
            let now = before_the_end(*days);
            followed.settle(&resolved, applied.clone(), now);

            let anew = anew(&resolved, applied, now);
            prop_assert_eq!(followed.verdicts(), anew.verdicts());
            prop_assert!(followed.problems().eq(followed.verdicts().problems()));
        }
    }
}

fn shop() -> Manifests {
    let listener = "{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}";
    Manifests::new()
        .gateway("a/g0", |gateway| gateway.listener(listener))
        .tls_secret("a/c", SHOP)
        .http_route("a/r", |route| route.parent("a/g0"))
}

fn verdict(settled: &Settled) -> &Verdict {
    let gateway = ObjectRef::new::<Gateway>("a", "g0");
    settled.verdicts().get(&gateway).unwrap()
}

#[test]
fn what_stays_the_same_is_not_told_again() {
    let mut resolver = Resolver::new(Settings::cluster());
    let resolved = resolver.resolve(shop().world()).verdicts;
    let mut settled = anew(&resolved, &Applied::default(), before_the_end(30));
    let before = settled.verdicts().clone();

    for days in [30, 29, 15] {
        settled.settle(&resolved, Applied::default(), before_the_end(days));
        assert_eq!(settled.verdicts().changes(&before).count(), 0);
    }
}

#[test]
fn a_failure_that_is_over_is_told_no_more() {
    let mut resolver = Resolver::new(Settings::cluster());
    let resolved = resolver.resolve(shop().world()).verdicts;
    let failed = Applied {
        failed: vec![failure(443)],
        hindrances: Arc::new(BTreeMap::from([hindrance("g0")])),
    };
    let mut settled = anew(&resolved, &failed, before_the_end(30));
    assert_eq!(
        settled.problems().count(),
        verdict(&settled).problems().len()
    );
    assert!(!verdict(&settled).problems().is_empty());

    settled.settle(&resolved, Applied::default(), before_the_end(30));

    assert_eq!(settled.problems().count(), 0);
}

#[test]
fn dates_are_told_as_they_pass_though_nothing_changes() {
    let mut resolver = Resolver::new(Settings::cluster());
    let resolved = resolver.resolve(shop().world()).verdicts;
    let mut settled = anew(&resolved, &Applied::default(), before_the_end(30));

    let mut told = Vec::new();
    for days in [16, 13, -1] {
        settled.settle(&resolved, Applied::default(), before_the_end(days));
        told.push(
            settled
                .problems()
                .map(|(_, _, problem)| problem.reason)
                .next(),
        );
    }

    let expected = [
        None,
        Some(Reason::CertificateExpiresSoon),
        Some(Reason::CertificateExpired),
    ];
    assert_eq!(told, expected);
}
