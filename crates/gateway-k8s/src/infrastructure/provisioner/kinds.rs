//! The kinds of objects that are made.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::core::ApiResource;

use super::super::Exposure;
use super::super::metadata::{MANAGED_BY, MANAGER, SLICES_MANAGED_BY};
use super::super::object::Made;

impl Made {
    /// Where the API has them.
    pub(super) fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::EndpointSlice => ApiResource::erase::<EndpointSlice>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
        }
    }

    /// Which of all such objects were made here, or for what was made here and is not
    /// any more what it was then.
    pub(super) fn selector(self, exposure: Exposure) -> String {
        let ours = format!("{MANAGED_BY}={MANAGER}");
        // Whoever makes those of a Service that selects pods gives them the labels of
        // that, and leaves them behind when it selects none any more.
        if self == Self::EndpointSlice && exposure == Exposure::Dedicated {
            format!("{ours},{SLICES_MANAGED_BY}={MANAGER}")
        } else {
            ours
        }
    }

    /// As the API spells it.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::RoleBinding => "RoleBinding",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::Deployment => "Deployment",
        }
    }
}
