//! One request and its response, from admission to rescue.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gateway_filters::{RouteContext, Scheme};
use gateway_lb::pool::UpgradedUpstream;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use pin_project_lite::pin_project;
use tower::Service;

use crate::admission::{Forwarded, Refused, Sender, Upgrade, admit, extend, strip_response};
use crate::listen::{Connection, InFlight, OnUpgrade};
use crate::live_table::{LiveTable, Place};
use crate::rescue::{Failure, NoRoute, UpgradeMismatch, rescue};
use crate::routing::{Match, RequestHead};
use crate::stack::{HashKeys, LiveRule, StackFuture, SwitchedAt};
use crate::telemetry::{Counted, Counting};
use crate::tls::Secured;
use crate::tunnel;
use crate::{Body, BoxError, grpc};

/// What is known of a request besides itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) scheme: Scheme,
    /// The listener's port, where there is a listener of ours.
    pub(crate) port: Option<u16>,
    /// The connection it came on, where that is one of ours.
    pub(crate) connection: Option<&'a Arc<Connection>>,
    /// What its handshake has told, where there was one.
    pub(crate) secured: Option<&'a Secured>,
    /// Who sent it; without this the request's own claims are left alone.
    pub(crate) forwarded: Option<&'a Forwarded>,
    /// Where it is counted, if it is.
    pub(crate) counting: Option<Counting<'a>>,
}

/// Begins an exchange: admits the request, finds its rule and calls the rule's
/// stack.
pub(crate) fn begin(
    table: &LiveTable,
    arrival: Arrival<'_>,
    mut request: Request<Body>,
) -> Exchange {
    let mut upgrade = None;
    let mut place = None;
    let http1 = request.version() <= Version::HTTP_11;
    let grpc = grpc::is_call(&request);
    let state = match route(table, arrival, &mut request, &mut upgrade, &mut place) {
        Ok(rule) => State::Rule {
            future: rule.stack.clone().call(request),
        },
        Err(error) => State::Refused { error: Some(error) },
    };
    Exchange {
        state,
        upgrade,
        counted: arrival.counting.map(|counting| counting.begin(place)),
        http1,
        grpc,
    }
}

fn route(
    table: &LiveTable,
    arrival: Arrival<'_>,
    request: &mut Request<Body>,
    upgrade: &mut Option<PendingUpgrade>,
    place: &mut Option<usize>,
) -> Result<Arc<LiveRule>, BoxError> {
    let on_upgrade = OnUpgrade::take(request);
    let admitted = admit(request)?;
    *upgrade = admitted
        .upgrade
        .zip(on_upgrade)
        .map(|(asked, client)| PendingUpgrade {
            asked,
            client,
            stay: arrival.connection.map(Stay::new),
        });

    let head = RequestHead {
        host: admitted.authority.host(),
        path: routed_path(request.uri()),
        query: request.uri().query(),
        method: request.method(),
        headers: request.headers(),
    };
    let found = table.find(&head).ok_or(NoRoute)?;
    *place = Some(found.index);
    if let Some(secured) = arrival.secured
        && !secured.is_for(found.listener)
    {
        return Err(Refused::Misdirected.into());
    }
    let rule = found.matched.as_ref().map(|matched| matched.rule);
    let rule = Arc::clone(rule.or(found.unrouted).ok_or(NoRoute)?);
    tell(&rule, &found, arrival, request);
    Ok(rule)
}

/// Tells the request what the stack of its rule has to know, and the backend who sent it.
fn tell(rule: &LiveRule, found: &Place<'_>, arrival: Arrival<'_>, request: &mut Request<Body>) {
    let sender = arrival.forwarded.map(|forwarded| {
        let proxies = found.listener.trusted_proxies();
        Sender::of(
            forwarded.peer(),
            proxies.map(|proxies| &**proxies),
            request.headers(),
        )
    });
    if let Some(needs) = &rule.needs {
        let extensions = request.extensions_mut();
        if needs.context {
            extensions.insert(context(arrival, found.matched.as_ref()));
        }
        needs.tell(extensions, sender);
    }
    if rule.tells_ends()
        && let Some(ends) = arrival.connection.and_then(|one| one.ends())
    {
        request.extensions_mut().insert(ends);
    }
    if let Some(client) = arrival.secured.and_then(Secured::client) {
        request.extensions_mut().insert(client.clone());
    }
    if let Some(keys) = HashKeys::of(&rule.backends, request, sender.map(|sender| sender.client)) {
        request.extensions_mut().insert(keys);
    }
    if let Some((forwarded, sender)) = arrival.forwarded.zip(sender) {
        forwarded.apply(request.headers_mut(), sender);
    }
}

