//! Making a request, and comparing what came of it with what has to come.

use std::net::SocketAddr;

use bytes::Bytes;
use gateway_tests::{Client, Reply};
use http::header::{HOST, LOCATION};
use http::{HeaderMap, Request, Uri};
use http_body_util::Empty;
use serde_json::Value;

use super::{Exchange, Redirect, Sent};

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
        let mut client = match (&self.tls, self.is_http2) {
            (Some((tls, name)), true) => tls.http2(gateway, name).await,
            (Some((tls, name)), false) => tls.http1(gateway, name).await,
            (None, true) => Client::http2(gateway).await,
            (None, false) => Client::http1(gateway).await,
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
        let deployment = pod.rsplitn(3, '-').last().unwrap_or_default();
        let fits = self.backend.is_empty() || deployment == self.backend;
        require(fits, "pod", &self.backend)?;
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
        if let Some(sni) = &self.sni {
            require(echo["tls"]["serverName"] == **sni, "server name", sni)?;
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
