use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Error};
use serde_json::json;

use super::*;
use crate::api::{HttpRoute, TcpRoute};

fn config_maps(server: &ApiServer, count: usize) -> Api<ConfigMap> {
    for index in 0..count {
        server.apply(&format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{index:03}, namespace: n}}}}"
        ));
    }
    Api::namespaced(server.client(), "n")
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_that_make_up_the_whole() {
    let server = ApiServer::new();
    let api = config_maps(&server, 7);
    let mut params = ListParams::default().limit(3);
    let mut names = Vec::new();

    loop {
        let page = api.list(&params).await.expect("a page");
        names.extend(page.items.into_iter().filter_map(|one| one.metadata.name));
        let Some(next) = page.metadata.continue_ else {
            break;
        };
        params = params.continue_token(&next);
    }

    assert_eq!(
        names,
        (0..7).map(|n| format!("c{n:03}")).collect::<Vec<_>>()
    );
    assert_eq!(server.count(&Requests::all().continued()), 2);
}

#[tokio::test(start_paused = true)]
async fn watches_tell_what_happened_since() {
    let server = ApiServer::new();
    let api = config_maps(&server, 1);
    let listed = api.list(&ListParams::default()).await.expect("a list");
    let version = listed.metadata.resource_version.expect("has one");
    config_maps(&server, 2);

    let events = api
        .watch(&WatchParams::default(), &version)
        .await
        .expect("a watch");
    let mut events = std::pin::pin!(events);

    let Some(Ok(WatchEvent::Added(added))) = events.next().await else {
        panic!("nothing was added");
    };
    assert_eq!(added.metadata.name.as_deref(), Some("c001"));
    server.delete(&ObjectRef::new::<ConfigMap>("n", "c000"));
    let Some(Ok(WatchEvent::Deleted(deleted))) = events.next().await else {
        panic!("nothing was deleted");
    };
    assert_eq!(deleted.metadata.name.as_deref(), Some("c000"));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_begins_before_what_is_known_is_told_so() {
    let server = ApiServer::new();
    let api = config_maps(&server, 1);
    server.forget_history();

    let events = api
        .watch(&WatchParams::default(), "5")
        .await
        .expect("a watch");
    let mut events = std::pin::pin!(events);

    let Some(Ok(WatchEvent::Error(status))) = events.next().await else {
        panic!("goes on");
    };
    assert_eq!(status.code, 410);
}

#[tokio::test(start_paused = true)]
async fn a_stale_write_is_a_conflict() {
    let server = ApiServer::new();
    let api = config_maps(&server, 1);
    let mut mine = api.get("c000").await.expect("is there");
    server.apply(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c000, namespace: n}, data: {a: b}}",
    );

    mine.data = None;
    let written = api.replace("c000", &PostParams::default(), &mine).await;

    assert!(matches!(written, Err(Error::Api(status)) if status.code == 409));
}

#[tokio::test(start_paused = true)]
async fn status_is_written_apart_from_the_rest() {
    let server = ApiServer::with_gateway_api();
    let made = server.apply("{apiVersion: gateway.networking.k8s.io/v1, kind: TCPRoute, metadata: {name: a, namespace: n}, spec: {rules: []}}");
    let api: Api<TcpRoute> = Api::namespaced(server.client(), "n");

    let patch = json!({ "status": { "parents": [] }, "spec": { "rules": [{}] } });
    let params = PatchParams::default();
    api.patch_status("a", &params, &Patch::Merge(&patch))
        .await
        .expect("is written");
    api.patch_status("a", &params, &Patch::Merge(&patch))
        .await
        .expect("is written");

    let now = server
        .object(&ObjectRef::new::<TcpRoute>("n", "a"))
        .expect("is there");
    assert_eq!(now["status"], json!({ "parents": [] }));
    assert_eq!(now["spec"], made["spec"]);
    assert_eq!(
        now["metadata"]["generation"],
        made["metadata"]["generation"]
    );
    assert_eq!(server.count(&Requests::to("tcproutes").writes()), 2);
    assert_eq!(
        server.store().history.len(),
        12 + 2,
        "the second write changed nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn fields_select() {
    let server = ApiServer::new();
    for (name, kind) in [("a", "Opaque"), ("b", "kubernetes.io/tls")] {
        server.apply(&format!(
            "{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: n}}, type: {kind}}}"
        ));
    }
    let api: Api<Secret> = Api::all(server.client());

    let params = ListParams::default().fields("type=kubernetes.io/tls");
    let found = api.list(&params).await.expect("a list");

    assert_eq!(found.items.len(), 1);
    assert_eq!(found.items[0].metadata.name.as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn kinds_come_and_go() {
    let server = ApiServer::new();
    let api: Api<HttpRoute> = Api::all(server.client());
    assert!(api.list(&ListParams::default()).await.is_err());

    server.install::<HttpRoute>(&["v1"]);
    let group = server
        .client()
        .list_api_group_resources("gateway.networking.k8s.io/v1")
        .await;
    assert_eq!(group.expect("is served").resources[0].kind, "HTTPRoute");
    assert!(api.list(&ListParams::default()).await.is_ok());

    server.uninstall::<HttpRoute>();
    assert!(api.list(&ListParams::default()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_went_away_comes_back() {
    let server = ApiServer::new();
    let api = config_maps(&server, 1);

    server.go_away();
    assert!(matches!(api.get("c000").await, Err(Error::Service(_))));
    server.heal();

    assert!(api.get("c000").await.is_ok());
}
