//! Which endpoint gets a request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use gateway_filters::retry::TriedEndpoints;
use gateway_lb::balance::{NoReadyEndpoint, Pick};
use gateway_lb::persistence::Sessions;
use http::{HeaderName, HeaderValue, Request};

use super::live::{Active, LiveBackend};
use crate::Body;

/// What backends hash by, of a request as the client has sent it: an extension, where one of a
/// rule's backends hashes.
#[derive(Clone, Debug, Default)]
pub(crate) struct HashKeys(Vec<(usize, u64)>);

impl HashKeys {
    /// Of `request`, for those of `backends` that want one.
    pub(crate) fn of<B>(
        backends: &[Arc<LiveBackend>],
        request: &Request<B>,
        client: Option<std::net::IpAddr>,
    ) -> Option<Self> {
        let mut keys = Vec::new();
        for backend in backends {
            if let Some(key) = backend.key(request.uri(), request.headers(), client) {
                keys.push((identity(backend), key));
            }
        }
        (!keys.is_empty()).then_some(Self(keys))
    }

    fn for_backend(&self, backend: &LiveBackend) -> Option<u64> {
        let mut keys = self.0.iter();
        let (_, key) = keys.find(|(known, _)| *known == identity(backend))?;
        Some(*key)
    }
}

/// It stays where it is for as long as its rule does.
fn identity(backend: &LiveBackend) -> usize {
    std::ptr::from_ref(backend).addr()
}

/// The sessions of the rule that a request belongs to: an extension.
#[derive(Clone, Debug)]
pub(super) struct RuleSessions(pub(super) Arc<Sessions>);

/// An endpoint, and what the client is to be told for it to come back there.
pub(super) struct Chosen {
    pub(super) pick: Pick,
    pub(super) told: Option<(HeaderName, HeaderValue)>,
}

/// Its session's endpoint, or the one that its key hashes to, or any; and for each try another,
/// as long as there is another.
pub(super) fn choose(
    backend: &LiveBackend,
    active: &Active,
    request: &Request<Body>,
) -> Result<Chosen, NoReadyEndpoint> {
    let extensions = request.extensions();
    let tried = extensions.get::<TriedEndpoints>();
    let avoid = tried.map(TriedEndpoints::addresses).unwrap_or_default();
    if let Some((tried, budget)) = tried.zip(active.retry_budget.as_ref()) {
        tried.charge(budget);
    }

    let of_rule = extensions.get::<RuleSessions>().map(|sessions| &sessions.0);
    let chosen = match of_rule.or(active.sessions.as_ref()) {
        Some(sessions) => in_session(sessions, backend, active, request, &avoid)?,
        None => Chosen {
            pick: pick(backend, active, request, &avoid)?,
            told: None,
        },
    };
    if let Some(tried) = tried {
        tried.note(chosen.pick.address());
    }
    Ok(chosen)
}

fn in_session(
    sessions: &Sessions,
    backend: &LiveBackend,
    active: &Active,
    request: &Request<Body>,
    avoid: &[SocketAddr],
) -> Result<Chosen, NoReadyEndpoint> {
    let now = SystemTime::now();
    let kept = sessions
        .read(request.headers(), now)
        .filter(|token| !avoid.contains(&token.address()))
        .and_then(|token| active.balancer.pick_at(token.address()));
    if let Some(pick) = kept {
        return Ok(Chosen { pick, told: None });
    }

    let pick = pick(backend, active, request, avoid)?;
    let told = sessions.issue(request.headers(), pick.address(), now);
    Ok(Chosen { pick, told })
}

fn pick(
    backend: &LiveBackend,
    active: &Active,
    request: &Request<Body>,
    avoid: &[SocketAddr],
) -> Result<Pick, NoReadyEndpoint> {
    let keys = request.extensions().get::<HashKeys>();
    match keys.and_then(|keys| keys.for_backend(backend)) {
        Some(key) => active.balancer.pick_keyed_avoiding(key, avoid),
        None => active.balancer.pick_avoiding(avoid),
    }
}
