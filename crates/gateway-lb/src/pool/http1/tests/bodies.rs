//! Finding the end of a body.

use bytes::BytesMut;
use http::HeaderMap;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use crate::pool::http1::body::{COPIED, Decoder, InvalidBody, Length};
use crate::pool::http1::chunked::InvalidChunk;

#[derive(Debug, Default, Eq, PartialEq)]
struct Decoded {
    data: Vec<u8>,
    trailers: Option<HeaderMap>,
    is_done: bool,
    behind: Vec<u8>,
}

/// Decodes what comes in `pieces`, each of which finds the rest of those before.
fn decode<'a>(
    length: Length,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Decoded, InvalidBody> {
    let mut decoder = Decoder::new(length, 1024);
    let mut buffer = BytesMut::new();
    let mut decoded = Decoded::default();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(frame) = decoder.next_frame(&mut buffer)? {
            match frame.into_data() {
                Ok(data) => {
                    assert!(!data.is_empty(), "frames have something in them");
                    decoded.data.extend_from_slice(&data);
                }
                Err(frame) => decoded.trailers = frame.into_trailers().ok(),
            }
        }
        assert!(decoder.is_done() || buffer.is_empty(), "all of it is used");
    }
    decoded.is_done = decoder.is_done();
    decoded.behind = buffer.to_vec();
    Ok(decoded)
}

fn chunked(text: &str) -> Result<Decoded, InvalidBody> {
    decode(Length::Chunked, [text.as_bytes()])
}

#[test]
fn chunks_and_trailers_are_found() {
    let decoded = chunked("3\r\none\r\nA;x=\"y\"\r\ntwotwotwo!\r\n0\r\nx-sum: 13\r\n\r\nmore");

    let decoded = decoded.expect("valid");
    assert_eq!(decoded.data, b"onetwotwotwo!");
    assert_eq!(decoded.trailers.expect("trailers")["x-sum"], "13");
    assert_eq!(decoded.behind, b"more");
    assert!(decoded.is_done);
}

#[test]
fn sizes_that_can_be_read_in_two_ways_are_refused() {
    let broken = [
        ("\r\n", InvalidChunk::Size),
        ("x\r\n", InvalidChunk::Size),
        ("+3\r\none\r\n", InvalidChunk::Size),
        ("-0\r\n", InvalidChunk::Size),
        (" 3\r\none\r\n", InvalidChunk::Size),
        ("0x3\r\none\r\n", InvalidChunk::Size),
        ("3 3\r\none\r\n", InvalidChunk::Size),
        ("3\none\r\n", InvalidChunk::Size),
        ("10000000000000000\r\n", InvalidChunk::Size),
        ("3;x\none\r\n", InvalidChunk::LineEnd),
        ("3\rone\r\n", InvalidChunk::LineEnd),
        ("3;x\rone\r\n", InvalidChunk::LineEnd),
        ("3\r\none\n", InvalidChunk::LineEnd),
        ("3\r\nones\r\n", InvalidChunk::LineEnd),
        ("3\r\none\r\r\n", InvalidChunk::LineEnd),
    ];
    for (text, reason) in broken {
        assert_eq!(chunked(text), Err(InvalidBody::Chunk(reason)), "{text:?}");
    }
}

#[test]
fn broken_trailers_are_refused() {
    for trailers in [
        "a: b\n\r\n",
        "a b\r\n\r\n",
        ": b\r\n\r\n",
        "a: b\r\n c\r\n\r\n",
    ] {
        let decoded = chunked(&format!("0\r\n{trailers}"));
        assert!(
            matches!(decoded, Err(InvalidBody::Trailers(_))),
            "{trailers:?}"
        );
    }
}

#[test]
fn extensions_and_trailers_have_limits() {
    let extension = format!("1;{}\r\n", "x".repeat(20_000));
    assert_eq!(
        chunked(&extension),
        Err(InvalidBody::Chunk(InvalidChunk::Extensions))
    );

    let many = "1;xxxxxxxxxxxxxxxxxxx\r\na\r\n".repeat(1_000);
    assert_eq!(
        chunked(&many),
        Err(InvalidBody::Chunk(InvalidChunk::Extensions))
    );

    let trailers = format!("0\r\na: {}\r\n\r\n", "x".repeat(2_000));
    assert_eq!(
        chunked(&trailers),
        Err(InvalidBody::Chunk(InvalidChunk::Trailers))
    );
}

#[test]
fn length_ends_the_body_whatever_comes_behind() {
    let decoded = decode(Length::Known(4), [b"go".as_slice(), b"odevil"]).expect("valid");

    assert_eq!(decoded.data, b"good");
    assert_eq!(decoded.behind, b"evil");
    assert!(decoded.is_done);
}

