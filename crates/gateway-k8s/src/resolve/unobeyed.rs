//! Kinds of objects that are read and not obeyed.

use super::memo::Step;
use crate::api::XBackendTrafficPolicy;
use crate::verdict::{Problem, Reason, Verdict, Verdicts};
use crate::world::{Change, Kind, ObjectRef};

/// Warns of every such object that changed. Only where nobody else could obey it: in
/// a cluster it may be another controller's.
pub(super) fn warn(step: Step<'_>, verdicts: &mut Verdicts) {
    warn_of::<XBackendTrafficPolicy>(step, verdicts);
}

fn warn_of<T: Kind>(step: Step<'_>, verdicts: &mut Verdicts) {
    for Change { before, now } in step.now.objects::<T>().changes(step.before.objects()) {
        if let Some(object) = now {
            let message = format!("objects of kind {} are not obeyed", T::kind(&()));
            let problem = Problem::new(Reason::UnsupportedValue, message);
            verdicts.put(Verdict::warning(object, problem));
        } else if let Some(gone) = before {
            verdicts.remove(&ObjectRef::of(&**gone));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::api::XBackendTrafficPolicy;
    use crate::resolve::{Settings, resolve};
    use crate::world::{ObjectRef, World};

    fn warnings(settings: &Settings) -> usize {
        let mut policy = XBackendTrafficPolicy::default();
        policy.metadata.namespace = Some("shop".to_owned());
        policy.metadata.name = Some("cart".to_owned());
        let object = ObjectRef::of(&policy);

        let resolved = resolve(&World::default().with(policy), settings);
        let verdict = resolved.verdicts.get(&object);
        verdict.map_or(0, |verdict| verdict.warnings.len())
    }

    #[test]
    fn a_policy_that_is_not_obeyed_is_told_so_in_a_folder() {
        assert_eq!(warnings(&Settings::folder()), 1);
    }

    #[test]
    fn in_a_cluster_it_may_be_somebody_elses() {
        assert_eq!(warnings(&Settings::cluster()), 0);
    }
}
