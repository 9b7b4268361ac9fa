//! How many copies are under way, and where they run.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Buf;
use http::{Request, Response};
use http_body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tower_service::Service;

use super::body::MirrorBody;
use super::lots::Lots;
use super::settings::MirrorSettings;
use crate::tunnel::asks_for_tunnel;

/// Admits requests to one mirror.
///
/// Clones share the count of copies under way, and the lots by which requests are
/// chosen where these are neither all nor none.
///
/// ```
/// use gateway_filters::mirror::Mirrors;
/// use gateway_filters::{Fraction, MirrorSettings};
/// use http::Request;
///
/// let mirrors = Mirrors::new(MirrorSettings::new().with_max_in_flight(1));
/// let request = Request::new(());
///
/// let slot = mirrors.admit(&request);
///
/// assert!(slot.is_some());
/// assert!(mirrors.admit(&request).is_none());
/// assert_eq!((mirrors.sent(), mirrors.dropped()), (0, 1));
/// ```
#[derive(Clone, Debug)]
pub struct Mirrors {
    settings: MirrorSettings,
    shared: Arc<Shared>,
}

impl Mirrors {
    /// Admits requests as `settings` say.
    #[must_use]
    pub fn new(settings: MirrorSettings) -> Self {
        let permits = settings.max_in_flight().min(Semaphore::MAX_PERMITS);
        let shared = Shared {
            in_flight: Arc::new(Semaphore::new(permits)),
            lots: Lots::default(),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        };
        Self {
            settings,
            shared: Arc::new(shared),
        }
    }

    /// A place for a copy of `request`, if it is chosen and there is one.
    pub fn admit<B>(&self, request: &Request<B>) -> Option<Slot> {
        if !self.shared.lots.draw(self.settings.fraction()) {
            return None;
        }
        if asks_for_tunnel(request.method(), request.headers()) {
            return None;
        }
        let Ok(permit) = Arc::clone(&self.shared.in_flight).try_acquire_owned() else {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        Some(Slot {
            settings: self.settings,
            shared: Arc::clone(&self.shared),
            permit,
        })
    }

    /// How many copies have been sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// How many requests were chosen, but not mirrored because too many copies
    /// were under way.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

/// The place of one copy among those under way.
///
/// Dropping it frees the place, and sends nothing.
#[derive(Debug)]
pub struct Slot {
    settings: MirrorSettings,
    shared: Arc<Shared>,
    permit: OwnedSemaphorePermit,
}

impl Slot {
    /// How many bytes of the body may be queued, for [`split`](super::split).
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.settings.body_limit()
    }

    /// Sends `copy` to `service` in a task of its own, and ignores the answer.
    ///
    /// The answer's body is read, up to 1 MiB, so that the connection can be used
    /// again.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn send<M, R>(self, service: M, copy: Request<MirrorBody>)
    where
        M: Service<Request<MirrorBody>, Response = Response<R>> + Send + 'static,
        M::Future: Send,
        R: Body + Send + 'static,
    {
        self.spawn(exchange(service, copy));
    }

    /// Runs `copy` in a task of its own, within the settings' time.
    ///
    /// For those who send copies in a way of their own.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn<F>(self, copy: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.shared.sent.fetch_add(1, Ordering::Relaxed);
        let limit = self.settings.timeout();
        let permit = self.permit;
        tokio::spawn(async move {
            within(limit, copy).await;
            drop(permit);
        });
    }
}

#[derive(Debug)]
struct Shared {
    in_flight: Arc<Semaphore>,
    lots: Lots,
    sent: AtomicU64,
    dropped: AtomicU64,
}

async fn within(limit: Option<Duration>, copy: impl Future<Output = ()>) {
    match limit {
        // A copy that is late is a copy whose answer is ignored, like any other.
        Some(limit) => drop(timeout(limit, copy).await),
        None => copy.await,
    }
}

async fn exchange<M, R>(mut service: M, copy: Request<MirrorBody>)
where
    M: Service<Request<MirrorBody>, Response = Response<R>>,
    R: Body,
{
    if poll_fn(|cx| service.poll_ready(cx)).await.is_err() {
        return;
    }
    if let Some(body) = service.call(copy).await.ok().map(Response::into_body) {
        drain(body).await;
    }
}

async fn drain(body: impl Body) {
    let mut body = pin!(body);
    let mut read = 0;
    while read <= DRAINED {
        let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await else {
            return;
        };
        read += frame.data_ref().map_or(0, Buf::remaining);
    }
}

/// Reading more of an answer costs more than another connection.
const DRAINED: usize = 1024 * 1024;
