//! A client that is not rustls.

use std::process::Stdio;

use gateway_tests::patiently;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::rig::Rig;

#[tokio::test]
async fn openssl_gets_an_answer() {
    if Command::new("openssl")
        .arg("version")
        .output()
        .await
        .is_err()
    {
        println!("skipped: there is no openssl on this machine");
        return;
    }
    let rig = Rig::new().await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, rig.authority.root_pem()).unwrap();

    for version in ["-tls1_2", "-tls1_3"] {
        let mut client = Command::new("openssl")
            .args([
                "s_client",
                "-quiet",
                "-verify_return_error",
                "-servername",
                "a.test",
            ])
            .args(["-alpn", "http/1.1", version, "-connect"])
            .arg(rig.address().to_string())
            .arg("-CAfile")
            .arg(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = client.stdin.take().unwrap();
        let request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
        stdin.write_all(request.as_bytes()).await.unwrap();

        let output = patiently("openssl", client.wait_with_output())
            .await
            .unwrap();
        let answer = String::from_utf8_lossy(&output.stdout);
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n"),
            "{version}: {answer}"
        );
        drop(stdin);
    }

    let old = Command::new("openssl")
        .args(["s_client", "-servername", "a.test", "-tls1_1", "-connect"])
        .arg(rig.address().to_string())
        .stdin(Stdio::null())
        .output();
    assert!(!patiently("openssl", old).await.unwrap().status.success());
}
