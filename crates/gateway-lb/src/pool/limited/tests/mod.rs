//! Gates without sockets.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;

use self::fake::Fake;
use super::{Admission, Gate, Place, Turn, Waiting};
use crate::connections::{ConnectionLimit, ConnectionSettings};
use crate::pool::codec::BoxHttp1Connection;
use crate::pool::connections::Connections;
use crate::pool::destination::Destination;
use crate::pool::error::{Overload, UpstreamError, UpstreamErrorKind};

#[cfg(every_order)]
mod every_order;
mod fake;

const LONG: Duration = Duration::from_secs(60);

type TestGate = Arc<Gate<()>>;

fn gate(connections: usize, pending: usize) -> (TestGate, Destination) {
    let connections = NonZeroUsize::new(connections).expect("some");
    let limit = ConnectionLimit::new(connections)
        .with_max_pending(pending)
        .with_max_wait(LONG);
    let connections = Connections::new(ConnectionSettings::new().with_limit(limit));
    let address = SocketAddr::from(([127, 0, 0, 1], 80));
    let destination = Destination::from(address).with_connections(connections.clone());
    (Gate::new(&connections, limit), destination)
}

fn open(place: Place, destination: &Destination) -> BoxHttp1Connection<()> {
    Box::new(Fake {
        destination: destination.clone(),
        place: Some(place),
        since: Instant::now(),
    })
}

fn ask(gate: &TestGate, destination: &Destination) -> Result<Admission<()>, Overload> {
    gate.ask(destination, LONG)
}

fn place(gate: &TestGate, destination: &Destination) -> Place {
    match ask(gate, destination) {
        Ok(Admission::Open(place)) => place,
        Ok(Admission::Idle(_) | Admission::Later(_)) | Err(_) => panic!("a place is free"),
    }
}

fn wait(gate: &TestGate, destination: &Destination) -> Box<Waiting<()>> {
    match ask(gate, destination) {
        Ok(Admission::Later(waiting)) => waiting,
        Ok(Admission::Idle(_) | Admission::Open(_)) | Err(_) => panic!("all places are taken"),
    }
}

/// Whose turn has come, if it has.
fn turn(waiting: &mut Waiting<()>) -> Option<Result<Turn<()>, UpstreamError>> {
    poll_fn(|cx| waiting.poll(cx)).now_or_never()
}

