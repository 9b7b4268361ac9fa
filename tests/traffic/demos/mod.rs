//! Demos with their own figures, on a paused clock: seconds that nobody waits for.
//!
//! No socket is there to know that time has not passed, so requests go to a routing service, and
//! what stands for a backend is a layer; where there are sockets, the clock is held.

mod breaking;
mod faults;
mod limits;
mod retrying;
mod throttle;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use gateway_core::model::{BackendRef, ExtensionRef, Filter, Policy, Rule};
use gateway_core::{Body, BoxError, RoutingService, RuleStack};
use gateway_tests::Site;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep_until};
use tower::{ServiceExt, layer::layer_fn, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// What `policy` makes of a backend that answers as `origin` does.
fn demo<F>(policy: Policy, origin: impl Fn(Bytes) -> F + Clone + Send + Sync + 'static) -> Demo
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    demo_of(Rule::new().with_policy(policy), origin)
}

/// What `rule` makes of a backend that answers as `origin` does.
fn demo_of<F>(rule: Rule, origin: impl Fn(Bytes) -> F + Clone + Send + Sync + 'static) -> Demo
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let name = ExtensionRef::new("demo.test", "Origin", "origin");
    let answers = layer_fn(move |_: RuleStack| {
        let origin = origin.clone();
        service_fn(move |request: Request<Body>| {
            let origin = origin.clone();
            async move {
                let body = request.into_body().collect().await?.to_bytes();
                Ok::<_, BoxError>(origin(body).await)
            }
        })
    });
    let routing = RoutingService::new().with_layer(name.clone(), answers);
    let backend = BackendRef::new("origin".into()).with_filter(Filter::Extension(name));
    routing.update(&Site::new().rule(rule.with_backend(backend)).configuration());
    Demo(routing)
}

#[derive(Clone)]
struct Demo(RoutingService);

impl Demo {
    /// The status, the body, and how long all of it took.
    async fn send(&self, body: impl Into<Bytes>) -> (u16, Bytes, Duration) {
        let started = Instant::now();
        let request = Request::post("/").header("host", "a.test");
        let request = request.body(Body::from(body.into())).unwrap();
        let Ok(response) = self.0.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, body, started.elapsed())
    }

    /// The statuses of `count` requests that are sent `apart`, and how long each took.
    async fn paced(&self, count: u32, apart: Duration) -> Vec<(u16, Duration)> {
        let started = Instant::now();
        let each = (0..count).map(|number| async move {
            sleep_until(started + number * apart).await;
            let (status, _, took) = self.send(Bytes::new()).await;
            (status, took)
        });
        join_all(each).await
    }
}

fn counts(replies: &[(u16, Duration)]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for (status, _) in replies {
        *counts.entry(*status).or_default() += 1;
    }
    counts
}

async fn ok(_: Bytes) -> Response<Body> {
    Response::new(Body::empty())
}

/// An answer that may take its time.
type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
