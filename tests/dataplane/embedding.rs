//! The routing half in somebody else's server.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::convert::Infallible;
use std::net::Ipv4Addr;

use gateway_core::model::{Configuration, ExtensionRef, Filter, Gateway as Edge};
use gateway_core::{Body, BoxError, ClientAddress, RoutingService, RuleStack};
use gateway_tests::{Client, Origin, Site};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tower::{Service, ServiceExt};

async fn get(routing: &RoutingService, host: &str) -> Response<Body> {
    let request = Request::get("/x?y").header("host", host);
    let Ok(response) = routing
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await;
    response
}

fn routing(site: &Site) -> RoutingService {
    let routing = RoutingService::new();
    routing.update(&site.configuration());
    routing
}

#[tokio::test]
async fn requests_are_routed_without_a_socket() {
    let origin = Origin::echo().await;
    let routing = routing(&Site::to(origin.address()));

    let response = get(&routing, "a.test").await;

    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let echo: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(echo["path"], "/x?y");
    // Nobody said who the client is.
    assert!(!origin.last().headers.contains_key("x-forwarded-for"));
}

#[tokio::test]
async fn address_of_the_client_is_passed_on() {
    let origin = Origin::echo().await;
    let mut routing = routing(&Site::to(origin.address()));
    let request = Request::post("/")
        .header("host", "a.test")
        .header("x-forwarded-for", "6.6.6.6")
        .extension(ClientAddress(Ipv4Addr::new(10, 0, 0, 9).into()))
        .body(Full::<bytes::Bytes>::from("body"))
        .unwrap();

    let Ok(response) = routing.call(request).await;

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(origin.last().header("x-forwarded-for"), Some("10.0.0.9"));
    assert_eq!(&*origin.last().body, b"body");
}

#[tokio::test]
async fn it_answers_404_before_and_after_a_configuration() {
    let origin = Origin::echo().await;
    let routing = RoutingService::new();
    assert_eq!(
        get(&routing, "a.test").await.status(),
        StatusCode::NOT_FOUND
    );

    routing.update(&Site::to(origin.address()).configuration());
    assert_eq!(get(&routing, "a.test").await.status(), StatusCode::OK);

    routing.update(&Configuration::new().with_gateway(Edge::new("edge")));
    assert_eq!(
        get(&routing, "a.test").await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn layers_of_ones_own_are_found_by_name() {
    let name = ExtensionRef::new("example.test", "Gate", "gate");
    let gate = tower::layer::layer_fn(|_: RuleStack| {
        tower::service_fn(|_: Request<Body>| async {
            Ok::<_, BoxError>(Response::new(Body::from("the gate")))
        })
    });
    let rule = gateway_core::model::Rule::new().with_filter(Filter::Extension(name.clone()));
    let routing = RoutingService::new().with_layer(name, gate);
    routing.update(&Site::new().rule(rule).configuration());

    let response = get(&routing, "a.test").await;

    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "the gate");
}

#[tokio::test]
async fn it_serves_inside_a_server_of_somebody_else() {
    let origin = Origin::echo().await;
    let routing = routing(&Site::to(origin.address()));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, client)) = listener.accept().await {
            let routing = routing.clone();
            let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(ClientAddress(client.ip()));
                let mut routing = routing.clone();
                async move {
                    // A path of the server's own, and the gateway for the rest.
                    if request.uri().path() == "/health" {
                        return Ok::<_, Infallible>(Response::new(Body::from("well")));
                    }
                    routing.call(request).await
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
        }
    });

    let mut client = Client::http1(address).await;
    assert_eq!(client.get("/health").await.text(), "well");
    let reply = client.get("/other").await;

    assert_eq!(reply.echo()["path"], "/other");
    assert_eq!(origin.last().header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(origin.count(), 1);
}
