//! What a Gateway asks of pods of its own, where the API has no field for it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Settings;
use super::annotations::Annotations;
use crate::infrastructure::{Cpu, Exposure, Memory, Pods, Share};
use crate::verdict::Problem;

/// What is asked for, and what of it means nothing: that is as if it were not there.
pub(super) fn read(meta: &ObjectMeta) -> (Pods, Vec<Problem>) {
    let annotations = Annotations::of(meta);
    let mut problems = Vec::new();
    let pods = Pods {
        replicas: one(&annotations, REPLICAS, replicas, &mut problems),
        cpu: Share {
            request: one(&annotations, CPU_REQUEST, Cpu::parse, &mut problems),
            limit: one(&annotations, CPU_LIMIT, Cpu::parse, &mut problems),
        },
        memory: Share {
            request: one(&annotations, MEMORY_REQUEST, Memory::parse, &mut problems),
            limit: one(&annotations, MEMORY_LIMIT, Memory::parse, &mut problems),
        },
    };

    (pods, problems)
}

/// What is wrong with what a Gateway asks for.
pub(super) fn problems(meta: &ObjectMeta, settings: &Settings) -> Vec<Problem> {
    let annotations = Annotations::of(meta);
    let mut problems = annotations.misplaced(OF_PODS);
    problems.extend(read(meta).1);
    // Whoever only checks a cluster does not know whether Gateways have pods of their own there.
    if !settings.infrastructure || settings.exposure == Exposure::Services {
        let asked = OF_PODS.iter().filter_map(|key| annotations.whole(key));
        let in_vain = asked.map(|one| one.problem("a Gateway has no pods of its own here"));
        problems.extend(in_vain.map(|one| one.remedy("remove it")));
    }
    problems
}

fn one<T>(
    annotations: &Annotations<'_>,
    key: &str,
    read: fn(&str) -> Result<T, String>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let read = annotations.whole(key)?.read(read);
    read.map_err(|problem| problems.push(problem)).ok()
}

fn replicas(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| *number != 0);
    number.ok_or_else(|| format!("{text:?} is no number of pods"))
}

/// Settings of a Gateway that are about its pods.
pub(super) const OF_PODS: &[&str] = &[
    REPLICAS,
    CPU_REQUEST,
    CPU_LIMIT,
    MEMORY_REQUEST,
    MEMORY_LIMIT,
];
const REPLICAS: &str = "replicas";
const CPU_REQUEST: &str = "cpu-request";
const CPU_LIMIT: &str = "cpu-limit";
const MEMORY_REQUEST: &str = "memory-request";
const MEMORY_LIMIT: &str = "memory-limit";