#[tokio::test(start_paused = true)]
async fn connection_that_is_free_again_goes_to_the_first_who_waits() {
    let (gate, to) = gate(1, 2);
    let connection = open(place(&gate, &to), &to);
    let (mut first, mut second) = (wait(&gate, &to), wait(&gate, &to));

    gate.check_in(connection, 8);

    assert!(turn(&mut second).is_none());
    let Some(Ok(Turn::Use(connection))) = turn(&mut first) else {
        panic!("the first has it");
    };
    drop(connection);
    assert!(matches!(turn(&mut second), Some(Ok(Turn::Open(_)))));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_to_somebody_who_has_gone_goes_to_the_next() {
    let (gate, to) = gate(1, 3);
    let held = place(&gate, &to);
    let (first, second) = (wait(&gate, &to), wait(&gate, &to));
    let mut third = wait(&gate, &to);

    drop(second);
    drop(held);
    // It has its turn, and has not looked.
    drop(first);

    assert!(matches!(turn(&mut third), Some(Ok(Turn::Open(_)))));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_makes_room_in_the_queue() {
    let (gate, to) = gate(1, 1);
    let _held = place(&gate, &to);
    let waiting = wait(&gate, &to);
    assert_eq!(ask(&gate, &to).err(), Some(Overload::Full));

    drop(waiting);

    drop(wait(&gate, &to));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_they_may() {
    let (gate, to) = gate(1, 1);
    let held = place(&gate, &to);
    let mut waiting = wait(&gate, &to);
    let started = Instant::now();

    let turn = poll_fn(|cx| waiting.poll(cx)).await;

    let error = turn.err().expect("too late");
    assert_eq!(error.kind(), UpstreamErrorKind::Overloaded);
    assert!(error.is_unsent());
    assert!(started.elapsed() >= LONG);
    drop((waiting, held));
    assert!(gate.is_unused());
}

#[tokio::test(start_paused = true)]
async fn connection_to_somewhere_else_makes_room() {
    let (gate, to) = gate(1, 0);
    let elsewhere = to.clone().with_opening(*b"PROXY");
    gate.check_in(open(place(&gate, &to), &to), 8);

    // For whom the idle one is of no use.
    let place = place(&gate, &elsewhere);

    assert_eq!(gate.idle(), 0);
    assert!(ask(&gate, &to).is_err());
    drop(place);
    assert!(gate.is_unused());
}

#[tokio::test(start_paused = true)]
async fn connections_that_were_idle_for_too_long_are_not_used() {
    let (gate, to) = gate(2, 0);
    gate.check_in(open(place(&gate, &to), &to), 8);
    tokio::time::advance(2 * LONG).await;

    assert!(matches!(ask(&gate, &to), Ok(Admission::Open(_))));
    assert!(gate.is_unused());
}

#[tokio::test(start_paused = true)]
async fn sweep_makes_room() {
    let (gate, to) = gate(1, 0);
    gate.check_in(open(place(&gate, &to), &to), 8);

    gate.sweep(Instant::now(), LONG);
    assert_eq!(gate.idle(), 1);
    gate.sweep(Instant::now() + 2 * LONG, LONG);

    assert!(gate.is_unused());
}

#[tokio::test(start_paused = true)]
async fn connections_beyond_those_that_may_be_idle_close() {
    let (gate, to) = gate(2, 0);
    let connections = [place(&gate, &to), place(&gate, &to)].map(|place| open(place, &to));

    for connection in connections {
        gate.check_in(connection, 1);
    }

    assert_eq!(gate.idle(), 1);
    assert!(gate.spare_place().is_some());
}

#[test]
fn every_runtime_may_keep_as_many() {
    let (gate, to) = gate(6, 0);
    let connections: Vec<_> = (0..6).map(|_| open(place(&gate, &to), &to)).collect();
    let runtime = || tokio::runtime::Builder::new_current_thread().build();
    let runtimes = [runtime(), runtime()].map(|made| made.expect("a runtime"));

    for (number, connection) in connections.into_iter().enumerate() {
        let _entered = runtimes[number % 2].enter();
        gate.check_in(connection, 2);
    }

    assert_eq!(gate.idle(), 4);
    for runtime in &runtimes {
        let _entered = runtime.enter();
        assert_eq!(gate.idle_to(&to), 2);
    }
}

/// Somebody in the model.
enum Party {
    Dials(Place),
    Uses(BoxHttp1Connection<()>),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask,
    AskElsewhere,
    /// One who waits looks whether its turn has come.
    Look(usize),
    /// One who waits gives up.
    Leave(usize),
    /// A dial ends, well or not; a use ends, or the connection breaks.
    End(usize, bool),
    Warm,
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Ask),
        1 => Just(Step::AskElsewhere),
        3 => (0..8_usize).prop_map(Step::Look),
        2 => (0..8_usize).prop_map(Step::Leave),
        4 => (0..8_usize, any::<bool>()).prop_map(|(who, well)| Step::End(who, well)),
        1 => Just(Step::Warm),
        1 => Just(Step::Sweep),
    ];
    vec(step, 0..120)
}

/// Who has what, besides the gate.
struct Model {
    gate: TestGate,
    to: [Destination; 2],
    max: usize,
    active: Vec<(usize, Party)>,
    waiting: VecDeque<(usize, Box<Waiting<()>>)>,
}

impl Model {
    fn act(&mut self, step: Step) {
        match step {
            Step::Ask => self.ask(0),
            Step::AskElsewhere => self.ask(1),
            Step::Look(who) if who < self.waiting.len() => self.look(who),
            Step::Leave(who) if who < self.waiting.len() => drop(self.waiting.remove(who)),
            Step::End(who, well) if who < self.active.len() => self.end(who, well),
            Step::Warm => {
                let place = self.gate.spare_place().map(Party::Dials);
                self.active.extend(place.map(|place| (0, place)));
            }
            Step::Sweep => self.gate.sweep(Instant::now(), Duration::ZERO),
            Step::Look(_) | Step::Leave(_) | Step::End(..) => {}
        }
    }

    fn ask(&mut self, to: usize) {
        match self.gate.ask(&self.to[to], LONG) {
            Ok(Admission::Idle(connection)) => {
                assert!(*connection.destination() == self.to[to]);
                self.active.push((to, Party::Uses(connection)));
            }
            Ok(Admission::Open(place)) => self.active.push((to, Party::Dials(place))),
            Ok(Admission::Later(waiting)) => self.waiting.push_back((to, waiting)),
            Err(_) => assert!(self.gate.lock().queue.len() >= 4),
        }
    }

    fn look(&mut self, who: usize) {
        let (to, waiting) = &mut self.waiting[who];
        let to = *to;
        let party = match turn(waiting) {
            None => return,
            Some(Ok(Turn::Open(place))) => Party::Dials(place),
            Some(Ok(Turn::Use(connection))) => {
                assert!(*connection.destination() == self.to[to]);
                Party::Uses(connection)
            }
            Some(Ok(Turn::Share(..)) | Err(_)) => panic!("nobody shares, and no time has passed"),
        };
        self.active.push((to, party));
        drop(self.waiting.remove(who));
    }

    fn end(&mut self, who: usize, well: bool) {
        let (to, party) = self.active.swap_remove(who);
        match party {
            Party::Dials(place) if well => {
                let connection = open(place, &self.to[to]);
                self.active.push((to, Party::Uses(connection)));
            }
            Party::Uses(connection) if well => self.gate.check_in(connection, 2),
            Party::Dials(_) | Party::Uses(_) => {}
        }
    }

    /// What holds at every moment.
    fn check(&self) {
        let state = self.gate.lock();
        assert!(state.taken <= self.max);
        assert!(self.active.len() + state.idle.len() <= state.taken);
        let still = state.queue.len();
        assert!(still <= self.waiting.len());
        if still > 0 {
            assert_eq!(state.taken, self.max, "a place is free and somebody waits");
            assert!(
                state.idle.is_empty(),
                "a connection is idle and somebody waits"
            );
        }
        // Whoever has a turn came before all who have none.
        let given = self.waiting.len() - still;
        assert_eq!(self.active.len() + state.idle.len() + given, state.taken);
    }

    /// All who wait get their turn, in their order, if others come to an end.
    fn finish(mut self) {
        while !self.waiting.is_empty() {
            while !self.active.is_empty() {
                self.end(0, false);
            }
            let before = self.waiting.len();
            self.look(0);
            assert!(
                self.waiting.len() < before,
                "the first in the queue is forgotten"
            );
        }
        self.active.clear();
        self.gate.sweep(Instant::now() + 2 * LONG, LONG);
        assert!(self.gate.is_unused());
    }
}

proptest! {
    /// In whatever order requests come, leave, end and fail: there are never more connections
    /// than may be, nothing is free while somebody waits, and nobody who waits is forgotten.
    #[test]
    fn limit_holds_and_nobody_is_forgotten(max in 1..4_usize, steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (gate, to) = gate(max, 4);
            let elsewhere = to.clone().with_opening(*b"PROXY");
            let mut model = Model {
                gate,
                to: [to, elsewhere],
                max,
                active: Vec::new(),
                waiting: VecDeque::new(),
            };
            for step in steps {
                model.act(step);
                model.check();
            }
            model.finish();
        });
    }
}
