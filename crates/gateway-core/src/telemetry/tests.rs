use std::sync::Arc;

use http::StatusCode;
use proptest::prelude::*;

use super::port::{PortCells, WorkerCells};
use super::registry::Registry;
use super::{Counting, ListenerMetrics, ListenerSeries};
use crate::Failure;
use crate::model::{Configuration, Gateway, Listener};

fn registry(workers: usize) -> Registry {
    Registry::new(
        (0..workers)
            .map(WorkerCells::new)
            .map(Arc::new)
            .collect::<Vec<_>>(),
    )
}

fn configuration(listeners: &[&Arc<Listener>]) -> Configuration {
    let gateway = listeners
        .iter()
        .fold(Gateway::new("edge/web"), |gateway, listener| {
            gateway.with_listener(Arc::clone(listener))
        });

    Configuration::new().with_gateway(gateway)
}

fn listener(name: &str) -> Arc<Listener> {
    Arc::new(Listener::http(name, 80))
}

fn counting<'a>(port: &'a PortCells, listeners: &'a [Arc<ListenerSeries>]) -> Counting<'a> {
    Counting {
        port,
        listeners,
        own_tasks: false,
    }
}

fn named<'a>(metrics: &'a [ListenerMetrics], name: &str) -> &'a ListenerMetrics {
    let mut metrics = metrics.iter();
    metrics
        .find(|metrics| metrics.listener.as_str() == name)
        .expect("is configured")
}

#[test]
fn request_is_in_flight_until_its_guard_is_dropped() {
    let (mut registry, web) = (registry(1), listener("web"));
    registry.follow(&configuration(&[&web]));
    let (port, series) = (registry.port(), registry.series(&[web]));

    let mut request = counting(&port[0], &series).begin(Some(0));
    assert_eq!(registry.listeners()[0].requests.in_flight, 1);
    request.answered(StatusCode::NOT_FOUND, Some(Failure::NO_ROUTE));
    drop(request);

    let requests = &registry.listeners()[0].requests;
    assert_eq!((requests.in_flight, requests.abandoned), (0, 0));
    assert_eq!(requests.responses.by_class().nth(3), Some((4, 1)));
    assert_eq!(requests.responses.total(), 1);
    let failures = requests.failures.iter().filter(|(_, count)| *count > 0);
    assert_eq!(failures.collect::<Vec<_>>(), [&("no_route", 1)]);
}

#[test]
fn request_without_a_response_was_abandoned() {
    let port = registry(1).port();

    drop(counting(&port[0], &[]).begin(None));

    let sum = PortCells::sum(&port);
    assert_eq!(sum.unclaimed.abandoned, 1);
    assert_eq!(sum.unclaimed.responses.total(), 0);
}

#[test]
fn panic_of_a_request_with_its_own_task_is_counted_and_no_other() {
    let registry = registry(1);
    let port = registry.port();
    for own_tasks in [true, false] {
        let panicked = std::panic::catch_unwind(|| {
            let counting = Counting {
                own_tasks,
                ..counting(&port[0], &[])
            };
            let _request = counting.begin(None);
            panic!("of a layer");
        });
        assert!(panicked.is_err());
    }

    assert_eq!(registry.panics(), 1);
}

#[test]
fn listener_that_stays_keeps_its_counts_and_others_are_forgotten() {
    let (mut registry, web, api) = (registry(1), listener("web"), listener("api"));
    registry.follow(&configuration(&[&web, &api]));
    let (port, series) = (registry.port(), registry.series(&[web, api]));
    for place in [0, 1, 1] {
        let mut request = counting(&port[0], &series).begin(Some(place));
        request.answered(StatusCode::OK, None);
    }

    // The same listener, read anew.
    let anew = listener("api");
    registry.follow(&configuration(&[&anew]));

    let metrics = registry.listeners();
    assert_eq!(metrics.len(), 1);
    assert_eq!(named(&metrics, "api").requests.responses.total(), 2);
    assert_eq!(registry.series(&[anew]).len(), 1);
}

proptest! {
    /// Whatever workers count and wherever, the sum is what was counted, and every
    /// request is counted once.
    #[test]
    fn nothing_is_lost_between_workers(
        requests in prop::collection::vec((0..4usize, prop::option::of(0..3usize), 0..700u16), 0..60),
    ) {
        let listeners = ["a", "b", "c"].map(listener);
        let mut registry = registry(4);
        registry.follow(&configuration(&listeners.each_ref()));
        let (port, series) = (registry.port(), registry.series(&listeners));
        std::thread::scope(|scope| {
            for (worker, cells) in port.iter().enumerate() {
                let mine = requests.iter().filter(move |(of, _, _)| *of == worker);
                let series = &series;
                scope.spawn(move || for (_, place, status) in mine {
                    let mut request = counting(cells, series).begin(*place);
                    if let Ok(status) = StatusCode::from_u16(*status) {
                        request.answered(status, None);
                    }
                });
            }
        });

        let metrics = registry.listeners();
        for (place, name) in ["a", "b", "c"].into_iter().enumerate() {
            let mine = requests.iter().filter(|(_, at, _)| *at == Some(place));
            let counted = &named(&metrics, name).requests;
            for (class, count) in counted.responses.by_class() {
                let expected = mine.clone().filter(|(_, _, status)| status / 100 == class);
                prop_assert_eq!(count, expected.count() as u64);
            }
            let abandoned = mine.filter(|(_, _, status)| *status < 100).count() as u64;
            prop_assert_eq!(counted.abandoned, abandoned);
            prop_assert_eq!(counted.in_flight, 0);
        }
        let sum = PortCells::sum(&port);
        let unclaimed = sum.unclaimed.responses.total() + sum.unclaimed.abandoned;
        let beyond = requests.iter().filter(|(_, at, status)| at.is_none() && *status >= 600);
        let of_none = requests.iter().filter(|(_, at, _)| at.is_none()).count() as u64;
        prop_assert_eq!(unclaimed + beyond.count() as u64, of_none);
    }
}
