//! The pods of a Gateway that has some of its own, and who they are.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, HTTPGetAction,
    PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile,
    SecurityContext, ServiceAccount, TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::blueprint::Dedicated;
use super::metadata::{self, REPLICAS, metadata, selector};
use super::object::{Made, Objects, add};
use super::{Cpu, Memory, Needed, Pods};

/// Adds the Deployment of a Gateway, its ServiceAccount and its PodDisruptionBudget.
pub(super) fn add_to(objects: &mut Objects, needed: &Needed, dedicated: &Dedicated) {
    let gateways = || vec![needed.gateway.clone()];
    let account = ServiceAccount {
        metadata: metadata(needed, metadata::name(needed)),
        ..ServiceAccount::default()
    };
    add(objects, Made::ServiceAccount, gateways(), &account);
    add(
        objects,
        Made::PodDisruptionBudget,
        gateways(),
        &budget(needed),
    );
    let deployment = deployment(needed, dedicated);
    add(objects, Made::Deployment, gateways(), &deployment);
}

/// One pod may be away for a drain of its node. Whoever has a single one would rather lose it
/// than have a node that cannot be drained.
fn budget(needed: &Needed) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: metadata(needed, metadata::name(needed)),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(selected(needed)),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}

fn deployment(needed: &Needed, dedicated: &Dedicated) -> Deployment {
    let replicas = needed.pods.replicas.unwrap_or(dedicated.replicas);
    let mut meta = metadata(needed, metadata::name(needed));
    let annotations = meta.annotations.get_or_insert_default();
    annotations.insert(REPLICAS.to_owned(), replicas.to_string());
    let none_is_missing = RollingUpdateDeployment {
        max_surge: Some(IntOrString::Int(1)),
        max_unavailable: Some(IntOrString::Int(0)),
    };

    Deployment {
        metadata: meta,
        spec: Some(DeploymentSpec {
            replicas: Some(i32::from(replicas)),
            selector: selected(needed),
            strategy: Some(DeploymentStrategy {
                rolling_update: Some(none_is_missing),
                type_: Some("RollingUpdate".to_owned()),
            }),
            template: template(needed, dedicated),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

fn selected(needed: &Needed) -> LabelSelector {
    LabelSelector {
        match_labels: Some(selector(needed).collect()),
        ..LabelSelector::default()
    }
}

fn template(needed: &Needed, dedicated: &Dedicated) -> PodTemplateSpec {
    let meta = metadata(needed, String::new());
    let apart = TopologySpreadConstraint {
        label_selector: Some(selected(needed)),
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        ..TopologySpreadConstraint::default()
    };
    let state = Volume {
        name: STATE.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity("256Mi".to_owned())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    };

    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: meta.labels,
            annotations: meta.annotations,
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![container(needed, dedicated)],
            security_context: Some(nobody()),
            service_account_name: Some(metadata::name(needed)),
            termination_grace_period_seconds: i64::try_from(dedicated.grace.as_secs()).ok(),
            topology_spread_constraints: Some(vec![apart]),
            volumes: Some(vec![state]),
            ..PodSpec::default()
        }),
    }
}

fn nobody() -> PodSecurityContext {
    PodSecurityContext {
        fs_group: Some(NOBODY),
        run_as_group: Some(NOBODY),
        run_as_non_root: Some(true),
        run_as_user: Some(NOBODY),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    }
}

fn container(needed: &Needed, dedicated: &Dedicated) -> Container {
    let gateway = needed.gateway.to_string();
    let arguments = ["run", "--kubernetes", "--gateway", &gateway];

    Container {
        name: "gateway".to_owned(),
        image: Some(dedicated.image.clone()),
        // As those of the installed gateway are: for `latest`, it would else be pulled each time.
        image_pull_policy: Some("IfNotPresent".to_owned()),
        args: Some(arguments.map(str::to_owned).to_vec()),
        env: Some(environment(dedicated)),
        ports: Some(vec![ContainerPort {
            name: Some(ADMIN.to_owned()),
            container_port: ADMIN_PORT,
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        liveness_probe: Some(probe("/livez", 10, 3)),
        readiness_probe: Some(probe("/readyz", 2, 2)),
        resources: Some(resources(&needed.pods)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                // Not to be had, but without it the image's program is not even started: it has
                // this as a file capability.
                add: Some(vec!["NET_BIND_SERVICE".to_owned()]),
                drop: Some(vec!["ALL".to_owned()]),
            }),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![VolumeMount {
            name: STATE.to_owned(),
            mount_path: STATE_FOLDER.to_owned(),
            ..VolumeMount::default()
        }]),
        ..Container::default()
    }
}

fn resources(pods: &Pods) -> ResourceRequirements {
    let quantity = |name: &str, value: String| (name.to_owned(), Quantity(value));
    let (cpu, cpu_limit) = pods.cpu.or(CPU, None);
    let (memory, memory_limit) = pods.memory.or(MEMORY, Some(MEMORY_LIMIT));
    let cpu_limit = cpu_limit.map(|cpu| quantity("cpu", cpu.to_string()));
    let memory_limit = memory_limit.map(|memory| quantity("memory", memory.to_string()));
    let requests = [
        quantity("cpu", cpu.to_string()),
        quantity("memory", memory.to_string()),
    ];

    ResourceRequirements {
        requests: Some(requests.into()),
        limits: Some(cpu_limit.into_iter().chain(memory_limit).collect()),
        ..ResourceRequirements::default()
    }
}

fn environment(dedicated: &Dedicated) -> Vec<EnvVar> {
    let mut variables = BTreeMap::from([
        ("GATEWAY_ADMIN".to_owned(), format!("0.0.0.0:{ADMIN_PORT}")),
        ("GATEWAY_STATE_DIR".to_owned(), STATE_FOLDER.to_owned()),
    ]);
    variables.extend(dedicated.variables.clone());
    let each = variables.into_iter().map(|(name, value)| EnvVar {
        name,
        value: Some(value),
        ..EnvVar::default()
    });
    each.collect()
}

fn probe(path: &str, period: i32, failures: i32) -> Probe {
    Probe {
        failure_threshold: Some(failures),
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(ADMIN.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        ..Probe::default()
    }
}

const CPU: Cpu = Cpu::thousandths(100);
const MEMORY: Memory = Memory::mebibytes(64);
const MEMORY_LIMIT: Memory = Memory::mebibytes(512);
/// A user and a group without any rights.
const NOBODY: i64 = 65532;
/// The port for probes, below those that listeners are given.
const ADMIN_PORT: i32 = 9901;
const ADMIN: &str = "admin";
const STATE: &str = "state";
const STATE_FOLDER: &str = "/var/lib/gateway";
