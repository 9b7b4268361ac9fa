//! One test of the suite.

use std::fs;
use std::net::SocketAddr;

use futures_util::future::join_all;
use gateway_core::Gateway;
use gateway_core::model::Configuration;
use gateway_k8s::resolve::{AddressRange, Resolver, Settings};
use gateway_k8s::source::folder::Folder;
use gateway_k8s::verdict::{BindFailure, Verdicts};
use gateway_tests::TestGateway;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::block::Block;
use crate::cluster;
use crate::exchange::Exchange;
use crate::pod::Pod;

/// How often in a row a request has to succeed.
const TIMES: usize = 3;

/// The manifests of a test, served.
#[derive(Debug)]
pub(crate) struct Suite {
    objects: Vec<Value>,
    folder: Folder,
    place: TempDir,
    resolver: Resolver,
    gateway: TestGateway,
    verdicts: Verdicts,
    pods: Vec<Pod>,
    block: Block,
}

/// One manifest, one Gateway, routes that it accepts and whose references are good,
/// and requests: what most tests are.
pub(crate) async fn check<const N: usize>(
    manifest: &str,
    gateway: &str,
    routes: &[&str],
    exchanges: [Exchange; N],
) {
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let address = suite.accepted(gateway, routes);
    for route in routes {
        suite.resolved(gateway, route);
    }
    suite.expect(address, exchanges).await;
}

impl Suite {
    /// Serves the base manifest and these; `None` if this test is to be skipped.
    pub(crate) async fn start(manifests: &[&str]) -> Option<Self> {
        let block = Block::claim()?;
        let mut objects = cluster::objects(manifests, &block);
        let pods = cluster::run(&mut objects, &block).await;
        cluster::find_endpoints(&mut objects, &pods);
        let place = tempfile::tempdir().expect("a folder");
        let settings = Settings::folder().with_pool(block.pool().map(AddressRange::from));
        let builder = Gateway::builder().workers(2);
        let (gateway, _) = TestGateway::try_serve(builder, Configuration::new());

        let mut suite = Self {
            objects,
            folder: Folder::new([place.path()]),
            place,
            resolver: Resolver::new(settings),
            gateway,
            verdicts: Verdicts::default(),
            pods,
            block,
        };
        suite.apply();
        Some(suite)
    }

    /// Changes the objects, and serves what came of it.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Vec<Value>)) {
        edit(&mut self.objects);
        self.apply();
    }

    /// Changes one object.
    pub(crate) fn change(&mut self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        self.edit(|objects| {
            let mut all = objects.iter_mut();
            let object = all.find(|one| one["kind"] == kind && one["metadata"]["name"] == name);
            change(object.expect("an object of the manifests"));
        });
    }

    /// Adds a route like `older`, but younger, to another backend, and perhaps for
    /// another hostname.
    pub(crate) fn add_younger(
        &mut self,
        kind: &str,
        older: &str,
        newer: &str,
        backend: &str,
        hostname: Option<&str>,
    ) {
        self.edit(|objects| {
            let mut all = objects.iter_mut();
            let older = all.find(|one| one["kind"] == kind && one["metadata"]["name"] == older);
            let older = older.expect("a route of the manifests");
            let age = |seconds| json!(format!("2026-01-01T00:00:0{seconds}Z"));
            older["metadata"]["creationTimestamp"] = age(0);
            let mut route = older.clone();
            route["metadata"]["creationTimestamp"] = age(1);
            route["metadata"]["name"] = json!(newer);
            route["spec"]["rules"][0]["backendRefs"][0]["name"] = json!(backend);
            if let Some(hostname) = hostname {
                route["spec"]["hostnames"] = json!([hostname]);
            }
            objects.push(route);
        });
    }

    fn apply(&mut self) {
        let documents: Vec<_> = self.objects.iter().map(Value::to_string).collect();
        let file = self.place.path().join("objects.yaml");
        fs::write(file, documents.join("\n---\n")).expect("a file");
        let reading = self.folder.read();
        assert!(reading.problems().is_empty(), "{:#?}", reading.problems());

        let mut resolved = self.resolver.resolve(&reading.world);
        let update = self.gateway.update(resolved.configuration);
        let failures = update.failed.iter();
        let failures: Vec<_> = failures
            .map(|error| BindFailure::new(error.address, &error.source))
            .collect();
        resolved.verdicts.programmed(&failures);
        self.verdicts = resolved.verdicts;
    }

    /// Makes all of the requests at the same time, each three times in a row.
    pub(crate) async fn expect<const N: usize>(
        &self,
        gateway: SocketAddr,
        exchanges: [Exchange; N],
    ) {
        let all = exchanges.iter().map(|one| one.expect(gateway, TIMES));
        join_all(all).await;
    }

    /// What everybody was told.
    pub(crate) fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }

    /// The pods of a Deployment.
    pub(crate) fn pods(&self, namespace: &str, deployment: &str) -> Vec<&Pod> {
        let pods = self.pods.iter();
        pods.filter(|pod| pod.is_of(namespace, deployment))
            .collect()
    }

    /// The addresses of this test.
    pub(crate) fn block(&self) -> &Block {
        &self.block
    }
}
