//! What mirrors read of the main body.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http::Request;
use http_body::Body as _;
use http_body_util::BodyExt;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio_test::{assert_pending, assert_ready, task};

use super::super::*;
use crate::script::{Script, Step, contents, data, read, run, scripts, trailers};

type Main = TeeBody<Script>;

/// The main body and one mirror's, for which at most `limit` bytes are queued.
fn tee(script: Script, limit: usize) -> (Main, MirrorBody) {
    let (main, mut copies) = split(Request::new(script), [limit]);
    (main.into_body(), copies.remove(0).into_body())
}

/// The next frame of a mirror's body, if it is there.
fn now(body: &mut MirrorBody) -> Option<Option<Result<Bytes, crate::BoxError>>> {
    let mut next = task::spawn(poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)));
    match next.poll() {
        std::task::Poll::Pending => None,
        std::task::Poll::Ready(frame) => {
            Some(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
        }
    }
}

proptest! {
    /// The main backend and each mirror read the original: every byte, and the trailers.
    #[test]
    fn every_copy_is_the_original(steps in scripts(), mirrors in 0..4_usize, foretold: bool) {
        let expected = contents(&steps);
        let mut body = Script::new(steps);
        if foretold {
            body = body.foretold();
        }

        let (main, copies) = split(Request::new(body), vec![usize::MAX; mirrors]);

        prop_assert_eq!(copies.len(), mirrors);
        prop_assert_eq!(run(read(main.into_body())).expect("no error"), expected.clone());
        for copy in copies {
            prop_assert_eq!(run(read(copy.into_body())).expect("no error"), expected.clone());
        }
    }

    /// However slow a mirror is, the main body is the original, the mirror's is a part of it
    /// from the start, and no more than the limit waits; it is whole or ends in an error.
    #[test]
    fn slow_mirror_is_cut_off(
        steps in scripts(),
        limit in 0..2_000_usize,
        reads in vec(0..4_usize, 60),
    ) {
        let expected = contents(&steps).0;
        let (mut main, mut mirror) = tee(Script::new(steps), limit);
        let (mut sent, mut seen, mut failed) = (Vec::new(), Vec::new(), false);

        run(async {
            for reads in reads {
                match main.frame().await {
                    Some(frame) => {
                        let frame = frame.expect("no error");
                        sent.extend_from_slice(&frame.into_data().unwrap_or_default());
                    }
                    None => break,
                }
                for _ in 0..reads {
                    match now(&mut mirror) {
                        Some(Some(Ok(data))) => seen.extend_from_slice(&data),
                        Some(Some(Err(error))) => {
                            assert!(error.is::<MirrorFellBehind>());
                            failed = true;
                        }
                        Some(None) | None => break,
                    }
                }
            }
        });
        drop(main);
        let mut queued = 0;
        while let Some(Some(next)) = now(&mut mirror) {
            match next {
                Ok(data) => {
                    queued += data.len();
                    seen.extend_from_slice(&data);
                }
                Err(_) => failed = true,
            }
        }

        prop_assert_eq!(&sent, &expected);
        prop_assert!(queued <= limit);
        prop_assert!(expected.starts_with(&seen));
        prop_assert_eq!(seen == expected, !failed);
    }

    /// A mirror is told the number of bytes that it will get.
    #[test]
    fn size_is_that_of_what_comes(steps in scripts(), before in 0..40_usize) {
        let (main, mut mirror) = tee(Script::new(steps).sized(), usize::MAX);

        let announced_and_came = run(async {
            read(main).await.expect("no error");
            for _ in 0..before {
                mirror.frame().await;
            }
            let announced = mirror.size_hint().exact();
            (announced, read(mirror).await.expect("no error").0.len() as u64)
        });

        prop_assert_eq!(announced_and_came.0, Some(announced_and_came.1));
    }
}

#[test]
fn without_mirrors_the_body_is_the_inner_one() {
    let (main, copies) = split(Request::new(Script::data(["x"])), []);

    assert!(copies.is_empty());
    assert!(main.into_body().try_into_inner().is_ok());
}

#[test]
fn empty_body_needs_no_queue() {
    let (main, mirror) = tee(Script::default().foretold(), 0);

    assert!(main.try_into_inner().is_ok());
    assert!(mirror.is_end_stream());
    assert_eq!(mirror.size_hint().exact(), Some(0));
}

