//! What the tests here have in common.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use gateway_core::model::{BackendRef, Hostname, Policy, Route, Rule};
use gateway_tests::{Client, Reply};
use http::Request;
use http_body_util::Empty;

/// A rule that sends to the backend called `origin`.
pub(crate) fn rule() -> Rule {
    Rule::new().with_backend(BackendRef::new("origin".into()))
}

/// A route for one host that does `policies` about what it sends to `origin`.
pub(crate) fn host(host: &str, policies: impl IntoIterator<Item = Policy>) -> Route {
    let route = Route::new(host).with_hostname(Hostname::new(host).unwrap());
    let route = policies.into_iter().fold(route, Route::with_policy);
    route.with_rule(rule())
}

/// A request for `target` of `host` with fields.
pub(crate) fn get(host: &str, target: &str, fields: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    let request = Request::get(target).header("host", host);
    let request = fields.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(Empty::new()).unwrap()
}

/// How often each status came of `count` requests, made by several clients at once.
pub(crate) async fn statuses(
    address: SocketAddr,
    clients: usize,
    count: usize,
    request: impl Fn() -> Request<Empty<Bytes>> + Send + Sync + 'static,
) -> std::collections::BTreeMap<u16, usize> {
    let request = Arc::new(request);
    let each = (0..clients).map(|client| {
        let request = Arc::clone(&request);
        let share = count / clients + usize::from(client < count % clients);
        tokio::spawn(async move {
            let mut client = Client::http1(address).await;
            let mut replies = Vec::new();
            for _ in 0..share {
                replies.push(client.call(request()).await.status.as_u16());
            }
            replies
        })
    });
    let mut counts = std::collections::BTreeMap::new();
    for replies in each.collect::<Vec<_>>() {
        for status in replies.await.unwrap() {
            *counts.entry(status).or_default() += 1;
        }
    }
    counts
}

/// What `client` is answered.
pub(crate) async fn ask(client: &mut Client, host: &str, target: &str) -> Reply {
    client.call(get(host, target, &[])).await
}
