//! What carries a session, and for how long.

use std::time::Duration;

use http::HeaderName;

/// What carries the token between client and gateway. Complete: the API knows these two.
///
/// Source: `sessionPersistence.type`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum SessionCarrier {
    /// A cookie.
    Cookie(CookieSession),
    /// A header field of the response, which the client sends back.
    Header(HeaderSession),
}

impl From<CookieSession> for SessionCarrier {
    fn from(cookie: CookieSession) -> Self {
        Self::Cookie(cookie)
    }
}

impl From<HeaderSession> for SessionCarrier {
    fn from(header: HeaderSession) -> Self {
        Self::Header(header)
    }
}

/// A session in a cookie.
///
/// Source: `sessionPersistence.cookie`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CookieSession {
    name: Box<str>,
    path: Box<str>,
    lifetime: Lifetime,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
}

impl CookieSession {
    /// A cookie called `name` that ends with the browser's session, for all paths, `Secure`,
    /// `HttpOnly` and `SameSite=Strict`.
    ///
    /// # Errors
    ///
    /// [`InvalidSession::Name`] if `name` is no token (RFC 6265, section 4.1.1).
    pub fn new(name: &str) -> Result<Self, InvalidSession> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(InvalidSession::Name { name: name.into() });
        }
        Ok(Self {
            name: name.into(),
            path: "/".into(),
            lifetime: Lifetime::Session { at_most: None },
            secure: true,
            http_only: true,
            same_site: SameSite::Strict,
        })
    }

    /// For which paths it is sent. `/` by default.
    ///
    /// # Errors
    ///
    /// [`InvalidSession::Path`] if `path` does not begin with a slash, or has a semicolon or a
    /// byte that is not printable ASCII.
    pub fn with_path(mut self, path: &str) -> Result<Self, InvalidSession> {
        let fits = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b';';
        if !path.starts_with('/') || !path.bytes().all(fits) {
            return Err(InvalidSession::Path { path: path.into() });
        }
        self.path = path.into();
        Ok(self)
    }

    /// When it ends. With the browser's session by default.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Whether it is kept from connections that are not secure. On by default; a listener
    /// without TLS needs it off.
    ///
    /// `SameSite=None` is only accepted by browsers if this is on.
    #[must_use]
    pub const fn with_secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether it is kept from scripts. On by default.
    #[must_use]
    pub const fn with_http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Whether it is kept from requests that other sites cause. Strictly by default.
    #[must_use]
    pub const fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it ends.
    #[must_use]
    pub const fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    #[cfg(feature = "persistence")]
    /// The value of a `set-cookie` field that gives the client `value`.
    pub(super) fn set_cookie(&self, value: &str) -> String {
        let mut text = format!("{}={value}; Path={}", self.name, self.path);
        if let Lifetime::Permanent { timeout } = self.lifetime {
            text.push_str(&format!("; Max-Age={}", timeout.as_secs().max(1)));
        }
        if self.secure {
            text.push_str("; Secure");
        }
        if self.http_only {
            text.push_str("; HttpOnly");
        }
        text.push_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        text
    }
}

/// A session in a header field.
///
/// Source: `sessionPersistence.header`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HeaderSession {
    name: HeaderName,
    timeout: Option<Duration>,
}

impl HeaderSession {
    /// A field called `name`, that never ends.
    #[must_use]
    pub const fn new(name: HeaderName) -> Self {
        Self {
            name,
            timeout: None,
        }
    }

    /// After how long it ends, however much it is used (`absoluteTimeout`). Never by default.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &HeaderName {
        &self.name
    }
}

#[cfg(feature = "persistence")]
impl SessionCarrier {
    /// What a token is bound to besides its scope.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Cookie(cookie) => &cookie.name,
            Self::Header(header) => header.name.as_str(),
        }
    }

    /// How old a token may be.
    pub(super) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Cookie(cookie) => match cookie.lifetime {
                Lifetime::Session { at_most } => at_most,
                Lifetime::Permanent { timeout } => Some(timeout),
            },
            Self::Header(header) => header.timeout,
        }
    }
}

/// When a cookie ends. Complete.
///
/// Source: `sessionPersistence.cookie.lifetimeType` and `absoluteTimeout`; what has to be given
/// together is together.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Lifetime {
    /// With the browser's session.
    Session {
        /// However long that is, not after so long a time, which is checked here.
        at_most: Option<Duration>,
    },
    /// After `timeout`. The browser is told, in whole seconds and one at least, and it is checked
    /// here.
    Permanent {
        /// `absoluteTimeout`.
        timeout: Duration,
    },
}

/// Which requests that other sites cause carry the cookie. Complete.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum SameSite {
    /// None. This is the default.
    #[default]
    Strict,
    /// Those that lead the user here.
    Lax,
    /// All.
    None,
}

/// A session that HTTP cannot carry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSession {
    /// The name of the cookie is not a token.
    #[error("{name:?} is not the name of a cookie")]
    Name {
        /// As it was written.
        name: Box<str>,
    },
    /// The path is not one that a cookie can have.
    #[error("{path:?} is not the path of a cookie")]
    Path {
        /// As it was written.
        path: Box<str>,
    },
}

/// RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
