//! Who the gateway is to the API server.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cluster::{Cluster, gateway_binary};
use crate::curl::curl;
use crate::patience::{PATIENCE, secs, within};
use crate::pods::SYSTEM;
use crate::replica::Replica;
use crate::scene::{GATEWAY_API, Scene, is_so};
use crate::secrets::put_certificate;

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_client_certificate_is_as_good_as_a_token() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "certified");
    // The administrator's, which `enter` names in KUBECONFIG.
    let mut gateway = cluster.enter(gateway_binary().expect("there was one"));
    gateway.args(["check", "--kubernetes", "--namespace", &scene.namespace]);

    // For a moment, an API server that has just begun does not know every kind.
    within(PATIENCE, "check reads every kind", || {
        let output = gateway.output().expect("runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        (output.status.success() && !errors.contains("warning")).then_some(())
    });
    let text = fs::read_to_string(cluster.kubeconfig()).expect("is there");
    assert!(text.contains("client-certificate-data"), "{text}");
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_token_that_is_replaced_is_read_again_before_the_old_one_is_missed() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "tokens");
    let [first, second] = ["first", "second"].map(|name| Token::new(&scene, name));
    let file = cluster.file(&format!("{}.token", scene.namespace), &first.text);
    let kubeconfig = with_token_file(cluster, &scene, &file);
    let kubeconfig = kubeconfig.display().to_string();
    let replica = Replica::with(&scene, &["--kubeconfig", &kubeconfig]);
    let origin = scene.backend("echo");
    scene.gateway("edge");
    scene.route("shop", "edge", "echo");
    scene.accepted("HTTPRoute", "shop");
    assert!(first.is_valid(cluster));

    fs::write(&file, &second.text).expect("can be written");
    first.revoke(&scene);
    within(PATIENCE, "the first token is not valid any more", || {
        (!first.is_valid(cluster)).then_some(())
    });
    scene.route("later", "edge", "echo");

    // It is read once a minute; and who is refused does not ask again at once.
    within(
        secs(180),
        "a status is written with the second token",
        || {
            let route = scene.get("HTTPRoute", "later")?;
            is_so(&route, &route["status"]["parents"][0], "Accepted", "True").then_some(())
        },
    );
    let url = format!("http://{}/later", scene.address("edge"));
    scene.served(&url, &origin);
    assert!(replica.writes() > 0.0);
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn secrets_of_the_namespaces_that_are_named_are_enough() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "narrow");
    let kubeconfig = narrow(&scene).display().to_string();
    let replica = Replica::with(&scene, &["--kubeconfig", &kubeconfig]);
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
    let origin = scene.backend("echo");
    scene.route("shop", "edge", "echo");
    scene.accepted("HTTPRoute", "shop");

    let resolve = format!("shop.example.com:443:{}", scene.address("edge"));
    let url = "https://shop.example.com/shop";
    let answer = curl(cluster, &["--insecure", "--resolve", &resolve, url]);

    assert!(answer.is(200, &origin), "{answer:?}");
    let log = replica.log();
    assert!(!log.contains("forbidden"), "{log}");
}

/// Somebody who may do what the gateway may, but of Secrets read those of one namespace alone.
fn narrow(scene: &Scene) -> PathBuf {
    let group = "rbac.authorization.k8s.io";
    let api = format!("{group}/v1");
    let name = format!("narrow-{}", scene.namespace);
    let roles = ["gateway", "gateway-infrastructure"].map(|role| {
        let found = scene.cluster.api().get(&api, "ClusterRole", "", role);
        found.expect("is installed")["rules"].clone()
    });
    let rules = roles
        .iter()
        .flat_map(|rules| rules.as_array().into_iter().flatten());
    let is_of_secrets = |rule: &&Value| rule["resources"] == json!(["secrets"]);
    let (secrets, others): (Vec<_>, Vec<_>) = rules.partition(is_of_secrets);
    assert_eq!(secrets.len(), 1, "{secrets:#?}");
    let subjects =
        json!([{"kind": "ServiceAccount", "name": "narrow", "namespace": scene.namespace}]);
    let binding = |kind: &str, role: &str, name: &str, to: &str| {
        json!({
            "apiVersion": api, "kind": kind, "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": role, "name": to}, "subjects": subjects,
        })
    };
    for object in [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "narrow"}}),
        json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name}, "rules": others}),
        binding("ClusterRoleBinding", "ClusterRole", &name, &name),
        json!({"apiVersion": api, "kind": "Role", "metadata": {"name": "secrets"}, "rules": secrets}),
        binding("RoleBinding", "Role", "secrets", "secrets"),
        binding("RoleBinding", "Role", "narrow-leader", "gateway-leader"),
    ] {
        scene.apply(object);
    }
    let mut command = scene.cluster.script("kubeconfig-for");
    command.args([&scene.namespace, "narrow"]);
    let text = Cluster::output(command);
    scene.cluster.file(&format!("{name}.kubeconfig"), &text)
}

/// A token of the gateway's ServiceAccount, which is valid as long as a Secret is there.
struct Token {
    secret: String,
    text: String,
}

impl Token {
    fn new(scene: &Scene, name: &str) -> Self {
        let secret = format!("{}-{name}", scene.namespace);
        let metadata = json!({"name": secret, "namespace": SYSTEM});
        let bound =
            scene.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}));
        let uid = bound["metadata"]["uid"].as_str().expect("is there");
        let text = scene.cluster.kubectl(&[
            "create",
            "token",
            "gateway",
            &format!("--namespace={SYSTEM}"),
            "--bound-object-kind=Secret",
            &format!("--bound-object-name={secret}"),
            &format!("--bound-object-uid={uid}"),
        ]);
        let text = text.trim().to_owned();
        Self { secret, text }
    }

    fn revoke(&self, scene: &Scene) {
        scene.cluster.api().delete(&json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"namespace": SYSTEM, "name": self.secret},
        }));
    }

    /// Whether the API server believes it.
    fn is_valid(&self, cluster: &Cluster) -> bool {
        let header = format!("authorization: Bearer {}", self.text);
        let url = "https://127.0.0.1:6443/apis";
        let answer = curl(cluster, &["--insecure", "--header", &header, url]);
        match answer.status {
            200 => true,
            401 => false,
            other => panic!("{other}: {}", answer.body),
        }
    }
}

/// The gateway's kubeconfig, with a file in which the token is.
fn with_token_file(cluster: &Cluster, scene: &Scene, token: &Path) -> PathBuf {
    let view = ["config", "view", "--raw", "--output=json", "--kubeconfig"];
    let credentials = cluster.credentials().display().to_string();
    let text = cluster.kubectl(&[&view[..], &[&credentials]].concat());
    let mut config: Value = serde_json::from_str(&text).expect("is JSON");
    config["users"][0]["user"] = json!({"tokenFile": token.display().to_string()});
    cluster.file(
        &format!("{}.kubeconfig", scene.namespace),
        &config.to_string(),
    )
}
