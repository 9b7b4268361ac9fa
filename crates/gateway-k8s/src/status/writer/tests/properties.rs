//! What is true whatever happens.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::super::double::Fate;
use super::{OURS, Rig, ms, secs, slow};
use crate::api::HttpRoute;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8,
        ..ProptestConfig::default()
    })]

    /// Whatever becomes of calls, and in whatever order things happen: in the end every
    /// object says what it should, and nobody's entry is lost.
    #[test]
    fn everything_is_written_in_the_end(
        fates in proptest::collection::vec((0_u64..300, 0_usize..9), 1..60),
        acts in proptest::collection::vec((0_usize..4, 0_u32..5, 0_u64..400), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(everything_is_written(fates, acts));
    }
}

async fn everything_is_written(fates: Vec<(u64, usize)>, acts: Vec<(usize, u32, u64)>) {
    let mut rig = Rig::leading();
    let names = ["a", "b", "c", "d"];
    let paths = names.map(|name| rig.object::<HttpRoute>(name));
    let mut fates = fates.into_iter();
    rig.server.script(move |_, _| {
        let Some((millis, fate)) = fates.next() else {
            return Fate::default();
        };
        let status = [
            None,
            None,
            None,
            None,
            Some(409),
            Some(500),
            Some(429),
            Some(422),
            None,
        ];
        Fate {
            status: status[fate],
            is_lost: fate == 8,
            ..slow(millis)
        }
    });
    let mut last = [None; 4];
    let mut theirs = [None; 4];

    for (generation, (object, act, wait)) in acts.into_iter().enumerate() {
        let generation = i64::try_from(generation).unwrap();
        match act {
            0 | 1 => {
                rig.accept(names[object], generation, "fine");
                last[object] = Some(generation);
            }
            2 => {
                let mut value = rig.server.get(&paths[object]).unwrap();
                let parents = value["status"]["parents"].take();
                let mut parents = parents.as_array().cloned().unwrap_or_default();
                parents.retain(|one| one["controllerName"] == OURS);
                parents.push(json!({ "controllerName": "theirs", "number": generation }));
                value["status"] = json!({ "parents": parents });
                rig.server.put(&paths[object], value);
                theirs[object] = Some(generation);
            }
            3 => rig.writer.lead(wait % 3 != 0),
            _ => rig.look(),
        }
        sleep(ms(wait)).await;
    }
    rig.writer.lead(true);
    rig.pass(secs(3_600), secs(5)).await;

    for object in 0..4 {
        let parents = rig.parents(&paths[object]);
        let empty = Vec::new();
        let parents = parents.as_array().unwrap_or(&empty);
        let of = |ours: bool| {
            parents
                .iter()
                .find(|one| (one["controllerName"] == OURS) == ours)
        };
        let ours = of(true).map(|one| one["conditions"][0]["observedGeneration"].clone());
        assert_eq!(ours, last[object].map(Value::from));
        assert_eq!(
            of(false).map(|one| one["number"].clone()),
            theirs[object].map(Value::from)
        );
    }
    assert!(rig.server.most_calls().1 <= 1);
    assert_eq!(rig.writer.metrics().pending, 0);
}
