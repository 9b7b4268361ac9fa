//! Sessions: what carries them, and for how long.

use std::time::Duration;

use gateway_core::model::{CookieSession, HeaderSession, Lifetime, SessionCarrier};

use super::duration;
use super::field::Field;
use super::matches::unsupported;
use crate::api::{CookieConfig, CookieLifetimeType, SessionPersistence, SessionPersistenceType};
use crate::verdict::Problem;

/// Reads what carries the sessions of whatever `owner` names, which no other is called.
///
/// Source: `SessionPersistence` (GEP-1619).
pub(super) fn carrier(
    written: &SessionPersistence,
    owner: &str,
    at: &Field<'_>,
) -> Result<SessionCarrier, Problem> {
    let timeout = written.absolute_timeout.as_deref();
    let timeout = timeout.map(|text| absolute(text, at)).transpose()?;

    match written.r#type.as_ref() {
        None | Some(SessionPersistenceType::Cookie) => {
            let of_other = written.header.is_some();
            let cookie = block(written.cookie.as_ref(), "cookie", of_other, at)?;
            cookie_session(cookie, owner, timeout, &at.name("cookie")).map(Into::into)
        }
        Some(SessionPersistenceType::Header) => {
            let of_other = written.cookie.is_some();
            let header = block(written.header.as_ref(), "header", of_other, at)?;
            let name = header.name.parse().map_err(|_| {
                let message = format!("{:?} is not the name of a header", header.name);
                unsupported(message, &at.name("header").name("name"))
            })?;
            let session = HeaderSession::new(name);
            Ok(match timeout {
                Some(timeout) => session.with_timeout(timeout).into(),
                None => session.into(),
            })
        }
        Some(SessionPersistenceType::Unknown(other)) => {
            let message = format!("{other:?} is not a type of session persistence");
            Err(unsupported(message, &at.name("type")))
        }
    }
}

/// The block of the type that was chosen, which has to be there, and alone.
fn block<'a, T>(
    written: Option<&'a T>,
    name: &str,
    of_other: bool,
    at: &Field<'_>,
) -> Result<&'a T, Problem> {
    if of_other {
        let message = format!("with this type only {name} may be set");
        return Err(unsupported(message, &at.name("type")));
    }
    written.ok_or_else(|| unsupported("is missing, which this type needs", &at.name(name)))
}

fn cookie_session(
    written: &CookieConfig,
    owner: &str,
    timeout: Option<Duration>,
    at: &Field<'_>,
) -> Result<CookieSession, Problem> {
    let generated = || format!("session-{:016x}", fnv(owner.as_bytes()));
    let name = written.name.clone().unwrap_or_else(generated);
    let mut session = CookieSession::new(&name)
        .map_err(|error| unsupported(error.to_string(), &at.name("name")))?;
    if let Some(path) = &written.path {
        session = session
            .with_path(path)
            .map_err(|error| unsupported(error.to_string(), &at.name("path")))?;
    }

    let lifetime = match (&written.lifetime_type, timeout) {
        (None | Some(CookieLifetimeType::Session), at_most) => Lifetime::Session { at_most },
        (Some(CookieLifetimeType::Permanent), Some(timeout)) => Lifetime::Permanent { timeout },
        (Some(CookieLifetimeType::Permanent), None) => {
            let message = "Permanent needs absoluteTimeout";
            return Err(unsupported(message, &at.name("lifetimeType")));
        }
        (Some(CookieLifetimeType::Unknown(other)), _) => {
            let message = format!("{other:?} is not a lifetime of cookies");
            return Err(unsupported(message, &at.name("lifetimeType")));
        }
    };
    Ok(session.with_lifetime(lifetime))
}

/// How long a session lasts, however much it is used.
fn absolute(text: &str, at: &Field<'_>) -> Result<Duration, Problem> {
    let refuse = |message: String| unsupported(message, &at.name("absoluteTimeout"));
    let read = duration::parse(text);
    let read = read.ok_or_else(|| refuse(format!("{text:?} is not a duration such as 1h30m")))?;
    if read.is_zero() {
        return Err(refuse("a session has to last".to_owned()));
    }
    Ok(read)
}

/// The same in every process and every release (FNV-1a).
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<SessionCarrier, Problem> {
        let written = serde_json::from_str(json).unwrap();
        carrier(&written, "HTTPRoute shop/cart 0", &Field::SPEC)
    }

    #[test]
    fn cookie_without_a_name_gets_one_of_its_own() {
        let written = serde_json::from_str(r#"{"cookie": {}}"#).unwrap();
        let name = |owner| match carrier(&written, owner, &Field::SPEC).unwrap() {
            SessionCarrier::Cookie(cookie) => cookie.name().to_owned(),
            SessionCarrier::Header(_) => unreachable!("a cookie was asked for"),
        };

        assert_eq!(name("HTTPRoute shop/cart 0"), name("HTTPRoute shop/cart 0"));
        assert_ne!(name("HTTPRoute shop/cart 0"), name("HTTPRoute shop/cart 1"));
    }

    #[test]
    fn every_field_is_read() {
        let timeout = Duration::from_secs(600);
        let cookie = CookieSession::new("_srv_id")
            .unwrap()
            .with_path("/cart")
            .unwrap();

        assert_eq!(
            read(
                r#"{"type": "Cookie", "absoluteTimeout": "10m",
                    "cookie": {"name": "_srv_id", "path": "/cart", "lifetimeType": "Permanent"}}"#
            ),
            Ok(cookie.with_lifetime(Lifetime::Permanent { timeout }).into())
        );
        assert_eq!(
            read(
                r#"{"type": "Header", "absoluteTimeout": "10m", "header": {"name": "X-Session"}}"#
            ),
            Ok(HeaderSession::new("x-session".parse().unwrap())
                .with_timeout(timeout)
                .into())
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for json in [
            r#"{}"#,
            r#"{"type": "Header", "cookie": {}}"#,
            r#"{"type": "Cookie", "cookie": {}, "header": {"name": "x"}}"#,
            r#"{"type": "Header", "header": {"name": "a b"}}"#,
            r#"{"type": "Other"}"#,
            r#"{"cookie": {"name": "a b"}}"#,
            r#"{"cookie": {"path": "cart"}}"#,
            r#"{"cookie": {"lifetimeType": "Permanent"}}"#,
            r#"{"cookie": {"lifetimeType": "Other"}}"#,
            r#"{"cookie": {}, "absoluteTimeout": "soon"}"#,
            r#"{"cookie": {}, "absoluteTimeout": "0s"}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
