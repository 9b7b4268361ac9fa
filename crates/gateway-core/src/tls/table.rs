//! The listeners of one address that are told apart by the name a client asks for.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::names::NameIndex;
use super::routes::{Known, Routes};
use super::termination::Terminator;
use crate::l4::policy::{Entry, NoEntry};
use crate::model::{Listener, Protocol, SectionName, StreamRouteKind, TlsMode, TlsTermination};
use crate::stack::Assembler;

/// Listeners on one address and port, by hostname.
#[derive(Debug, Default)]
pub(crate) struct TlsTable {
    listeners: Vec<Arc<TlsListener>>,
    names: NameIndex<Option<Arc<TlsListener>>>,
    /// The one without a hostname.
    any: Option<Arc<TlsListener>>,
    /// What each listener asks of addresses, if all of them do.
    entries: Box<[Entry]>,
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
    /// They are decrypted, and HTTP is spoken in them.
    Http(Arc<Terminator>),
    /// They are decrypted and forwarded.
    Terminate(Arc<Terminator>, Routes),
    /// They are forwarded as they are.
    Passthrough(Routes),
    /// They are closed: no handshake can succeed with the settings.
    Nothing,
}

impl TlsTable {
    /// A table of those `listeners` that speak TLS. Of two for one hostname the first
    /// gets the connections.
    ///
    /// What is there for equal settings and equal routes is kept from `before`, so
    /// that sessions can be resumed and weights are kept.
    pub(crate) fn updated(
        before: Option<&Self>,
        listeners: &[Arc<Listener>],
        assembler: &Assembler,
    ) -> Self {
        let mut builder = Builder::of(before, assembler);
        let mut table = Self::default();
        for listener in listeners {
            if let Some(purpose) = builder.purpose(listener) {
                table.add(TlsListener {
                    listener: Arc::clone(listener),
                    purpose,
                });
            }
        }
        table.entries = entries(&table.listeners);
        table
    }

    /// Whether a listener is for clients with this address, whatever name they ask for.
    pub(crate) fn check_address(&self, client: IpAddr) -> Result<(), NoEntry> {
        let mut last = Ok(());
        for entry in &self.entries {
            last = entry.check_address(client);
            if last.is_ok() {
                break;
            }
        }
        last
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
}

/// What may be asked before it is known which of `listeners` is meant; nothing, if one of
/// them asks nothing, or has answers for those that it refuses.
fn entries(listeners: &[Arc<TlsListener>]) -> Box<[Entry]> {
    let entry = |live: &Arc<TlsListener>| {
        let sets = live.listener.policies().iter();
        let entry = Entry::by_addresses(sets.flat_map(|set| set.policies()));
        let refuses = live.purpose.routes().is_some() && !entry.is_open();
        refuses.then_some(entry)
    };
    let entries = listeners.iter().map(entry).collect::<Option<_>>();
    entries.unwrap_or_default()
}

impl Purpose {
    fn routes(&self) -> Option<&Routes> {
        match self {
            Self::Terminate(_, routes) | Self::Passthrough(routes) => Some(routes),
            Self::Http(_) | Self::Nothing => None,
        }
    }
}

/// What is spoken inside.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Spoken {
    Http,
    Anything,
}

/// Makes what listeners need, or takes it from the table before.
struct Builder<'a> {
    terminators: HashMap<(Arc<TlsTermination>, Spoken), Arc<Terminator>, RandomState>,
    listeners: HashMap<&'a SectionName, &'a TlsListener, RandomState>,
    assembler: &'a Assembler,
}

impl<'a> Builder<'a> {
    fn of(before: Option<&'a TlsTable>, assembler: &'a Assembler) -> Self {
        let mut builder = Self {
            terminators: HashMap::default(),
            listeners: HashMap::default(),
            assembler,
        };
        for listener in before.into_iter().flat_map(|table| &table.listeners) {
            let (terminator, spoken) = match &listener.purpose {
                Purpose::Http(terminator) => (Some(terminator), Spoken::Http),
                Purpose::Terminate(terminator, _) => (Some(terminator), Spoken::Anything),
                Purpose::Passthrough(_) | Purpose::Nothing => (None, Spoken::Anything),
            };
            if let Some(terminator) = terminator {
                let key = (Arc::clone(terminator.settings()), spoken);
                builder.terminators.insert(key, Arc::clone(terminator));
            }
            builder.listeners.insert(listener.listener.name(), listener);
        }
        builder
    }

