//! Fetching keys, again and again.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use http::{Request, Response, StatusCode, Uri, header};
use http_body::Body;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tower_service::Service;

use super::error::JwksNotFetched;
use super::keys::Jwks;
use super::source::{JwksSource, Shared};
use crate::BoxError;

/// How keys are fetched.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct JwksRefresh {
    uri: Uri,
    interval: Duration,
    timeout: Duration,
    pause: Duration,
}

impl JwksRefresh {
    /// Fetches keys from `uri` every 5 minutes, with 5 seconds for each try.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self {
            uri,
            interval: Duration::from_secs(300),
            timeout: Duration::from_secs(5),
            pause: Duration::from_secs(1),
        }
    }

    /// Fetches them this often; not more often than every second. The default is 5 minutes.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_secs(1));
        self
    }

    /// Gives a try up after this long. The default is 5 seconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long to wait after so many failures: a second, doubled with each up to half a minute,
    /// at random between the half and the whole, and no longer than the interval.
    fn pause_after(&self, failures: u32) -> Duration {
        let factor = 1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let most = self.pause.saturating_mul(factor);
        let most = most.min(LONGEST_PAUSE).min(self.interval);
        most.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

impl JwksSource {
    /// Keeps the keys up to date, until nobody has this source any more.
    ///
    /// `client` is asked for the key set with a GET. What goes wrong is told to `failed`; the keys
    /// that are there stay. Dropping the future ends the refreshing, and nothing else.
    pub fn refresh<C, F, ReqBody, ResBody>(
        &self,
        how: JwksRefresh,
        client: C,
        failed: F,
    ) -> impl Future<Output = ()> + use<C, F, ReqBody, ResBody>
    where
        F: FnMut(JwksNotFetched),
        C: Service<Request<ReqBody>, Response = Response<ResBody>>,
        C::Error: Into<BoxError>,
        ReqBody: Default,
        ResBody: Body,
        ResBody::Error: Into<BoxError>,
    {
        run(Arc::downgrade(&self.shared), how, client, failed)
    }
}

async fn run<C, ReqBody, ResBody>(
    shared: Weak<Shared>,
    how: JwksRefresh,
    mut client: C,
    mut failed: impl FnMut(JwksNotFetched),
) where
    C: Service<Request<ReqBody>, Response = Response<ResBody>>,
    C::Error: Into<BoxError>,
    ReqBody: Default,
    ResBody: Body,
    ResBody::Error: Into<BoxError>,
{
    let mut failures = 0;
    while shared.strong_count() > 0 {
        let fetched = timeout(how.timeout, fetch(&how.uri, &mut client)).await;
        let fetched = fetched.unwrap_or(Err(JwksNotFetched::TimedOut));
        let Some(there) = shared.upgrade() else {
            return;
        };
        let pause = match fetched {
            Ok(keys) => {
                there.keys.store(Some(Arc::new(keys)));
                failures = 0;
                how.interval
            }
            Err(error) => {
                failures += 1;
                failed(error);
                how.pause_after(failures)
            }
        };
        drop(there);
        wait(&shared, pause).await;
    }
}

/// Waits for `pause` to pass, or for a key that is wanted, but not too eagerly.
async fn wait(shared: &Weak<Shared>, pause: Duration) {
    let now = Instant::now();
    sleep_until(now + EAGERNESS.min(pause)).await;
    // In steps, so that a source that nobody has any more is not kept by its own refreshing.
    // A pause that no clock can count never ends, and keys come when they are wanted.
    let due = now.checked_add(pause);
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let later = Instant::now() + EAGERNESS;
        let step = due.map_or(later, |due| due.min(later));
        let asked = timeout_at(step, shared.wanted.notified()).await;
        if asked.is_ok() || due.is_some_and(|due| step >= due) {
            return;
        }
    }
}

async fn fetch<C, ReqBody, ResBody>(uri: &Uri, client: &mut C) -> Result<Jwks, JwksNotFetched>
where
    C: Service<Request<ReqBody>, Response = Response<ResBody>>,
    C::Error: Into<BoxError>,
    ReqBody: Default,
    ResBody: Body,
    ResBody::Error: Into<BoxError>,
{
    let client_failed = |error: C::Error| JwksNotFetched::Client(error.into());
    poll_fn(|cx| client.poll_ready(cx))
        .await
        .map_err(client_failed)?;
    let mut request = Request::new(ReqBody::default());
    *request.uri_mut() = uri.clone();
    if let Some(host) = uri.authority()
        && let Ok(host) = host.as_str().parse()
    {
        request.headers_mut().insert(header::HOST, host);
    }
    let response = client.call(request).await.map_err(client_failed)?;
    if response.status() != StatusCode::OK {
        return Err(JwksNotFetched::Status {
            status: response.status(),
        });
    }
    let json = read(response.into_body()).await?;
    let keys = Jwks::parse(&json).and_then(Jwks::public);
    keys.map_err(JwksNotFetched::Unreadable)
}

async fn read<B>(body: B) -> Result<BytesMut, JwksNotFetched>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut json = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|error| JwksNotFetched::Client(error.into()))?;
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        if json.len() + data.remaining() > MOST_BYTES {
            return Err(JwksNotFetched::TooLong { limit: MOST_BYTES });
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            json.extend_from_slice(chunk);
            data.advance(length);
        }
    }
    Ok(json)
}

/// Keys that are not known may be made up: they cause no more than one fetch in this time.
const EAGERNESS: Duration = Duration::from_secs(10);

/// A server that is back is found after no longer than this, however rarely keys change.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

const MOST_BYTES: usize = 1 << 20;
