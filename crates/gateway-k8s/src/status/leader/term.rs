//! Until when a leader leads.

use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use kube::Client;
use kube::client::Body;
use tokio::time::Instant;
use tower::{BoxError, service_fn};

/// Until when this process leads, if it does. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Term(Arc<Mutex<Option<Instant>>>);

impl Term {
    pub(super) fn set(&self, until: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn lasts(&self) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// `client`, which changes nothing outside the term.
    pub(super) fn confine(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let term = self.clone();
        let confined = service_fn(move |request: Request<Body>| {
            let (term, client) = (term.clone(), client.clone());
            async move {
                if request.method().is_safe() || term.lasts() {
                    client.send(request).await.map_err(BoxError::from)
                } else {
                    Err(BoxError::from("does not lead any more"))
                }
            }
        });
        Client::new(confined, namespace)
    }
}
