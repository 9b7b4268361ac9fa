//! GatewayClasses: which Gateways are ours.

use std::sync::{Arc, LazyLock};

use super::Settings;
use super::field::Field;
use crate::api::GatewayClass;
use crate::verdict::{ClassVerdict, Condition, ConditionType, Problem, Reason};

/// What a GatewayClass of our controller is told.
pub(super) fn judge(settings: &Settings, class: &GatewayClass) -> Arc<ClassVerdict> {
    let mut conditions = vec![Condition::judged(
        ConditionType::Accepted,
        Reason::Accepted,
        "Gateways of this class are served",
        parameters(class),
    )];
    // With other CRDs they are served as well as may be.
    if !settings.releases.is_empty() {
        conditions.push(version(&settings.releases));
    }

    Arc::new(ClassVerdict {
        conditions,
        features: if settings.infrastructure {
            &FEATURES_OF_CLUSTERS
        } else {
            FEATURES
        },
    })
}

/// What makes a class one whose Gateways cannot be served.
pub(super) fn parameters(class: &GatewayClass) -> Vec<Problem> {
    let Some(parameters) = &class.spec.parameters_ref else {
        return Vec::new();
    };
    let message = format!(
        "{} {} is no kind of parameters",
        parameters.kind, parameters.name
    );
    let problem = Problem::new(Reason::InvalidParameters, message);

    vec![
        problem
            .at(Field::SPEC.name("parametersRef"))
            .remedy("remove parametersRef"),
    ]
}

fn version(releases: &[Arc<str>]) -> Condition {
    let mut all = releases.iter();
    let understood = all.all(|release| release.starts_with(UNDERSTOOD_RELEASE));
    let problem = || {
        let (found, wanted) = (releases.join(", "), UNDERSTOOD_RELEASE);
        let message = format!("the CRDs are of release {found}, and not all of {wanted}x");
        let problem = Problem::new(Reason::UnsupportedVersion, message);
        problem.remedy(format!("install the CRDs of {UNDERSTOOD_RELEASE}x"))
    };

    Condition::judged(
        ConditionType::SupportedVersion,
        Reason::SupportedVersion,
        "the installed CRDs are understood",
        (!understood).then(problem).into_iter().collect(),
    )
}

/// The release whose types `api` was generated from.
const UNDERSTOOD_RELEASE: &str = "v1.7.";

/// What works in a cluster, where objects are made for Gateways, sorted.
pub static FEATURES_OF_CLUSTERS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut features = [FEATURES, &["GatewayInfrastructure"]].concat();
    features.sort_unstable();
    features
});

/// `status.supportedFeatures`: what works, sorted as the API asks. A test of the
/// conformance suite proves each, over sockets.
pub const FEATURES: &[&str] = &[
    "BackendTLSPolicy",
    "BackendTLSPolicySANValidation",
    "GRPCRoute",
    "GRPCRouteNamedRouteRule",
    "GRPCRouteRequestHeaderModifier",
    "Gateway",
    "GatewayAddressEmpty",
    "GatewayBackendClientCertificate",
    "GatewayFrontendClientCertificateValidation",
    "GatewayFrontendClientCertificateValidationInsecureFallback",
    "GatewayHTTPListenerIsolation",
    "GatewayHTTPSListenerDetectMisdirectedRequests",
    "GatewayPort8080",
    "GatewayRouteHostnameIntersectionPrecedence",
    "GatewayStaticAddresses",
    "HTTPRoute",
    "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode",
    "HTTPRoute308RedirectStatusCode",
    "HTTPRouteBackendProtocolH2C",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteBackendRequestHeaderModification",
    "HTTPRouteBackendTimeout",
    "HTTPRouteBackendURLRewrite",
    "HTTPRouteCORS",
    "HTTPRouteDestinationPortMatching",
    "HTTPRouteHostRewrite",
    "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule",
    "HTTPRouteParentRefPort",
    "HTTPRoutePathRedirect",
    "HTTPRoutePathRewrite",
    "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching",
    "HTTPRouteRequestMirror",
    "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteRequestPercentageMirror",
    "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification",
    "HTTPRouteRetryCodes",
    "HTTPRouteRetryConnectionError",
    "HTTPRouteSchemeRedirect",
    "ListenerSet",
    "ReferenceGrant",
    "TCPRoute",
    "TLSRoute",
    "TLSRouteModeMixed",
    "TLSRouteModeTerminate",
    "UDPRoute",
];
