//! A request, and what has to come of it.

use std::net::SocketAddr;

use bytes::Bytes;
use gateway_tests::{Client, Reply};
use http::header::{HOST, LOCATION};
use http::{HeaderMap, Request, Uri};
use http_body_util::Empty;
use serde_json::Value;

use crate::cluster::INFRA;

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

/// Making it happen.
impl Exchange {
    /// Makes the request, over a connection of its own.
    pub(crate) async fn send(&self, gateway: SocketAddr) -> Reply {
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(&self.target)
            .header(HOST, self.asked_host(gateway));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let mut client = if self.is_http2 {
            Client::http2(gateway).await
        } else {
            Client::http1(gateway).await
        };
        client.call(request).await
    }

    /// Makes the request, and says what is wrong with what came of it.
    pub(crate) async fn try_once(&self, gateway: SocketAddr) -> Result<Reply, String> {
        let reply = self.send(gateway).await;
        match self.compare(&reply, gateway) {
            Ok(()) => Ok(reply),
            Err(wrong) => Err(format!(
                "{} {} of {:?} with {:?}: {wrong}: {} {:?} {}",
                self.method,
                self.target,
                self.host,
                self.headers,
                reply.status,
                reply.headers,
                String::from_utf8_lossy(&reply.body)
            )),
        }
    }

    /// Makes the request `times` in a row.
    pub(crate) async fn expect(&self, gateway: SocketAddr, times: usize) {
        for time in 1..=times {
            if let Err(wrong) = self.try_once(gateway).await {
                panic!("time {time}: {wrong}");
            }
        }
    }

    /// As clients do, without the port of HTTP.
    fn asked_host(&self, gateway: SocketAddr) -> String {
        match &self.host {
            Some(host) => host.clone(),
            None if gateway.port() == 80 => gateway.ip().to_string(),
            None => gateway.to_string(),
        }
    }

    fn compare(&self, reply: &Reply, gateway: SocketAddr) -> Result<(), String> {
        require(
            self.statuses.contains(&reply.status.as_u16()),
            "status",
            &self.statuses,
        )?;
        require(reply.complete, "a whole body", &true)?;
        for (name, values) in &self.answered {
            let value = joined(&reply.headers, name);
            let fits = value.is_some_and(|value| values.contains(&value.replace(' ', "")));
            require(fits, name, values)?;
        }
        for name in &self.unanswered {
            require(!reply.headers.contains_key(name), "no", name)?;
        }
        if let Some(redirect) = &self.redirect {
            redirect.compare(reply, &self.target, &self.asked_host(gateway))?;
        }

        let echo = echo(reply);
        match (&self.sent, &echo) {
            (Some(sent), Some(echo)) => sent.compare(self, echo, &self.asked_host(gateway)),
            (None, None) => Ok(()),
            (Some(_), None) => Err("no backend was reached".to_owned()),
            (None, Some(echo)) => Err(format!("reached {}", echo["pod"])),
        }
    }
}

impl Sent {
    fn compare(&self, asked: &Exchange, echo: &Value, host: &str) -> Result<(), String> {
        let pod = echo["pod"].as_str().unwrap_or_default();
        require(pod.starts_with(&self.backend), "pod", &self.backend)?;
        require(
            echo["namespace"] == *self.namespace,
            "namespace",
            &self.namespace,
        )?;
        require(echo["method"] == *asked.method, "method", &asked.method)?;
        let target = self.target.as_ref().unwrap_or(&asked.target);
        require(echo["path"] == **target, "target", target)?;
        let host = self.host.as_deref().unwrap_or(host);
        require(echo["host"] == *host, "host", &host)?;
        for (name, value) in &self.headers {
            let values = echo["headers"][name.to_ascii_lowercase()].as_array();
            let values: Vec<_> = values
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            require(values.join(",") == *value, name, value)?;
        }
        for name in &self.absent {
            let value = &echo["headers"][name.to_ascii_lowercase()];
            require(value.is_null(), "no", name)?;
        }
        Ok(())
    }
}

impl Redirect {
    fn compare(&self, reply: &Reply, target: &str, asked: &str) -> Result<(), String> {
        let location = joined(&reply.headers, LOCATION.as_str()).ok_or("no location")?;
        let location: Uri = location.parse().map_err(|_| "location is no URI")?;
        let scheme = location.scheme_str().unwrap_or("http");
        let authority = location.authority().map_or(asked, |one| one.as_str());
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (authority, None),
        };

        let expected = self.scheme.unwrap_or("http");
        require(scheme == expected, "scheme", &expected)?;
        let expected = self.host.unwrap_or(asked);
        require(
            host == expected.split(':').next().unwrap_or_default(),
            "host",
            &expected,
        )?;
        let usual = if scheme == "https" { 443 } else { 80 };
        let expected = self.port.unwrap_or(usual);
        require(port.unwrap_or(usual) == expected, "port", &expected)?;
        let expected = self.path.unwrap_or(target);
        require(location.path() == expected, "path", &expected)
    }
}

/// What a pod says it was sent; `None` if the response is none of a pod's.
pub(crate) fn echo(reply: &Reply) -> Option<Value> {
    let is_json = reply.headers.get("content-type")? == "application/json";
    let echo: Value = serde_json::from_slice(&reply.body).ok()?;
    (is_json && echo["pod"].is_string()).then_some(echo)
}

fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn require<T: std::fmt::Debug>(holds: bool, what: &str, expected: &T) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("expected {what} {expected:?}"))
    }
}