/// `OPTIONS *` asks the server itself, of which `/` is the nearest that rules know.
fn routed_path(target: &Uri) -> &str {
    match target.path() {
        "*" => "/",
        path => path,
    }
}

fn context(arrival: Arrival<'_>, matched: Option<&Match<'_, Arc<LiveRule>>>) -> RouteContext {
    let mut context = RouteContext::new().with_scheme(arrival.scheme);
    if let Some(port) = arrival.port {
        context = context.with_listener_port(port);
    }
    if let Some(prefix) = matched.and_then(Match::matched_prefix) {
        context = context.with_matched_prefix(Arc::clone(prefix));
    }
    context
}

/// A client that waits for its connection to become another protocol.
struct PendingUpgrade {
    asked: Upgrade,
    client: OnUpgrade,
    stay: Option<Stay>,
}

/// A connection that counts as one with a request in flight: drains wait for it.
pub(crate) struct Stay {
    _in_flight: InFlight,
    _connection: Arc<Connection>,
}

impl Stay {
    fn new(connection: &Arc<Connection>) -> Self {
        Self {
            _in_flight: connection.watch().begin(),
            _connection: Arc::clone(connection),
        }
    }
}

pin_project! {
    /// Resolves to the response, whatever happens. Dropping it gives the request
    /// up, at the backend too.
    pub(crate) struct Exchange {
        #[pin]
        state: State,
        upgrade: Option<PendingUpgrade>,
        counted: Option<Counted>,
        http1: bool,
        grpc: bool,
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        Rule { future: StackFuture },
        Refused { error: Option<BoxError> },
    }
}

impl Exchange {
    /// Keeps the request counted as one in flight after its response has begun.
    pub(crate) fn take_counted(self: Pin<&mut Self>) -> Option<Counted> {
        self.project().counted.take()
    }
}

impl Future for Exchange {
    type Output = Response<Body>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        let this = self.project();
        let result = match this.state.project() {
            StateProj::Rule { future } => ready!(future.as_mut().poll(cx)),
            StateProj::Refused { error } => Err(error.take().expect("not polled after completion")),
        };

        let result = result.and_then(|response| complete(response, this.upgrade.take()));
        let (response, failure) = match result {
            Ok(response) => {
                // That of a failure may have been made further inside.
                let failure = response.extensions().get::<Failure>().copied();
                (response, failure)
            }
            Err(error) => rescued(&error, *this.http1, *this.grpc),
        };
        if let Some(counted) = this.counted {
            counted.answered(response.status(), failure);
        }
        Poll::Ready(response)
    }
}

fn rescued(error: &BoxError, http1: bool, grpc: bool) -> (Response<Body>, Option<Failure>) {
    let (failure, mut response) = rescue(error, grpc);
    tracing::debug!(reason = failure.reason, status = failure.status.as_u16(), error = %Chain(&**error), "request failed");
    if error.is::<Refused>() && http1 {
        // Who sends one thing that can be read in two ways sends more of it.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    (response, Some(failure))
}

/// What is left to do for a response before the client gets it.
fn complete(
    mut response: Response<Body>,
    upgrade: Option<PendingUpgrade>,
) -> Result<Response<Body>, BoxError> {
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let extended = upgrade.is_some_and(|upgrade| upgrade.asked.is_extended());
        if extended && status.is_success() {
            // Its client would take this for the switch that did not happen.
            return Err(UpgradeMismatch::Ignored.into());
        }
        strip_response(response.headers_mut());
        return Ok(response);
    }

    let upstream = response
        .extensions_mut()
        .remove::<UpgradedUpstream>()
        .and_then(|upgraded| upgraded.take());
    match (upgrade, upstream) {
        (Some(pending), Some(upstream)) if pending.asked.is_answered_by(response.headers()) => {
            if pending.asked.is_extended() {
                extend(&mut response);
            }
            let endpoint = response.extensions_mut().remove::<SwitchedAt>();
            let held = (pending.stay, endpoint);
            tokio::spawn(tunnel::run(pending.client, upstream, held));
            Ok(response)
        }
        _ => Err(UpgradeMismatch::Unasked.into()),
    }
}

/// An error with its sources, each level once.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