    /// What is done with the connections of `listener`, if it speaks TLS.
    fn purpose(&mut self, listener: &Arc<Listener>) -> Option<Purpose> {
        Some(match listener.protocol() {
            Protocol::Https(settings) => match self.terminator(settings, Spoken::Http) {
                Some(terminator) => Purpose::Http(terminator),
                None => Purpose::Nothing,
            },
            Protocol::Tls(TlsMode::Terminate(settings)) => {
                // TCPRoute is an extension: the API knows TLSRoute only.
                let kinds = &[StreamRouteKind::Tls, StreamRouteKind::Tcp];
                match self.terminator(settings, Spoken::Anything) {
                    Some(terminator) => {
                        Purpose::Terminate(terminator, self.routes(listener, kinds))
                    }
                    None => Purpose::Nothing,
                }
            }
            Protocol::Tls(TlsMode::Passthrough) => {
                Purpose::Passthrough(self.routes(listener, &[StreamRouteKind::Tls]))
            }
            Protocol::Http | Protocol::Tcp | Protocol::Udp => return None,
        })
    }

    fn routes(&self, listener: &Listener, kinds: &[StreamRouteKind]) -> Routes {
        let before = self.listeners.get(listener.name());
        let known = Known(before.and_then(|before| before.purpose.routes()));
        Routes::new(listener, kinds, &known, self.assembler)
    }

