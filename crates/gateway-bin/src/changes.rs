//! What is different between two worlds, in words.

use std::collections::BTreeSet;

use gateway_k8s::world::{ObjectRef, World};

/// Names the objects that were added, changed and removed, or counts them where
/// they are many. Nothing, if there are none.
pub(crate) fn describe(before: &World, after: &World) -> Option<String> {
    let changes = after.changes(before);
    let parts = [
        part(&changes.added, "added"),
        part(&changes.changed, "changed"),
        part(&changes.removed, "removed"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn part(objects: &[ObjectRef], verb: &str) -> Option<String> {
    match objects {
        [] => None,
        few if few.len() <= NAMED => {
            let names: Vec<_> = few.iter().map(ObjectRef::to_string).collect();
            Some(format!("{} {verb}", listed(&names)))
        }
        many => {
            let kinds: BTreeSet<_> = many.iter().map(|object| &*object.kind).collect();
            let counts = kinds.into_iter().map(|kind| {
                let count = many.iter().filter(|object| object.kind == kind).count();
                format!("{count} {kind}{}", if count == 1 { "" } else { "s" })
            });
            Some(format!(
                "{} {verb}",
                counts.collect::<Vec<_>>().join(" and ")
            ))
        }
    }
}

/// As in `a, b and c`.
fn listed(words: &[String]) -> String {
    match words.split_last() {
        Some((last, words)) if !words.is_empty() => format!("{} and {last}", words.join(", ")),
        _ => words.concat(),
    }
}

/// How many objects are named rather than counted.
const NAMED: usize = 2;

#[cfg(test)]
mod tests {
    use gateway_k8s::api::{Gateway, HttpRoute};

    use super::*;

    fn route(name: &str) -> HttpRoute {
        let mut route = HttpRoute::default();
        route.metadata.namespace = Some("shop".to_owned());
        route.metadata.name = Some(name.to_owned());
        route
    }

    #[test]
    fn few_objects_are_named_and_many_are_counted() {
        let mut gateway = Gateway::default();
        gateway.metadata.namespace = Some("edge".to_owned());
        gateway.metadata.name = Some("web".to_owned());
        let before = World::default().with(route("old"));
        let mut after = World::default().with(gateway);
        for name in ["a", "b", "c"] {
            after.insert(route(name));
        }

        assert_eq!(
            describe(&before, &after).as_deref(),
            Some("1 Gateway and 3 HTTPRoutes added; HTTPRoute shop/old removed")
        );
        assert_eq!(describe(&after, &after), None);
    }

    #[test]
    fn an_object_that_is_another_allocation_has_changed() {
        let before = World::default().with(route("a"));
        let after = World::default().with(route("a"));

        let described = describe(&before, &after);
        assert_eq!(described.as_deref(), Some("HTTPRoute shop/a changed"));
    }
}
