//! Certificates that are replaced.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::cluster::Cluster;
use crate::curl::curl;
use crate::load::Load;
use crate::patience::{secs, timed};
use crate::replica::Replica;
use crate::scene::{GATEWAY_API, Scene};

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn certificates_are_replaced_under_handshakes_without_a_failure() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "rotated");
    let _replica = Replica::of(&scene);
    put_certificate(&scene, "certificate", 0);
    scene.apply(json!({
        "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": {"name": "edge"},
        "spec": {
            "gatewayClassName": "gateway",
            "listeners": [{
                "name": "https", "port": 443, "protocol": "HTTPS",
                "tls": {"certificateRefs": [{"name": "certificate"}]},
            }],
        },
    }));
    scene.backend("echo");
    scene.route("shop", "edge", "echo");
    scene.accepted("HTTPRoute", "shop");
    let address = scene.address("edge");
    let resolve = format!("shop.example.com:443:{address}");
    let request = [
        "--insecure",
        "--resolve",
        &resolve,
        "https://shop.example.com/shop",
    ];
    assert_eq!(curl(cluster, &request).status, 200);
    let load = Load::start(cluster, &request);

    for number in 1..=20 {
        put_certificate(&scene, "certificate", number);
        let wanted = format!("rotation-{number}.example.com");
        let shown = || shown(cluster, &address).contains(&wanted).then_some(());
        timed(secs(2), &format!("certificate {number} is shown"), shown);
    }

    let (count, failed) = load.stop();
    assert_eq!(failed, Vec::<String>::new(), "of {count}");
}

/// The subject of the certificate that a handshake shows.
fn shown(cluster: &Cluster, address: &str) -> String {
    let mut command = cluster.enter("openssl");
    let at = format!("{address}:443");
    command.args([
        "s_client",
        "-connect",
        &at,
        "-servername",
        "shop.example.com",
    ]);
    let output = command.output().expect("openssl is there");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Puts a certificate into a Secret, whose subject has this number.
pub(crate) fn put_certificate(scene: &Scene, name: &str, number: u16) {
    let stem = format!("{}-{name}-{number}", scene.namespace);
    let [key, certificate] =
        ["key", "crt"].map(|end| scene.cluster.file(&format!("{stem}.{end}"), ""));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args([
            "-noenc",
            "-days",
            "2",
            "-addext",
            "subjectAltName=DNS:shop.example.com",
        ])
        .args(["-subj", &format!("/CN=rotation-{number}.example.com")])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is there");
    assert!(made.status.success(), "{made:?}");
    let text = |path| fs::read_to_string(path).expect("was written");

    scene.apply(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": text(&certificate), "tls.key": text(&key)},
    }));
}