    fn terminator(
        &mut self,
        settings: &Arc<TlsTermination>,
        spoken: Spoken,
    ) -> Option<Arc<Terminator>> {
        let key = (Arc::clone(settings), spoken);
        if let Some(known) = self.terminators.get(&key) {
            return Some(Arc::clone(known));
        }
        let protocols: &[&[u8]] = match spoken {
            Spoken::Http if settings.http2() => &[b"h2", b"http/1.1"],
            Spoken::Http => &[b"http/1.1"],
            Spoken::Anything => &[],
        };
        match Terminator::new(settings, protocols) {
            Ok(terminator) => {
                let terminator = Arc::new(terminator);
                self.terminators.insert(key, Arc::clone(&terminator));
                Some(terminator)
            }
            Err(error) => {
                tracing::error!(%error, "a listener's TLS cannot be served");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_lb::pool::{Pool, PoolSettings};
    use proptest::prelude::*;

    use super::*;
    use crate::l4::StreamLayers;
    use crate::model::{Certificate, Hostname};
    use crate::stack::{Backends, Extensions};

    fn assembler() -> Assembler {
        let backends = Backends::new(Pool::new(PoolSettings::default()));
        Assembler::new(backends, Extensions::default(), StreamLayers::default())
    }

    fn listener(number: usize, hostname: Option<&str>, protocol: Protocol) -> Arc<Listener> {
        let listener = Listener::new(&*format!("listener-{number}"), 443, protocol);
        Arc::new(match hostname {
            Some(hostname) => listener.with_hostname(Hostname::new(hostname).unwrap()),
            None => listener,
        })
    }

    fn settings(name: &str) -> TlsTermination {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let chain = params.self_signed(&key).unwrap().pem();
        let key = key.serialize_pem();
        TlsTermination::new(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap())
    }

    fn terminator(table: &TlsTable, name: &str) -> Arc<Terminator> {
        match &table.choose(Some(name)).unwrap().purpose {
            Purpose::Http(terminator) | Purpose::Terminate(terminator, _) => Arc::clone(terminator),
            Purpose::Passthrough(_) | Purpose::Nothing => panic!("nothing is decrypted"),
        }
    }

    proptest! {
        /// The listener is the first of those with the most specific hostname.
        #[test]
        fn choice_agrees_with_the_plain_reading(
            hostnames in prop::collection::vec(
                prop::option::of("(\\*\\.)?[ab](\\.[ab]){0,2}"), 0..8,
            ),
            name in prop::option::of("[ab](\\.[ab]){0,3}"),
        ) {
            let listeners: Vec<_> = hostnames
                .iter()
                .enumerate()
                .map(|(number, hostname)| {
                    listener(number, hostname.as_deref(), Protocol::Tls(TlsMode::Passthrough))
                })
                .collect();
            let rank = |listener: &Arc<Listener>| match (listener.hostname(), &name) {
                (None, _) => Some((0, 0)),
                (Some(hostname), Some(name)) if hostname.matches(name) => {
                    Some((2 - u8::from(hostname.is_wildcard()), hostname.as_str().len()))
                }
                (Some(_), _) => None,
            };
            let expected = listeners
                .iter()
                .rev()
                .filter(|listener| rank(listener).is_some())
                .max_by_key(|listener| rank(listener));

            let table = TlsTable::updated(None, &listeners, &assembler());
            let found = table.choose(name.as_deref());

            prop_assert_eq!(found.map(|found| found.listener.name()), expected.map(|one| one.name()));
        }
    }

    #[test]
    fn equal_settings_keep_their_sessions_and_others_share_none() {
        let (one, other) = (settings("a.test"), settings("b.test"));
        let https = |settings: &TlsTermination| Protocol::Https(Arc::new(settings.clone()));
        let tls = Protocol::Tls(TlsMode::Terminate(Arc::new(one.clone())));
        let listeners = [
            listener(0, Some("a.test"), https(&one)),
            listener(1, Some("b.test"), https(&other)),
            listener(2, Some("c.test"), tls),
        ];
        let before = TlsTable::updated(None, &listeners, &assembler());

        let renamed = [
            listener(7, Some("a.test"), https(&one)),
            listener(1, Some("b.test"), https(&other.clone().with_http2(false))),
        ];
        let after = TlsTable::updated(Some(&before), &renamed, &assembler());

        let kept = Arc::ptr_eq(
            &terminator(&before, "a.test"),
            &terminator(&after, "a.test"),
        );
        assert!(kept);
        let mut all = vec![terminator(&after, "b.test")];
        all.extend(["a.test", "b.test", "c.test"].map(|name| terminator(&before, name)));
        for (place, one) in all.iter().enumerate() {
            assert!(
                all[place + 1..]
                    .iter()
                    .all(|other| !Arc::ptr_eq(one, other))
            );
        }
    }

    fn guarded(place: usize, hostname: &str, denied: &[&str]) -> Arc<Listener> {
        let denied = gateway_filters::CidrSet::parse(denied).unwrap();
        let access = gateway_filters::AccessControl::new().deny_addresses(denied);
        let set = crate::model::PolicySet::new(hostname);
        let set = set.with(crate::model::Policy::Access(Arc::new(access)));
        let passthrough = Protocol::Tls(TlsMode::Passthrough);
        let listener = listener(place, Some(hostname), passthrough);
        Arc::new(Listener::clone(&listener).with_policies(set))
    }

    #[test]
    fn clients_that_no_listener_is_for_need_not_say_anything() {
        let one = guarded(0, "a.test", &["192.0.2.0/24", "198.51.100.1"]);
        let other = guarded(1, "b.test", &["192.0.2.0/25"]);
        let https = listener(2, None, Protocol::Https(Arc::new(settings("c.test"))));
        let closed_to = |listeners: &[Arc<Listener>]| {
            let table = TlsTable::updated(None, listeners, &assembler());
            ["192.0.2.1", "192.0.2.200", "198.51.100.1", "203.0.113.1"]
                .map(|client| table.check_address(client.parse().unwrap()).is_err())
        };

        assert_eq!(closed_to(&[Arc::clone(&one)]), [true, true, true, false]);
        let both = [one, other];
        assert_eq!(closed_to(&both), [true, false, false, false]);
        // Requests are answered, if they are refused.
        let mixed = [both, [https.clone(), https]].concat();
        assert_eq!(closed_to(&mixed), [false; 4]);
        assert_eq!(closed_to(&[]), [false; 4]);
    }

    #[test]
    fn settings_that_cannot_be_served_close_their_connections_only() {
        let hopeless = settings("a.test").with_cipher_suites(["TLS_FROM_MARS"]);
        let listeners = [
            listener(0, Some("a.test"), Protocol::Https(Arc::new(hopeless))),
            listener(1, None, Protocol::Https(Arc::new(settings("b.test")))),
        ];

        let table = TlsTable::updated(None, &listeners, &assembler());

        let purpose = |name| &table.choose(Some(name)).unwrap().purpose;
        assert!(matches!(purpose("a.test"), Purpose::Nothing));
        assert!(matches!(purpose("b.test"), Purpose::Http(_)));
    }
}
