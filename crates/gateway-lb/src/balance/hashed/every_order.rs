//! Threads keep to the bound of the loads, in every order of theirs.

use std::collections::HashSet;
use std::sync::Arc;

use loom::thread;

use super::*;
use crate::percent::Percent;

fn hashed() -> Hashed {
    let bound = LoadBound::new(Percent::new(25));
    let address = |last| SocketAddr::from(([10, 0, 0, last], 80));
    let endpoints = (0..3).map(address).collect();
    Hashed::maglev(
        Maglev::new().with_slots(7).with_bound(bound),
        endpoints,
        None,
    )
}

#[test]
fn no_two_threads_take_the_last_place() {
    loom::model(|| {
        let hashed = Arc::new(hashed());
        let others = [1, 1].map(|key| {
            let hashed = Arc::clone(&hashed);
            thread::spawn(move || hashed.pick(key, &[true; 3], &[]).expect("an endpoint"))
        });
        let picks = others.map(|other| other.join().expect("no panic"));

        // Of two requests, no endpoint of three may have more than one.
        let places: HashSet<_> = picks.iter().map(|pick| pick.address()).collect();
        assert_eq!(places.len(), 2);

        drop(picks);
        let loads = hashed.loads.as_ref().expect("there is a bound");
        let bounds = loads.bounds(&hashed.endpoints, &[true; 3]);
        assert!((0..3).all(|index| bounds.has_room(index)));
    });
}
