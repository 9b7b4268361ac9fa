//! A request, and what has to come of it.

mod sending;

use gateway_tests::TlsClient;

use crate::cluster::INFRA;

pub(crate) use self::sending::echo;

/// The first backend of most tests.
pub(crate) const V1: &str = "infra-backend-v1";
/// The second.
pub(crate) const V2: &str = "infra-backend-v2";
/// The third, of which there is only one pod.
pub(crate) const V3: &str = "infra-backend-v3";

/// A GET of `target`, without expectations.
pub(crate) fn get(target: &str) -> Exchange {
    request("GET", target)
}

/// A request of `target`, without expectations.
pub(crate) fn request(method: &str, target: &str) -> Exchange {
    Exchange {
        method: method.to_owned(),
        target: target.to_owned(),
        host: None,
        headers: Vec::new(),
        is_http2: false,
        tls: None,
        statuses: vec![200],
        sent: None,
        answered: Vec::new(),
        unanswered: Vec::new(),
        redirect: None,
    }
}

/// A request, and what has to come of it: 200, unless something else is said.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    method: String,
    target: String,
    host: Option<String>,
    headers: Vec<(String, String)>,
    is_http2: bool,
    tls: Option<(TlsClient, String)>,
    statuses: Vec<u16>,
    sent: Option<Sent>,
    /// Fields of the response, and their possible values.
    answered: Vec<(String, Vec<String>)>,
    unanswered: Vec<String>,
    redirect: Option<Redirect>,
}

/// What has to arrive at a backend.
#[derive(Clone, Debug)]
struct Sent {
    namespace: String,
    backend: String,
    target: Option<String>,
    host: Option<String>,
    headers: Vec<(String, String)>,
    absent: Vec<String>,
    /// The name that TLS asked for.
    sni: Option<String>,
}

/// Where a redirect has to lead; nothing is as in the request.
#[derive(Clone, Debug, Default)]
struct Redirect {
    scheme: Option<&'static str>,
    host: Option<&'static str>,
    port: Option<u16>,
    path: Option<&'static str>,
}

/// The request.
impl Exchange {
    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Over HTTP/2 with prior knowledge.
    pub(crate) fn over_http2(mut self) -> Self {
        self.is_http2 = true;
        self
    }

    /// Over TLS, asking for this name.
    pub(crate) fn over_tls(mut self, client: &TlsClient, name: &str) -> Self {
        self.tls = Some((client.clone(), name.to_owned()));
        self
    }

    /// Has the backend answer with these fields.
    pub(crate) fn backend_sets(self, headers: &[(&str, &str)]) -> Self {
        let pairs: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        self.header("X-Echo-Set-Header", &pairs.join(","))
    }

    /// With another parameter in the query.
    pub(crate) fn parameter(mut self, name: &str, value: &str) -> Self {
        let mark = if self.target.contains('?') { '&' } else { '?' };
        self.target = format!("{}{mark}{name}={value}", self.target);
        self
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }
}

/// What has to come of it.
impl Exchange {
    pub(crate) fn is(self, status: u16) -> Self {
        self.one_of(&[status])
    }

    pub(crate) fn one_of(mut self, statuses: &[u16]) -> Self {
        self.statuses = statuses.to_vec();
        self
    }

    /// A pod of this Deployment answers, and was sent what was asked.
    pub(crate) fn reaches(self, backend: &str) -> Self {
        self.reaches_in(INFRA, backend)
    }

    pub(crate) fn reaches_in(mut self, namespace: &str, backend: &str) -> Self {
        self.sent = Some(Sent {
            namespace: namespace.to_owned(),
            backend: backend.to_owned(),
            target: None,
            host: None,
            headers: self
                .headers
                .iter()
                .filter(|(name, _)| !name.eq_ignore_ascii_case("X-Echo-Set-Header"))
                .cloned()
                .collect(),
            absent: Vec::new(),
            sni: None,
        });
        self
    }

    /// With this target instead of the one that was asked for.
    pub(crate) fn with_target(mut self, target: &str) -> Self {
        self.sent().target = Some(target.to_owned());
        self
    }

    /// With this host.
    pub(crate) fn with_host(mut self, host: &str) -> Self {
        self.sent().host = Some(host.to_owned());
        self
    }

    /// Over TLS that asked for this name.
    pub(crate) fn with_sni(mut self, name: &str) -> Self {
        self.sent().sni = Some(name.to_owned());
        self
    }

    /// With these fields instead of those that were asked with.
    pub(crate) fn with(mut self, headers: &[(&str, &str)]) -> Self {
        let owned = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.sent().headers = owned.collect();
        self
    }

    /// Without these fields.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        let sent = self.sent();
        sent.absent = names.iter().map(|name| (*name).to_owned()).collect();
        sent.headers
            .retain(|(name, _)| !names.iter().any(|one| one.eq_ignore_ascii_case(name)));
        self
    }

    /// The response has this field.
    pub(crate) fn answers(self, name: &str, value: &str) -> Self {
        self.answers_one_of(name, &[value])
    }

    /// The response has this field with one of these values, spaces apart.
    pub(crate) fn answers_one_of(mut self, name: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| value.replace(' ', ""));
        self.answered.push((name.to_owned(), values.collect()));
        self
    }

    /// The response does not have these fields.
    pub(crate) fn answers_without(mut self, names: &[&str]) -> Self {
        self.unanswered
            .extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// The response is a redirect; to the same place, until another is said.
    pub(crate) fn redirects(mut self, status: u16) -> Self {
        self.redirect = Some(Redirect::default());
        self.is(status)
    }

    pub(crate) fn at_scheme(mut self, scheme: &'static str) -> Self {
        self.redirect().scheme = Some(scheme);
        self
    }

    pub(crate) fn at_host(mut self, host: &'static str) -> Self {
        self.redirect().host = Some(host);
        self
    }

    pub(crate) fn at_port(mut self, port: u16) -> Self {
        self.redirect().port = Some(port);
        self
    }

    pub(crate) fn at_path(mut self, path: &'static str) -> Self {
        self.redirect().path = Some(path);
        self
    }

    fn sent(&mut self) -> &mut Sent {
        self.sent.as_mut().expect("reaches a backend")
    }

    fn redirect(&mut self) -> &mut Redirect {
        self.redirect.as_mut().expect("redirects")
    }
}
