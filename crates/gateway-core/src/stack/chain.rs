//! A rule's or a backend's filters as one service.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gateway_filters::RouteContext;
use gateway_filters::cors::{CorsResponse, CorsStep};
use gateway_filters::mirror::split;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::Step;
use crate::{Body, BoxError};

/// Runs filters: requests pass them in the order in which the route wrote them,
/// responses in the opposite order, as in any tower stack.
///
/// One service that loops over data costs one call, where a service for each
/// filter would cost a box for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterChainLayer {
    steps: Option<Arc<[Step]>>,
}

impl FilterChainLayer {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        Self {
            steps: (!steps.is_empty()).then(|| steps.into()),
        }
    }
}

impl<S> Layer<S> for FilterChainLayer {
    type Service = FilterChain<S>;

    fn layer(&self, inner: S) -> FilterChain<S> {
        FilterChain {
            inner,
            steps: self.steps.clone(),
        }
    }
}

/// See [`FilterChainLayer`].
#[derive(Clone, Debug)]
pub(crate) struct FilterChain<S> {
    inner: S,
    steps: Option<Arc<[Step]>>,
}

impl<S> Service<Request<Body>> for FilterChain<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = ChainFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Some(steps) = &self.steps else {
            return ChainFuture {
                state: State::Forward {
                    inner: self.inner.call(request),
                },
                back: None,
            };
        };

        let mut way = Way {
            steps: Arc::clone(steps),
            passed: 0,
            cors: None,
        };
        let state = match way.forth(request) {
            Ok(Ran::Forward(request)) => State::Forward {
                inner: self.inner.call(request),
            },
            Ok(Ran::Answer(response)) => State::Answer {
                response: Some(Ok(response)),
            },
            Err(error) => State::Answer {
                response: Some(Err(error)),
            },
        };
        ChainFuture {
            state,
            back: Some(way),
        }
    }
}

pin_project! {
    /// Answers what the chain or the service behind it answers.
    pub(crate) struct ChainFuture<F> {
        #[pin]
        state: State<F>,
        back: Option<Way>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Forward { #[pin] inner: F },
        Answer { response: Option<Result<Response<Body>, BoxError>> },
    }
}

impl<F> Future for ChainFuture<F>
where
    F: Future<Output = Result<Response<Body>, BoxError>>,
{
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.state.project() {
            StateProj::Forward { inner } => ready!(inner.poll(cx))?,
            StateProj::Answer { response } => {
                response.take().expect("not polled after completion")?
            }
        };

        if let Some(way) = this.back.take() {
            way.back(&mut response);
        }
        Poll::Ready(Ok(response))
    }
}

/// One request's way through the steps and back.
struct Way {
    steps: Arc<[Step]>,
    /// How many steps the request has passed; the response passes the same.
    passed: usize,
    /// What the CORS step, of which a chain has one, decided.
    cors: Option<CorsResponse>,
}

enum Ran {
    Forward(Request<Body>),
    Answer(Response<Body>),
}

impl Way {
    fn forth(&mut self, mut request: Request<Body>) -> Result<Ran, BoxError> {
        let steps = Arc::clone(&self.steps);
        for step in steps.iter() {
            match step {
                Step::RequestHeaderModifier(modifier) => modifier.apply(request.headers_mut()),
                Step::RequestRedirect(redirect) => {
                    let response = redirect.response(&request, &RouteContext::of(&request))?;
                    return Ok(Ran::Answer(response));
                }
                Step::UrlRewrite(rewrite) => {
                    let context = RouteContext::of(&request);
                    rewrite.apply(&mut request, &context)?;
                }
                Step::RequestMirror(mirror) => {
                    if let Some(slot) = mirror.admit(&request) {
                        let (main, copies) = split(request, [slot.body_limit()]);
                        request = main.map(Body::new);
                        if let Some(copy) = copies.into_iter().next() {
                            slot.send(mirror.service(), copy);
                        }
                    }
                }
                Step::Cors(cors) => match cors.request(request.method(), request.headers()) {
                    CorsStep::Answer(preflight) => {
                        return Ok(Ran::Answer(preflight.into_response()));
                    }
                    CorsStep::Forward(response) => self.cors = Some(response),
                },
                // Nothing to do before there is a response.
                Step::ResponseHeaderModifier(_) => {}
                Step::Fail(unresolved) => return Err(unresolved.clone().into()),
            }
            self.passed += 1;
        }
        Ok(Ran::Forward(request))
    }

    fn back(mut self, response: &mut Response<Body>) {
        for step in self.steps[..self.passed].iter().rev() {
            match step {
                Step::ResponseHeaderModifier(modifier) => modifier.apply(response.headers_mut()),
                Step::Cors(_) => {
                    if let Some(cors) = self.cors.take() {
                        cors.apply(response.headers_mut());
                    }
                }
                Step::RequestHeaderModifier(_)
                | Step::RequestRedirect(_)
                | Step::UrlRewrite(_)
                | Step::RequestMirror(_)
                | Step::Fail(_) => {}
            }
        }
    }
}
