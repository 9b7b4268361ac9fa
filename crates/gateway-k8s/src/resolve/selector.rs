//! Label selectors, and which namespaces a listener admits.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::view::View;
use crate::api::{FromNamespaces, RouteNamespaces};

/// The namespaces whose routes may be attached. Complete.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Namespaces {
    Same,
    All,
    Selected(LabelSelector),
}

impl Namespaces {
    /// Reads `allowedRoutes.namespaces`.
    ///
    /// # Errors
    ///
    /// What is wrong, for a value that means nothing.
    pub(super) fn read(written: Option<&RouteNamespaces>) -> Result<Self, String> {
        let from = written.and_then(|written| written.from.as_ref());

        match from {
            None | Some(FromNamespaces::Same) => Ok(Self::Same),
            Some(FromNamespaces::All) => Ok(Self::All),
            Some(FromNamespaces::Selector) => {
                checked(written.and_then(|written| written.selector.clone()))
            }
            Some(FromNamespaces::Unknown(other)) => Err(format!("{other:?} selects no namespaces")),
        }
    }

    /// Whether routes of `namespace` are admitted by a listener in `own`.
    pub(super) fn admit(&self, view: &View<'_>, own: &str, namespace: &str) -> bool {
        match self {
            Self::Same => own == namespace,
            Self::All => true,
            Self::Selected(selector) => selects(selector, &labels(view, namespace)),
        }
    }
}

/// The namespaces that a selector selects.
///
/// # Errors
///
/// What is wrong, if there is none or it means nothing.
pub(super) fn checked(selector: Option<LabelSelector>) -> Result<Namespaces, String> {
    let selector = selector.ok_or("there is no selector")?;
    check(&selector)?;

    Ok(Namespaces::Selected(selector))
}

/// The labels of a namespace. Every namespace has its name as a label, even one
/// that no file describes.
fn labels(view: &View<'_>, namespace: &str) -> BTreeMap<String, String> {
    let object = view.get::<Namespace>("", namespace);
    let labels = object.and_then(|object| object.metadata.labels.clone());
    let mut labels = labels.unwrap_or_default();
    labels.insert(NAME_LABEL.to_owned(), namespace.to_owned());

    labels
}

fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let mut wanted = selector.match_labels.iter().flatten();
    let mut expressions = selector.match_expressions.iter().flatten();

    wanted.all(|(key, value)| labels.get(key) == Some(value))
        && expressions.all(|expression| holds(expression, labels))
}

fn holds(expression: &LabelSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&expression.key);
    let listed = || {
        let mut values = expression.values.iter().flatten();
        value.is_some_and(|value| values.any(|one| one == value))
    };

    match expression.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        // `check` has refused it.
        _ => false,
    }
}

fn check(selector: &LabelSelector) -> Result<(), String> {
    for expression in selector.match_expressions.iter().flatten() {
        let values = expression
            .values
            .as_ref()
            .is_some_and(|values| !values.is_empty());
        let operator = expression.operator.as_str();
        match (operator, values) {
            ("In" | "NotIn", true) | ("Exists" | "DoesNotExist", false) => {}
            ("In" | "NotIn", false) => return Err(format!("{operator} needs values")),
            ("Exists" | "DoesNotExist", true) => return Err(format!("{operator} takes no values")),
            _ => return Err(format!("{operator:?} is not an operator of a selector")),
        }
    }

    Ok(())
}

const NAME_LABEL: &str = "kubernetes.io/metadata.name";
