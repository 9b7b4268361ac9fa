//! What is spoken with backends.

use gateway_tests::Wire;

use crate::exchange::{V1, get};
use crate::pod;
use crate::suite::Suite;

#[tokio::test]
async fn httproute_backend_protocol_h2c() {
    let Some(suite) = Suite::start(&["httproute-backend-protocol-h2c"]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &["backend-protocol-h2c"]);
    let exchange = get("/").over_http2().reaches(V1);
    suite.expect(address, [exchange]).await;
}

#[tokio::test]
async fn httproute_backend_protocol_web_socket() {
    let Some(suite) = Suite::start(&["httproute-backend-protocol-websocket"]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &["backend-protocol-ws"]);
    let key = std::str::from_utf8(pod::KEY).unwrap();

    for _ in 0..3 {
        let mut wire = Wire::connect(address).await;
        wire.send(format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
             Origin: ws://gateway/test\r\n\r\n",
            address.ip()
        ))
        .await;
        let head = wire.head().await.unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        let accept = pod::ACCEPT.to_ascii_lowercase();
        assert!(
            head.contains(&format!("sec-websocket-accept: {accept}\r\n")),
            "{head}"
        );

        for (kind, message) in [(1, &b"Websocket Support!"[..]), (2, &[1, 2, 3, 4, 5, 6, 7])] {
            let length = u8::try_from(message.len()).unwrap();
            let mask = [7, 11, 13, 17];
            let masked = message.iter().zip(mask.iter().cycle());
            let mut frame = vec![0x80 | kind, 0x80 | length, 7, 11, 13, 17];
            frame.extend(masked.map(|(byte, mask)| byte ^ mask));
            wire.send(frame).await;

            let reply = wire.read(2 + message.len()).await.unwrap();
            assert_eq!(reply[..2], [0x80 | kind, length]);
            assert_eq!(&reply[2..], message);
        }
    }
}