#[test]
fn only_a_body_without_a_length_may_end_with_the_connection() {
    assert!(Decoder::new(Length::UntilClose, 0).end());
    assert!(!Decoder::new(Length::Known(1), 0).end());
    assert!(!Decoder::new(Length::Chunked, 0).end());
    assert!(Decoder::new(Length::Known(0), 0).end());
}

#[test]
fn large_pieces_are_not_copied() {
    let mut decoder = Decoder::new(Length::Known(100_000), 0);
    let mut buffer = BytesMut::from(vec![7; 2 * COPIED].as_slice());
    let before = buffer.as_ptr();

    let frame = decoder.next_frame(&mut buffer).expect("valid");

    let data = frame
        .and_then(|frame| frame.into_data().ok())
        .expect("data");
    assert_eq!(data.as_ptr(), before);
}

/// A body in chunks of these sizes, with its data and its encoding.
fn chunks() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, bool)> {
    let sizes = vec(
        (1_usize..40, any::<bool>(), 0_u8..8).prop_map(|(size, upper, large)| {
            // A few are larger than what is copied.
            let size = if large == 0 { size * 1_000 } else { size };
            (size, upper)
        }),
        0..12,
    );
    (sizes, any::<bool>()).prop_map(|(sizes, has_trailers)| {
        let (mut data, mut encoded) = (Vec::new(), Vec::new());
        for (number, (size, upper)) in sizes.into_iter().enumerate() {
            let chunk: Vec<u8> = (0..size).map(|at| (at + number) as u8).collect();
            let line = if upper {
                format!("{size:X};name=\"value\"\r\n")
            } else {
                format!("{size:x}\r\n")
            };
            encoded.extend_from_slice(line.as_bytes());
            encoded.extend_from_slice(&chunk);
            encoded.extend_from_slice(b"\r\n");
            data.extend_from_slice(&chunk);
        }
        encoded.extend_from_slice(if has_trailers {
            b"0\r\nx-sum: 1\r\n\r\n"
        } else {
            b"0\r\n\r\n"
        });
        (data, encoded, has_trailers)
    })
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[from..to]);
        from = to;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// However the network cuts a chunked body, its data is what was sent, and what
    /// comes behind it is left alone.
    #[test]
    fn cuts_make_no_difference(
        (data, mut encoded, has_trailers) in chunks(),
        cuts in vec(any::<Index>(), 0..12),
        behind in vec(any::<u8>(), 0..8),
    ) {
        encoded.extend_from_slice(&behind);
        let decoded = decode(Length::Chunked, pieces(&encoded, &cuts)).expect("valid");

        prop_assert!(decoded.is_done);
        prop_assert_eq!(decoded.data, data);
        prop_assert_eq!(decoded.trailers.is_some(), has_trailers);
        prop_assert_eq!(decoded.behind, behind);
    }

    /// A chunked body that breaks off is not complete, and what came of it is right.
    #[test]
    fn beginning_of_a_body_is_not_a_body(
        (data, encoded, _) in chunks(),
        cut in any::<Index>(),
    ) {
        let decoded = decode(Length::Chunked, [&encoded[..cut.index(encoded.len())]]);
        let decoded = decoded.expect("nothing invalid");

        prop_assert!(!decoded.is_done);
        prop_assert!(data.starts_with(&decoded.data));
    }

    /// Nothing that a backend sends makes the decoder panic, and every cut of it is
    /// judged alike.
    #[test]
    fn garbage_never_panics(
        bytes in vec(proptest::sample::select(b"0123aF;\r\n x:".to_vec()), 1..60),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let at_once = decode(Length::Chunked, [bytes.as_slice()]);
        let in_pieces = decode(Length::Chunked, pieces(&bytes, &cuts));

        prop_assert_eq!(at_once, in_pieces);
    }

    /// A body of known length has that length.
    #[test]
    fn length_is_kept(
        length in 0_u64..100_000,
        pieces in vec(vec(any::<u8>(), 0..40), 0..20),
    ) {
        let sent = pieces.concat();
        let decoded = decode(Length::Known(length), pieces.iter().map(Vec::as_slice));
        let decoded = decoded.expect("nothing to be invalid");

        let expected = sent.len().min(length as usize);
        prop_assert_eq!(&decoded.data, &sent[..expected]);
        prop_assert_eq!(&decoded.behind, &sent[expected..]);
        prop_assert_eq!(decoded.is_done, sent.len() as u64 >= length);
    }
}

#[test]
fn empty_bytes_are_no_frame() {
    let mut decoder = Decoder::new(Length::UntilClose, 0);

    let frame = decoder.next_frame(&mut BytesMut::new());

    assert!(frame.expect("valid").is_none());
}
