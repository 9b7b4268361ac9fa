//! The listeners of one address that are told apart by the name a client asks for.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::names::NameIndex;
use super::termination::Terminator;
use crate::model::{Listener, Protocol, TlsMode, TlsTermination};

/// Listeners on one address and port, by hostname.
#[derive(Debug, Default)]
pub(crate) struct TlsTable {
    listeners: Vec<Arc<TlsListener>>,
    names: NameIndex<Option<Arc<TlsListener>>>,
    /// The one without a hostname.
    any: Option<Arc<TlsListener>>,
}

/// A listener, and what is done with its connections.
#[derive(Debug)]
pub(crate) struct TlsListener {
    pub(crate) listener: Arc<Listener>,
    pub(crate) purpose: Purpose,
}

/// What is done with connections. Complete.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// HTTP is spoken in them.
    Http(Arc<Terminator>),
    /// They are closed.
    Nothing,
}

impl TlsTable {
    /// A table of those `listeners` that speak TLS. Of two for one hostname the first
    /// gets the connections. What is there for equal settings is kept, so that
    /// sessions can be resumed.
    pub(crate) fn updated(&self, listeners: &[Arc<Listener>]) -> Self {
        let mut known = self.terminators();
        let mut table = Self::default();
        for listener in listeners {
            let purpose = match listener.protocol() {
                Protocol::Https(settings) => match known.terminator(settings, Spoken::Http) {
                    Some(terminator) => Purpose::Http(terminator),
                    None => Purpose::Nothing,
                },
                Protocol::Tls(TlsMode::Terminate(_) | TlsMode::Passthrough) => Purpose::Nothing,
                Protocol::Http | Protocol::Tcp | Protocol::Udp => continue,
            };
            table.add(TlsListener {
                listener: Arc::clone(listener),
                purpose,
            });
        }
        table
    }

    /// The listener for clients that ask for `name` (lower case), or for none.
    pub(crate) fn choose<'a>(&'a self, name: Option<&str>) -> Option<&'a Arc<TlsListener>> {
        let named = name.and_then(|name| self.names.matching(name).flatten().next());
        named.or(self.any.as_ref())
    }

    fn add(&mut self, listener: TlsListener) {
        let listener = Arc::new(listener);
        let place = match listener.listener.hostname() {
            Some(hostname) => self.names.entry(hostname.as_str()),
            None => &mut self.any,
        };
        place.get_or_insert_with(|| Arc::clone(&listener));
        self.listeners.push(listener);
    }

    fn terminators(&self) -> Terminators {
        let mut terminators = Terminators::default();
        for listener in &self.listeners {
            if let Purpose::Http(terminator) = &listener.purpose {
                let key = (Arc::clone(terminator.settings()), Spoken::Http);
                terminators.known.insert(key, Arc::clone(terminator));
            }
        }
        terminators
    }
}

/// What is spoken inside.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Spoken {
    Http,
}

/// Terminators by their settings.
#[derive(Default)]
struct Terminators {
    known: HashMap<(Arc<TlsTermination>, Spoken), Arc<Terminator>, RandomState>,
}

impl Terminators {
    fn terminator(
        &mut self,
        settings: &Arc<TlsTermination>,
        spoken: Spoken,
    ) -> Option<Arc<Terminator>> {
        let key = (Arc::clone(settings), spoken);
        if let Some(known) = self.known.get(&key) {
            return Some(Arc::clone(known));
        }
        let protocols: &[&[u8]] = match spoken {
            Spoken::Http if settings.http2() => &[b"h2", b"http/1.1"],
            Spoken::Http => &[b"http/1.1"],
        };
        match Terminator::new(settings, protocols) {
            Ok(terminator) => {
                let terminator = Arc::new(terminator);
                self.known.insert(key, Arc::clone(&terminator));
                Some(terminator)
            }
            Err(error) => {
                tracing::error!(%error, "a listener's TLS cannot be served");
                None
            }
        }
    }
}
