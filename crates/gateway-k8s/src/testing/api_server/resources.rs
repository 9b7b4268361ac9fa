//! The kinds a server serves.

use serde_json::{Value, json};

/// One kind, with where it is served.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) group: String,
    /// The versions, in which objects differ by nothing but their `apiVersion`.
    pub(super) versions: Vec<String>,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) namespaced: bool,
    /// Whether `status` is written on its own.
    pub(super) has_status: bool,
}

impl Resource {
    /// What its objects' `apiVersion` is in the version that is named first.
    pub(super) fn api_version(&self) -> String {
        let version = self.versions.first().map_or("v1", String::as_str);
        group_version(&self.group, version)
    }

    /// The name of the CustomResourceDefinition it has, if it has one.
    pub(super) fn definition(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

/// What every server has.
pub(super) fn built_in() -> Vec<Resource> {
    let of = |group: &str, kind: &str, plural: &str, namespaced, has_status| Resource {
        group: group.to_owned(),
        versions: vec!["v1".to_owned()],
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced,
        has_status,
    };
    vec![
        of("", "Namespace", "namespaces", false, true),
        of("", "Service", "services", true, true),
        of("", "Secret", "secrets", true, false),
        of("", "ConfigMap", "configmaps", true, false),
        of("", "Event", "events", true, false),
        of("events.k8s.io", "Event", "events", true, false),
        of(
            "discovery.k8s.io",
            "EndpointSlice",
            "endpointslices",
            true,
            false,
        ),
        of("", "ServiceAccount", "serviceaccounts", true, false),
        of("apps", "Deployment", "deployments", true, true),
        of(
            "policy",
            "PodDisruptionBudget",
            "poddisruptionbudgets",
            true,
            false,
        ),
        of(RBAC, "RoleBinding", "rolebindings", true, false),
        of(
            RBAC,
            "ClusterRoleBinding",
            "clusterrolebindings",
            false,
            false,
        ),
        of(
            "authorization.k8s.io",
            REVIEW,
            "selfsubjectaccessreviews",
            false,
            false,
        ),
        of("coordination.k8s.io", "Lease", "leases", true, false),
        of(
            DEFINITIONS,
            "CustomResourceDefinition",
            "customresourcedefinitions",
            false,
            true,
        ),
    ]
}

/// `/apis`: every group.
pub(super) fn groups(resources: &[Resource]) -> Value {
    let mut names: Vec<&str> = resources
        .iter()
        .map(|resource| resource.group.as_str())
        .filter(|group| !group.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    let groups: Vec<_> = names
        .iter()
        .filter_map(|name| group(resources, name))
        .collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/GROUP`: the versions of a group, if there is such a group.
pub(super) fn group(resources: &[Resource], name: &str) -> Option<Value> {
    let of_group = resources.iter().filter(|resource| resource.group == name);
    let mut versions: Vec<&String> = of_group.flat_map(|resource| &resource.versions).collect();
    // The shorter name is the one that is further along.
    versions.sort_by_key(|version| (version.len(), version.as_str()));
    versions.dedup();
    let versions: Vec<_> = versions
        .iter()
        .map(|version| json!({ "groupVersion": group_version(name, version), "version": version }))
        .collect();
    let preferred = versions.first()?;
    Some(json!({
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": versions,
        "preferredVersion": preferred,
    }))
}

/// `/apis/GROUP/VERSION`: the kinds of a version, if there is such a version.
pub(super) fn kinds(resources: &[Resource], group: &str, version: &str) -> Option<Value> {
    let mut found = Vec::new();
    for resource in resources {
        if resource.group != group || !resource.versions.iter().any(|other| other == version) {
            continue;
        }
        let entry = |name: String, verbs: &[&str]| {
            json!({
                "name": name,
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": verbs,
            })
        };
        let verbs = [
            "create", "delete", "get", "list", "patch", "update", "watch",
        ];
        found.push(entry(resource.plural.clone(), &verbs));
        if resource.has_status {
            let name = format!("{}/status", resource.plural);
            found.push(entry(name, &["get", "patch", "update"]));
        }
    }
    let answer = json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version(group, version),
        "resources": found,
    });
    (!found.is_empty()).then_some(answer)
}

/// As `apiVersion` has it.
pub(super) fn group_version(group: &str, version: &str) -> String {
    match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    }
}

/// The group of CustomResourceDefinitions.
pub(super) const DEFINITIONS: &str = "apiextensions.k8s.io";
/// The kind by which somebody asks what they may do.
pub(super) const REVIEW: &str = "SelfSubjectAccessReview";
const RBAC: &str = "rbac.authorization.k8s.io";
