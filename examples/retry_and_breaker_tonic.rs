//! How do I make a tonic client retry, and leave a broken server alone?
//!
//! Shows a stack of layers as the transport of a gRPC client: retries with a budget outside, a
//! circuit breaker inside, so that a try that the breaker refuses is one more reason to wait.
//! In the place of a channel stands a server in this program; `tonic::transport::Channel` goes
//! there with `map_err(BoxError::from)`, and fails in the same way where nobody listens.
//!
//! ```text
//! cargo run -p gateway-examples --example retry_and_breaker_tonic
//! ```
//!
//! You will see a call that succeeds though its first try found nobody, and then a server that is down:
//! after three errors in a row nothing reaches it any more.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gateway_filters::circuit_breaker::CircuitState;
use gateway_filters::retry::{FailedTry, ReplayBody};
use gateway_filters::{
    Answer, BoxError, CircuitBreaker, CircuitBreakerLayer, GrpcStatus, RetryLayer, RetryPolicy,
};
use http::uri::PathAndQuery;
use http::{Request, Response};
use tonic::ConnectError;
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic_prost::ProstCodec;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let server = Server::default();
    let breaker = CircuitBreakerLayer::new(
        CircuitBreaker::new()
            .with_consecutive_errors(3.try_into()?)
            .with_error_grpc_statuses([GrpcStatus::Unavailable, GrpcStatus::Internal])
            .with_answer(Answer::grpc(14, "left alone for a while")),
    );
    let retry = RetryLayer::new(
        RetryPolicy::new()
            .with_attempts(2)
            .with_grpc_statuses([GrpcStatus::Unavailable]),
        failed,
    );

    let transport = {
        let server = server.clone();
        let channel = service_fn(move |request| server.clone().serve(request));
        let stack = ServiceBuilder::new()
            .layer(retry)
            .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::new))
            .service(breaker.layer(channel));
        stack.map_response(|response| response.map(Body::new))
    };

    // The first try finds nobody, the second one does.
    server.absences.store(1, Ordering::SeqCst);
    assert_eq!(greet(transport.clone(), "Ada").await?, "hello Ada");
    assert_eq!(server.asked(), 1);
    println!("answered at the second try");

    // Now it is down: three tries, the third of which opens the breaker.
    server.failures.store(usize::MAX, Ordering::SeqCst);
    let error = greet(transport.clone(), "Ada").await.expect_err("down");
    assert_eq!(error.code(), tonic::Code::Unavailable);
    assert_eq!(server.asked(), 4);
    assert_eq!(breaker.state(), CircuitState::Open);

    // It is left alone: the breaker answers, in the words of gRPC.
    let error = greet(transport, "Ada").await.expect_err("refused");
    assert_eq!(error.code(), tonic::Code::Unavailable);
    assert_eq!(server.asked(), 4);
    println!("left alone after three errors in a row");

    Ok(())
}

/// What an error of the channel says about a try. Before there is a connection nothing was sent;
/// afterwards the server may have done what it was asked for, which is not to be done twice.
fn failed(error: &BoxError) -> FailedTry {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&**error);
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return FailedTry::Unsent;
        }
        cause = error.source();
    }
    FailedTry::Final
}

/// What a generated client does, for a message that is a string.
async fn greet<T>(transport: T, name: &str) -> Result<String, tonic::Status>
where
    T: GrpcService<Body, ResponseBody = Body>,
    T::Error: Into<BoxError>,
{
    let mut client = Grpc::with_origin(transport, "http://greeter.example".parse().expect("a URI"));
    let ready = client.ready().await;
    ready.map_err(|error| tonic::Status::from_error(error.into()))?;
    let path = PathAndQuery::from_static("/example.Greeter/Greet");
    let request = tonic::Request::new(name.to_owned());
    let codec = ProstCodec::<String, String>::default();

    Ok(client.unary(request, path, codec).await?.into_inner())
}

/// A server that is not there so many times, then down so many times.
#[derive(Clone, Default)]
struct Server {
    absences: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn serve(self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let once_more = |left: &AtomicUsize| {
            let less = |left: usize| left.checked_sub(1);
            let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
            before.is_ok()
        };
        if once_more(&self.absences) {
            return Err(ConnectError("nobody listens".into()).into());
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let down = once_more(&self.failures);
        let greet = service_fn(move |request: tonic::Request<String>| async move {
            if down {
                return Err(tonic::Status::unavailable("down"));
            }
            let greeting = format!("hello {}", request.into_inner());
            Ok(tonic::Response::new(greeting))
        });
        let codec = ProstCodec::<String, String>::default();
        Ok(tonic::server::Grpc::new(codec).unary(greet, request).await)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
