//! The routes of the world, each with what it means and where it is attached.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use gateway_core::model::BackendId;

use super::attach::{self, Attached};
use super::grants::Referrer;
use super::memo::{Held, Step};
use super::plans::Plans;
use super::route::{Converted, RouteObject};
use crate::api::{GrpcRoute, HttpRoute, TcpRoute, TlsRoute, UdpRoute};
use crate::sorted::{self, Sorted};
use crate::world::{Change, Loaded, ObjectRef};

/// Every route, by name.
#[derive(Debug, Default)]
pub(super) struct Placements {
    routes: Sorted<Placed>,
    /// The bits of the kinds that any of them has asked about.
    kinds: u64,
    worked: usize,
}

/// A route, and where it is attached.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    converted: Held<Converted>,
    attached: Held<Attached>,
}

/// What has become of a route that was looked at again: at least one is there.
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) object: ObjectRef,
    pub(super) before: Option<Arc<Attached>>,
    pub(super) now: Option<Arc<Attached>>,
}

impl Placements {
    /// Looks again at the routes that changed, or for which something else did.
    pub(super) fn update(&mut self, step: Step<'_>, plans: &Plans) -> Vec<Replaced> {
        self.worked = 0;
        let mut again = BTreeSet::new();
        changed::<HttpRoute>(step, &mut again);
        changed::<GrpcRoute>(step, &mut again);
        changed::<TlsRoute>(step, &mut again);
        changed::<TcpRoute>(step, &mut again);
        changed::<UdpRoute>(step, &mut again);

        if plans.have_changed() || self.kinds & step.touched.kinds != 0 {
            let stands = |placed: &&Placed| placed.stands(step, plans);
            let fallen = self.routes.iter().filter(|placed| !stands(placed));
            again.extend(fallen.map(|placed| placed.object().clone()));
        }
        let again = again.into_iter();
        again
            .map(|object| self.place(step, plans, object))
            .collect()
    }

    /// How many results the last update had to work out.
    pub(super) fn worked(&self) -> usize {
        self.worked
    }

    fn place(&mut self, step: Step<'_>, plans: &Plans, object: ObjectRef) -> Replaced {
        match &*object.kind {
            GrpcRoute::KIND => self.place_kind::<GrpcRoute>(step, plans, object),
            TlsRoute::KIND => self.place_kind::<TlsRoute>(step, plans, object),
            TcpRoute::KIND => self.place_kind::<TcpRoute>(step, plans, object),
            UdpRoute::KIND => self.place_kind::<UdpRoute>(step, plans, object),
            _ => self.place_kind::<HttpRoute>(step, plans, object),
        }
    }

    fn place_kind<T: RouteObject>(
        &mut self,
        step: Step<'_>,
        plans: &Plans,
        object: ObjectRef,
    ) -> Replaced {
        let known = self.routes.remove(|placed| placed.object().cmp(&object));
        let before = known
            .as_ref()
            .map(|known| Arc::clone(&known.attached.result));
        let (namespace, name) = (&*object.namespace, &*object.name);
        let now = step.now.objects::<T>().get(namespace, name).map(|loaded| {
            let is_same = |before: &Loaded<T>| before.same(loaded);
            let last = step.before.objects::<T>().get(namespace, name);
            let placed = self.placed(step, plans, loaded, known, last.is_some_and(is_same));
            self.kinds |= placed.converted.looks.kinds | placed.attached.looks.kinds;
            let attached = Arc::clone(&placed.attached.result);
            self.routes.insert(placed);
            attached
        });
        Replaced {
            object,
            before,
            now,
        }
    }

    fn placed<T: RouteObject>(
        &mut self,
        step: Step<'_>,
        plans: &Plans,
        loaded: &Loaded<T>,
        known: Option<Placed>,
        is_same: bool,
    ) -> Placed {
        let Step {
            settings, touched, ..
        } = step;
        let (converted, attached) = known.map(|one| (one.converted, one.attached)).unzip();

        let last = converted
            .as_ref()
            .map(|held: &Held<_>| Arc::clone(&held.result));
        let stands = |held: &Held<Converted>| is_same && held.looks.hold(touched);
        let converted = converted.filter(stands).unwrap_or_else(|| {
            self.worked += 1;
            Held::work(step, last.as_ref(), |view| {
                T::convert(view, settings, loaded)
            })
        });

        let last = attached
            .as_ref()
            .map(|held: &Held<_>| Arc::clone(&held.result));
        let stands = |held: &Held<Attached>| {
            is_same && held.looks.hold(touched) && held.result.stands(&converted.result, plans)
        };
        let attached = attached.filter(stands).unwrap_or_else(|| {
            self.worked += 1;
            Held::work(step, last.as_ref(), |view| {
                attach::attach(view, settings, loaded, &converted.result, plans)
            })
        });
        Placed {
            converted,
            attached,
        }
    }
}

/// The routes of one kind that changed.
fn changed<T: RouteObject>(step: Step<'_>, again: &mut BTreeSet<ObjectRef>) {
    let changes = step.now.objects::<T>().changes(step.before.objects());
    let changed = changes.filter_map(|Change { before, now }| now.or(before));

    again.extend(changed.map(|route| ObjectRef::of(&**route)));
}

impl Placed {
    fn object(&self) -> &ObjectRef {
        &self.converted.result.object
    }

    fn stands(&self, step: Step<'_>, plans: &Plans) -> bool {
        self.converted.looks.hold(step.touched)
            && self.attached.looks.hold(step.touched)
            && (!plans.have_changed() || self.attached.result.stands(&self.converted.result, plans))
    }
}

impl sorted::Entry for Placed {
    fn order(&self, other: &Self) -> Ordering {
        self.object().cmp(other.object())
    }

    fn is_same(&self, _: &Self) -> bool {
        false
    }
}

impl Replaced {
    /// The backends for which requests came through the route, and come now.
    pub(super) fn backends(&self) -> [impl Iterator<Item = &BackendId>; 2] {
        [&self.before, &self.now].map(|attached| {
            let served = attached.iter().filter(|attached| attached.is_served());
            served.flat_map(|attached| attached.backends())
        })
    }
}
