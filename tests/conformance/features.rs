//! What GatewayClasses are told to promise.

use std::fs;
use std::path::Path;

use gateway_k8s::resolve::FEATURES;

/// What is promised, and the tests that prove it.
///
/// One feature has tests here and is not promised, because the suite asks for more:
/// `GatewayInfrastructure` for objects of a cluster.
const PROVEN: &[(&str, &[&str])] = &[
    (
        "BackendTLSPolicy",
        &[
            "backendtlspolicy",
            "backendtlspolicy_conflict_resolution",
            "backendtlspolicy_grpcroute",
            "backendtlspolicy_invalid_ca_certificate_ref",
            "backendtlspolicy_invalid_kind",
            "backendtlspolicy_tlsroute_terminate",
        ],
    ),
    (
        "BackendTLSPolicySANValidation",
        &["backendtlspolicy_san_validation"],
    ),
    (
        "GRPCRoute",
        &[
            "grpc_exact_method_matching",
            "grpcroute_header_matching",
            "grpcroute_listener_hostname_matching",
            "grpcroute_multiple_gateways",
            "grpcroute_weight",
        ],
    ),
    ("GRPCRouteNamedRouteRule", &["grpcroute_named_rule"]),
    (
        "GRPCRouteRequestHeaderModifier",
        &["grpcroute_request_header_modifier"],
    ),
    (
        "Gateway",
        &[
            "gateway_invalid_route_kind",
            "gateway_listener_unsupported_protocol",
            "gateway_modify_listeners",
            "gateway_name_maximum_length",
            "gateway_with_attached_routes",
        ],
    ),
    ("GatewayAddressEmpty", &["gateway_optional_address_value"]),
    (
        "GatewayBackendClientCertificate",
        &[
            "gateway_invalid_tls_backend_configuration",
            "gateway_tls_backend_client_certificate",
        ],
    ),
    (
        "GatewayFrontendClientCertificateValidation",
        &[
            "gateway_frontend_client_certificate_validation",
            "gateway_invalid_default_frontend_client_certificate_validation",
            "gateway_with_invalid_client_certificate_validation",
        ],
    ),
    (
        "GatewayFrontendClientCertificateValidationInsecureFallback",
        &["gateway_frontend_client_certificate_validation_insecure_fallback"],
    ),
    (
        "GatewayHTTPListenerIsolation",
        &["gateway_http_listener_isolation"],
    ),
    (
        "GatewayHTTPSListenerDetectMisdirectedRequests",
        &["httproute_https_listener_detect_misdirected_requests"],
    ),
    (
        "GatewayPort8080",
        &[
            "gateway_with_attached_routes_with_port_8080",
            "httproute_redirect_port_and_scheme",
        ],
    ),
    (
        "GatewayRouteHostnameIntersectionPrecedence",
        &[
            "grpcroute_multiple_routes_attachment_same_hostname_intersection",
            "httproute_multiple_routes_attachment_same_hostname_intersection",
            "tlsroute_multiple_routes_attachment_same_hostname_intersection",
        ],
    ),
    ("GatewayStaticAddresses", &["gateway_static_addresses"]),
    (
        "HTTPRoute",
        &[
            "httproute_cross_namespace",
            "httproute_exact_path_matching",
            "httproute_disallowed_kind",
            "httproute_header_matching",
            "httproute_hostname_intersection",
            "httproute_https_listener",
            "httproute_invalid_backend_ref_unknown_kind",
            "httproute_invalid_cross_namespace_parent_ref",
            "httproute_invalid_non_existent_backend_ref",
            "httproute_invalid_parent_ref_not_matching_section_name",
            "httproute_listener_hostname_matching",
            "httproute_matching",
            "httproute_matching_across_routes",
            "httproute_multiple_gateways",
            "httproute_no_backend_refs",
            "httproute_path_match_order",
            "httproute_redirect_host_and_status",
            "httproute_request_header_modifier",
            "httproute_rule_order",
            "httproute_service_types",
            "httproute_simple_same_namespace",
            "httproute_weight",
        ],
    ),
    (
        "HTTPRoute303RedirectStatusCode",
        &["httproute_303_redirect"],
    ),
    (
        "HTTPRoute307RedirectStatusCode",
        &["httproute_307_redirect"],
    ),
    (
        "HTTPRoute308RedirectStatusCode",
        &["httproute_308_redirect"],
    ),
    (
        "HTTPRouteBackendProtocolH2C",
        &["httproute_backend_protocol_h2c"],
    ),
    (
        "HTTPRouteBackendProtocolWebSocket",
        &["httproute_backend_protocol_web_socket"],
    ),
    (
        "HTTPRouteBackendRequestHeaderModification",
        &[
            "httproute_backend_request_header_modifier",
            "httproute_request_header_modifier_backend_weights",
        ],
    ),
    (
        "HTTPRouteBackendTimeout",
        &[
            "httproute_retry_with_backend_timeout",
            "httproute_timeout_backend_request",
        ],
    ),
    (
        "HTTPRouteBackendURLRewrite",
        &["httproute_backend_url_rewrite"],
    ),
    ("HTTPRouteCORS", &["httproute_cors"]),
    (
        "HTTPRouteDestinationPortMatching",
        &["httproute_invalid_parent_ref_not_matching_listener_port"],
    ),
    ("HTTPRouteHostRewrite", &["httproute_rewrite_host"]),
    ("HTTPRouteMethodMatching", &["httproute_method_matching"]),
    ("HTTPRouteNamedRouteRule", &["httproute_named_rule"]),
    (
        "HTTPRouteParentRefPort",
        &[
            "httproute_invalid_parent_ref_section_name_not_matching_port",
            "httproute_listener_port_matching",
        ],
    ),
    ("HTTPRoutePathRedirect", &["httproute_redirect_path"]),
    ("HTTPRoutePathRewrite", &["httproute_rewrite_path"]),
    (
        "HTTPRoutePortRedirect",
        &[
            "httproute_redirect_port",
            "httproute_redirect_port_and_scheme",
        ],
    ),
    (
        "HTTPRouteQueryParamMatching",
        &["httproute_query_param_matching"],
    ),
    ("HTTPRouteRequestMirror", &["httproute_request_mirror"]),
    (
        "HTTPRouteRequestMultipleMirrors",
        &["httproute_request_multiple_mirrors"],
    ),
    (
        "HTTPRouteRequestPercentageMirror",
        &["httproute_request_percentage_mirror"],
    ),
    (
        "HTTPRouteRequestTimeout",
        &[
            "httproute_retry_with_request_timeout",
            "httproute_timeout_request",
        ],
    ),
    (
        "HTTPRouteResponseHeaderModification",
        &["httproute_response_header_modifier"],
    ),
    ("HTTPRouteRetryCodes", &["httproute_retry"]),
    (
        "HTTPRouteRetryConnectionError",
        &["httproute_retry_connection_error"],
    ),
    ("HTTPRouteSchemeRedirect", &["httproute_redirect_scheme"]),
    (
        "ListenerSet",
        &[
            "listenerset_allowed_namespace_none",
            "listenerset_allowed_namespace_same",
            "listenerset_allowed_namespace_selector",
            "listenerset_allowed_routes_namespaces",
            "listenerset_allowed_routes_supported_kinds",
            "listenerset_default_not_allowed",
            "listenerset_dual_parentref_independence",
            "listenerset_gateway_parent_section_name_not_found",
            "listenerset_hostname_conflict",
            "listenerset_http_routing",
            "listenerset_protocol_conflict",
            "listenerset_reference_grant",
            "listenerset_route_status_scoped_to_parentref",
        ],
    ),
    (
        "ReferenceGrant",
        &[
            "gateway_secret_invalid_reference_grant",
            "gateway_secret_missing_reference_grant",
            "httproute_invalid_cross_namespace_backend_ref",
            "httproute_invalid_reference_grant",
            "httproute_partially_invalid_via_invalid_reference_grant",
            "httproute_reference_grant",
            "tcproute_invalid_cross_namespace_backend_ref",
            "tcproute_reference_grant",
            "tlsroute_invalid_reference_grant",
            "udproute_invalid_cross_namespace_backend_ref",
            "udproute_reference_grant",
        ],
    ),
    (
        "TCPRoute",
        &[
            "tcproute_invalid_backendref_nonexistent",
            "tcproute_invalid_non_tcp_listener",
            "tcproute_multiple_routes_attachment",
            "tcproute_parentref_attach_all",
            "tcproute_parentref_port_and_section_name",
            "tcproute_weighted_routing",
        ],
    ),
    (
        "TLSRoute",
        &[
            "tlsroute_hostname_intersection",
            "tlsroute_invalid_backendref_nonexistent",
            "tlsroute_invalid_backendref_unknown_kind",
            "tlsroute_invalid_no_matching_listener",
            "tlsroute_invalid_no_matching_listener_hostname",
            "tlsroute_listener_passthrough_supported_kinds",
            "tlsroute_simple_same_namespace",
        ],
    ),
    (
        "TLSRouteModeMixed",
        &["tlsroute_mixed_termination_same_namespace"],
    ),
    (
        "TLSRouteModeTerminate",
        &[
            "tlsroute_listener_terminate_supported_kinds",
            "tlsroute_terminate_simple_same_namespace",
        ],
    ),
    (
        "UDPRoute",
        &[
            "udproute",
            "udproute_invalid_backendref_nonexistent",
            "udproute_multiple_routes_attachment",
            "udproute_not_allowed_by_listeners",
            "udproute_parentref_attach_all_listeners",
            "udproute_parentref_port_and_section_name",
            "udproute_weighted_routing",
        ],
    ),
];

#[test]
fn what_is_promised_is_what_is_proven() {
    let proven: Vec<_> = PROVEN.iter().map(|(feature, _)| *feature).collect();
    assert_eq!(FEATURES, proven);
}

#[test]
fn proofs_are_tests_of_this_suite() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let files = fs::read_dir(here).unwrap();
    let code: String = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();

    for (feature, tests) in PROVEN {
        assert!(!tests.is_empty(), "{feature}");
        for test in *tests {
            let written = format!("#[tokio::test]\nasync fn {test}()");
            assert!(code.contains(&written), "{feature}: {test}");
        }
    }
}
