//! How do I add a filter of my own?
//!
//! Shows a tower layer, here one that asks for an API key, registered under a name.
//! Rules that refer to this name by `ExtensionRef` have the layer in their stack, at the
//! place where the reference stands among their filters; other rules do not.
//!
//! ```text
//! cargo run -p gateway-examples --example custom_layer
//! ```
//!
//! You will see that `/partners` wants a key and `/public` does not, and that a rule
//! that refers to a layer nobody registered answers 500 rather than skipping it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use gateway_core::model::{
    Backend, BackendRef, Configuration, ExtensionRef, Filter, Gateway, Listener, PathMatch, Route,
    RouteMatch, Rule,
};
use gateway_core::{Body, BoxError, RoutingService};
use http::{HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service, ServiceExt};

/// Lets requests pass that have the right `x-api-key`.
#[derive(Clone, Debug)]
struct ApiKeyLayer {
    key: HeaderValue,
}

impl<S> Layer<S> for ApiKeyLayer {
    type Service = ApiKey<S>;

    fn layer(&self, inner: S) -> ApiKey<S> {
        ApiKey {
            inner,
            key: self.key.clone(),
        }
    }
}

/// What [`ApiKeyLayer`] makes of a service.
#[derive(Clone, Debug)]
struct ApiKey<S> {
    inner: S,
    key: HeaderValue,
}

impl<S> Service<Request<Body>> for ApiKey<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The backend has no business with the key.
        match request.headers_mut().remove("x-api-key") {
            Some(key) if key == self.key => ResponseFuture::Forward {
                inner: self.inner.call(request),
            },
            _ => ResponseFuture::Refuse,
        }
    }
}

pin_project! {
    /// The inner service's response, or 401.
    #[project = Projected]
    enum ResponseFuture<F> {
        Forward { #[pin] inner: F },
        Refuse,
    }
}

impl<F, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project() {
            Projected::Forward { inner } => ready!(inner.poll(cx)),
            Projected::Refuse => {
                let mut response = Response::new(Body::from("an API key is needed"));
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                Ok(response)
            }
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let name = ExtensionRef::new("shop.example", "ApiKey", "partners");
    let layer = ApiKeyLayer {
        key: HeaderValue::from_static("sesame"),
    };

    // A whole gateway takes layers in the same way: `Gateway::builder().layer(name, layer)`.
    let routing = RoutingService::new().with_layer(name.clone(), layer);
    routing.update(&configuration(name, backend().await?)?);

    assert_eq!(ask(&routing, "/public", None).await?, StatusCode::OK);
    assert_eq!(
        ask(&routing, "/partners", None).await?,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        ask(&routing, "/partners", Some("sesame")).await?,
        StatusCode::OK
    );
    assert_eq!(
        ask(&routing, "/mistaken", Some("sesame")).await?,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    Ok(())
}

/// Three rules: one with the layer, one without, one with a layer that does not exist.
fn configuration(name: ExtensionRef, backend: SocketAddr) -> Result<Configuration, BoxError> {
    let rule = |prefix| {
        PathMatch::prefix(prefix).map(|path| {
            Rule::new()
                .with_match(RouteMatch::path(path))
                .with_backend(BackendRef::new("shop".into()))
        })
    };
    let unknown = ExtensionRef::new("shop.example", "ApiKey", "nobody");
    let route = Route::new("shop")
        .with_rule(rule("/public")?)
        .with_rule(rule("/partners")?.with_filter(Filter::Extension(name)))
        .with_rule(rule("/mistaken")?.with_filter(Filter::Extension(unknown)));
    let edge = Gateway::new("edge").with_listener(Listener::http("web", 80).with_route(route));

    Ok(Configuration::new()
        .with_gateway(edge)
        .with_backend("shop", Backend::new([backend])))
}

async fn ask(
    routing: &RoutingService,
    path: &str,
    key: Option<&str>,
) -> Result<StatusCode, BoxError> {
    let mut request = Request::get(path).header("host", "shop.example");
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }

    let Ok(response) = routing.clone().oneshot(request.body(Body::empty())?).await;
    let with = key.map_or("without a key", |_| "with a key");
    println!("{path} {with}: {}", response.status());
    Ok(response.status())
}

/// A backend that answers every request, and would not if it saw a key.
async fn backend() -> Result<SocketAddr, BoxError> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new().fallback(|request: axum::extract::Request| async move {
        assert!(!request.headers().contains_key("x-api-key"));
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}
