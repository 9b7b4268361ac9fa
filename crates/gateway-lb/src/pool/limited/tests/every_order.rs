//! Threads share a limit, in every order of theirs.

use loom::thread;

use super::*;

/// Tries every order, within a runtime for the patience of those who wait.
fn model(check: impl Fn() + Send + Sync + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let _within = runtime.enter();
    loom::model(check);
}

/// Asks on another thread.
fn asks(gate: &TestGate, to: &Destination) -> thread::JoinHandle<Result<Admission<()>, Overload>> {
    let (gate, to) = (Arc::clone(gate), to.clone());
    thread::spawn(move || ask(&gate, &to))
}

/// Drops it on another thread.
fn drops<T: Send + 'static>(something: T) -> thread::JoinHandle<()> {
    thread::spawn(move || drop(something))
}

/// Gives it back on another thread.
fn check_in(gate: &TestGate, connection: BoxHttp1Connection<()>) -> thread::JoinHandle<()> {
    let gate = Arc::clone(gate);
    thread::spawn(move || gate.check_in(connection, 8))
}

#[test]
fn limits_of_places_and_of_the_queue_are_exact() {
    model(|| {
        let (gate, to) = gate(1, 1);
        let others = [asks(&gate, &to), asks(&gate, &to)];
        let mut found = vec![ask(&gate, &to)];
        found.extend(others.map(|other| other.join().expect("no panic")));

        let count = |is: fn(&Result<Admission<()>, Overload>) -> bool| {
            found.iter().filter(|found| is(found)).count()
        };
        assert_eq!(count(|found| matches!(found, Ok(Admission::Open(_)))), 1);
        assert_eq!(count(|found| matches!(found, Ok(Admission::Later(_)))), 1);
        assert_eq!(count(|found| matches!(found, Err(Overload::Full))), 1);
        drop(found);
        assert!(gate.is_unused());
    });
}

#[test]
fn place_that_comes_back_is_had_by_who_asks() {
    model(|| {
        let (gate, to) = gate(1, 1);
        let back = drops(place(&gate, &to));
        let found = ask(&gate, &to);
        back.join().expect("no panic");

        match found {
            Ok(Admission::Open(place)) => drop(place),
            Ok(Admission::Later(mut waiting)) => {
                assert!(matches!(turn(&mut waiting), Some(Ok(Turn::Open(_)))));
            }
            Ok(Admission::Idle(_)) | Err(_) => panic!("there is a place, or will be"),
        }
        assert!(gate.is_unused());
    });
}

#[test]
fn connection_that_comes_back_is_had_by_who_asks() {
    model(|| {
        let (gate, to) = gate(1, 1);
        let back = check_in(&gate, open(place(&gate, &to), &to));
        let found = ask(&gate, &to);
        back.join().expect("no panic");

        match found {
            Ok(Admission::Idle(connection)) => drop(connection),
            Ok(Admission::Later(mut waiting)) => {
                assert!(matches!(turn(&mut waiting), Some(Ok(Turn::Use(_)))));
            }
            Ok(Admission::Open(_)) | Err(_) => panic!("there is one connection"),
        }
        assert!(gate.is_unused());
    });
}

#[test]
fn turn_of_who_leaves_meanwhile_goes_to_the_next() {
    model(|| {
        let (gate, to) = gate(1, 2);
        let held = place(&gate, &to);
        let (first, mut second) = (wait(&gate, &to), wait(&gate, &to));
        let others = [drops(held), drops(first)];
        for other in others {
            other.join().expect("no panic");
        }

        assert!(matches!(turn(&mut second), Some(Ok(Turn::Open(_)))));
        drop(second);
        assert!(gate.is_unused());
    });
}

#[test]
fn sweep_takes_nothing_from_who_waits() {
    model(|| {
        let (gate, to) = gate(1, 1);
        let back = check_in(&gate, open(place(&gate, &to), &to));
        let sweeps = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || gate.sweep(Instant::now() + 2 * LONG, LONG))
        };
        let found = ask(&gate, &to);
        for other in [back, sweeps] {
            other.join().expect("no panic");
        }

        if let Ok(Admission::Later(mut waiting)) = found {
            let turn = turn(&mut waiting);
            assert!(matches!(turn, Some(Ok(Turn::Open(_) | Turn::Use(_)))));
        } else {
            assert!(matches!(found, Ok(Admission::Idle(_) | Admission::Open(_))));
            drop(found);
        }
        gate.sweep(Instant::now() + 2 * LONG, LONG);
        assert!(gate.is_unused());
    });
}