#[tokio::test]
async fn frames_pass_as_the_main_backend_reads_them() {
    let (mut main, mut mirror) = tee(Script::data(["one", "two"]), 1024);
    assert!(now(&mut mirror).is_none());

    main.frame().await.expect("a frame").expect("no error");

    assert_eq!(
        now(&mut mirror)
            .expect("there")
            .expect("a frame")
            .expect("no error"),
        "one"
    );
    assert!(now(&mut mirror).is_none());
}

#[tokio::test]
async fn waiting_mirror_is_woken() {
    let (mut main, mut mirror) = tee(Script::data(["one"]), 1024);
    let mut next = task::spawn(poll_fn(move |cx| Pin::new(&mut mirror).poll_frame(cx)));
    assert_pending!(next.poll());

    main.frame().await.expect("a frame").expect("no error");

    assert!(next.is_woken());
    assert!(assert_ready!(next.poll()).is_some());
}

#[tokio::test]
async fn mirror_sees_an_abandoned_body_end_in_an_error() {
    let (mut main, mirror) = tee(Script::data(["one", "two"]), 1024);
    main.frame().await.expect("a frame").expect("no error");

    drop(main);

    let mut mirror = mirror;
    assert_eq!(
        now(&mut mirror)
            .expect("there")
            .expect("a frame")
            .expect("sent"),
        "one"
    );
    let error = now(&mut mirror)
        .expect("there")
        .expect("no end")
        .expect_err("aborted");
    assert!(error.is::<MirroredBodyAborted>());
    assert!(now(&mut mirror).expect("there").is_none());
}

#[tokio::test]
async fn mirror_sees_a_failed_body_end_in_an_error() {
    // That all bytes came does not make a body whole whose trailers failed.
    let (mut main, mirror) = tee(Script::new([data("all"), Step::Error]).sized(), 1024);
    main.frame().await.expect("a frame").expect("no error");

    let failed = main.frame().await.expect("a frame");

    assert!(failed.is_err());
    assert!(
        read(mirror)
            .await
            .expect_err("aborted")
            .is::<MirroredBodyAborted>()
    );
    drop(main);
}

#[tokio::test]
async fn body_dropped_at_a_foretold_end_is_whole() {
    let (mut main, mirror) = tee(Script::data(["all"]).foretold(), 1024);
    main.frame().await.expect("a frame").expect("no error");

    drop(main);

    assert_eq!(read(mirror).await.expect("whole").0, b"all");
}

/// A connection that announced the length asks for nothing after the last byte.
#[tokio::test]
async fn body_dropped_after_its_last_byte_is_whole() {
    let body = Script::new([data("all"), Step::Trailers(trailers())]).sized();
    let (mut main, mirror) = tee(body, 1024);
    main.frame().await.expect("a frame").expect("no error");

    drop(main);

    assert_eq!(read(mirror).await.expect("whole"), (b"all".to_vec(), None));
}

#[tokio::test]
async fn dropped_mirror_holds_nothing() {
    let chunk = Bytes::from(vec![7; 4096]);
    let steps = [
        Step::Data(chunk.clone()),
        Step::Data(chunk.clone()),
        data("last"),
    ];
    let (mut main, mirror) = tee(Script::new(steps), usize::MAX);
    main.frame().await.expect("a frame").expect("no error");

    drop(mirror);
    main.frame().await.expect("a frame").expect("no error");

    assert!(chunk.is_unique());
    assert_eq!(read(main).await.expect("no error").0, b"last");
}

#[tokio::test]
async fn mirror_that_was_cut_off_holds_nothing() {
    let chunk = Bytes::from(vec![7; 100]);
    let steps = [
        Step::Data(chunk.clone()),
        Step::Data(chunk.clone()),
        Step::Data(chunk.clone()),
    ];
    let (main, mut mirror) = tee(Script::new(steps), 250);

    read(main).await.expect("no error");

    assert!(chunk.is_unique());
    let error = now(&mut mirror)
        .expect("there")
        .expect("no end")
        .expect_err("cut off");
    assert_eq!(error.downcast_ref(), Some(&MirrorFellBehind { limit: 250 }));
}
