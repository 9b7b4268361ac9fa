//! Message framing on the wire.

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use proptest::sample::Index;
use tokio::join;

use super::origin::Origin;
use super::{TestBody, get, pool, request, send, settle, text};
use crate::pool::UpstreamErrorKind;
use crate::pool::error::BoxError;

fn chunks(parts: &[&'static str]) -> TestBody {
    let frames: Vec<_> = parts
        .iter()
        .map(|part| Ok::<_, BoxError>(Frame::data(Bytes::from_static(part.as_bytes()))))
        .collect();
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However the network cuts a response into pieces, it reads the same, and the
    /// connection serves again.
    #[test]
    fn pieces_of_a_response_make_no_difference(
        cuts in vec(any::<Index>(), 0..6),
        is_chunked in any::<bool>(),
    ) {
        let answer = if is_chunked {
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
             6\r\nhello \r\n5\r\nworld\r\n0\r\nx-sum: 11\r\n\r\n"
        } else {
            "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world"
        };
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(answer.len())).collect();
        cuts.sort_unstable();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");

        let (texts, idle) = runtime.block_on(async {
            let (origin, pool) = (Origin::bind().await, pool());
            let client = async {
                let mut texts = Vec::new();
                for _ in 0..2 {
                    let response = send(&pool, origin.address(), get("/")).await;
                    texts.push(text(response.expect("answered")).await);
                }
                texts
            };
            let backend = async {
                let mut conversation = origin.accept().await;
                for _ in 0..2 {
                    conversation.head().await;
                    let mut from = 0;
                    for to in cuts.iter().copied().chain([answer.len()]) {
                        conversation.say(&answer[from..to]).await;
                        settle().await;
                        from = to;
                    }
                }
                conversation
            };
            let (texts, _conversation) = join!(client, backend);
            (texts, pool.idle_connections())
        });

        prop_assert_eq!(texts, ["hello world", "hello world"]);
        prop_assert_eq!(idle, 1);
    }
}

#[tokio::test]
async fn ambiguous_responses_are_refused() {
    let heads = [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "transfer-encoding: gzip",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: +5",
        "bad name: x",
    ];
    for head in heads {
        let (origin, pool) = (Origin::bind().await, pool());
        let (response, mut conversation) = join!(send(&pool, origin.address(), get("/")), async {
            let mut conversation = origin.accept().await;
            conversation.head().await;
            conversation
                .say(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n0\r\n\r\n"))
                .await;
            conversation
        });

        let error = response.expect_err(head);
        assert_eq!(error.kind(), UpstreamErrorKind::InvalidResponse, "{head}");
        assert!(!error.is_unsent());
        assert!(conversation.closed().await.is_empty());
        assert_eq!(pool.idle_connections(), 0);
    }
}

#[tokio::test]
async fn body_of_unknown_length_is_sent_in_chunks_whatever_the_method() {
    for method in ["GET", "POST", "DELETE"] {
        let (origin, pool) = (Origin::bind().await, pool());
        let (response, (head, _conversation)) = join!(
            send(
                &pool,
                origin.address(),
                request(method, "/", chunks(&["one", "two"]))
            ),
            async {
                let mut conversation = origin.accept().await;
                let head = conversation.head().await;
                let body = conversation.exactly(21).await;
                assert_eq!(body, b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
                conversation
                    .say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    .await;
                (head, conversation)
            }
        );

        assert!(response.is_ok());
        assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
        assert_eq!(pool.idle_connections(), 1);
    }
}

#[tokio::test]
async fn truncated_bodies_end_in_an_error() {
    let answers = [
        "content-length: 10\r\n\r\nhalf",
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "transfer-encoding: chunked\r\n\r\n8\r\nhalf",
        "transfer-encoding: chunked\r\n\r\nnonsense",
    ];
    for answer in answers {
        let (origin, pool) = (Origin::bind().await, pool());
        let (response, ()) = join!(send(&pool, origin.address(), get("/")), async {
            let mut conversation = origin.accept().await;
            conversation.head().await;
            conversation
                .say(format!("HTTP/1.1 200 OK\r\n{answer}"))
                .await;
        });

        let body = response.expect("a head").into_body().collect().await;
        let error = body.expect_err(answer);
        assert_eq!(error.kind(), UpstreamErrorKind::ResponseBody, "{answer}");
        assert_eq!(pool.idle_connections(), 0);
    }
}
