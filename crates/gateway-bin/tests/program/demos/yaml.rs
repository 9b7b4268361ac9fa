//! Manifests.

use super::certificates::Issued;

/// A class and a Gateway on 127.0.0.1, with listeners and what else it has, both in
/// YAML's flow style.
pub(super) fn gateway(listeners: &[String], more: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: ours}}
spec: {{controllerName: gateway-rs.dev/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: web}}
spec:
  gatewayClassName: ours
  addresses: [{{value: 127.0.0.1}}]
  listeners: [{}]
  {more}
",
        listeners.join(", ")
    )
}

/// A listener for routes of its namespace; `more` begins with a comma.
pub(super) fn listener(name: &str, protocol: &str, port: u16, more: &str) -> String {
    format!(
        "{{name: {name}, port: {port}, protocol: {protocol}, \
         allowedRoutes: {{namespaces: {{from: Same}}}}{more}}}"
    )
}

/// A route; `spec` is in flow style and has no parents.
pub(super) fn route(kind: &str, name: &str, spec: &str) -> String {
    routed(kind, name, "{name: web}", spec)
}

/// As [`route`], of some ports of the Gateway only.
pub(super) fn route_at(kind: &str, name: &str, ports: &[u16], spec: &str) -> String {
    let parents: Vec<_> = ports
        .iter()
        .map(|port| format!("{{name: web, port: {port}}}"))
        .collect();

    routed(kind, name, &parents.join(", "), spec)
}

fn routed(kind: &str, name: &str, parents: &str, spec: &str) -> String {
    format!(
        "---
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}}}
spec: {{parentRefs: [{parents}], {spec}}}
"
    )
}

/// What sends everything to port 80 of a Service.
pub(super) fn to(service: &str) -> String {
    format!("rules: [{{backendRefs: [{{name: {service}, port: 80}}]}}]")
}

/// A Service, its port 80, and endpoints on 127.0.0.1 with these ports.
pub(super) fn service(name: &str, protocol: &str, ports: &[u16]) -> String {
    let slices = ports.iter().map(|port| {
        format!(
            "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-{port}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
endpoints: [{{addresses: [127.0.0.1]}}]
ports: [{{port: {port}, protocol: {protocol}}}]
"
        )
    });

    format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{port: 80, protocol: {protocol}}}]}}
"
    ) + &slices.collect::<String>()
}

pub(super) fn secret(name: &str, issued: &Issued) -> String {
    format!(
        "---
apiVersion: v1
kind: Secret
metadata: {{name: {name}}}
type: kubernetes.io/tls
stringData:
  tls.crt: |
{}
  tls.key: |
{}
",
        indented(&issued.chain),
        indented(&issued.key)
    )
}

/// A ConfigMap with the certificate of an authority.
pub(super) fn authority(name: &str, pem: &str) -> String {
    format!(
        "---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}}}
data:
  ca.crt: |
{}
",
        indented(pem)
    )
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
