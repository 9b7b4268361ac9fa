//! Who may read what.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

use super::error::InvalidCors;
use super::list::List;
use super::origin::Origins;

/// Which origins may call, as the Gateway API's `HTTPCORSFilter` describes.
///
/// By default no origin may. In each list a `*` stands for everything and makes the other items
/// superfluous.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Cors {
    pub(super) origins: Origins,
    pub(super) methods: List,
    pub(super) headers: List,
    pub(super) expose: List,
    pub(super) credentials: bool,
    /// In whole seconds, as it is sent.
    pub(super) max_age: HeaderValue,
}

impl Cors {
    /// Settings that allow no origin.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origins: Origins::default(),
            methods: List::Empty,
            headers: List::Empty,
            expose: List::Empty,
            credentials: false,
            max_age: HeaderValue::from_static("5"),
        }
    }

    /// Allows an origin: `scheme://host`, with a port where it is not the scheme's own.
    ///
    /// A host may start with `*.`, which stands for one label or more, or be `*`. The origin `*`
    /// alone allows every origin, also opaque ones (`null`). `allowOrigins` in the API.
    ///
    /// # Errors
    ///
    /// If `origin` is none of this, or its scheme is neither `http` nor `https`.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, InvalidCors> {
        self.origins.push(origin)?;
        Ok(self)
    }

    /// Allows a method, or all with `*`. Case matters. `allowMethods` in the API.
    ///
    /// By default none is named, which leaves the browser with GET, HEAD and POST.
    ///
    /// # Errors
    ///
    /// If `method` is not a token.
    pub fn allow_method(mut self, method: &str) -> Result<Self, InvalidCors> {
        if method == "*" {
            self.methods = List::Any;
        } else {
            let method =
                Method::from_bytes(method.as_bytes()).map_err(|_| InvalidCors::Method {
                    method: method.to_owned(),
                })?;
            self.methods.push(method.as_str());
        }
        Ok(self)
    }

    /// Allows a request header, or all with `*`. `allowHeaders` in the API.
    ///
    /// By default none is named, which leaves the browser with those that need no permission.
    ///
    /// # Errors
    ///
    /// If `name` is not a token.
    pub fn allow_header(mut self, name: &str) -> Result<Self, InvalidCors> {
        push_name(&mut self.headers, name)?;
        Ok(self)
    }

    /// Lets scripts read a response header, or all with `*`. `exposeHeaders` in the API.
    ///
    /// By default none is named, which leaves scripts with those that need no permission.
    ///
    /// # Errors
    ///
    /// If `name` is not a token.
    pub fn expose_header(mut self, name: &str) -> Result<Self, InvalidCors> {
        push_name(&mut self.expose, name)?;
        Ok(self)
    }

    /// Lets browsers send cookies and other credentials. The default is `false`.
    /// `allowCredentials` in the API.
    #[must_use]
    pub fn with_credentials(mut self, credentials: bool) -> Self {
        self.credentials = credentials;
        self
    }

    /// How long a browser may remember the answer to a preflight, in whole seconds. The default
    /// is five. `maxAge` in the API.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = HeaderValue::from(max_age.as_secs());
        self
    }
}

impl Default for Cors {
    fn default() -> Self {
        Self::new()
    }
}

fn push_name(list: &mut List, name: &str) -> Result<(), InvalidCors> {
    if name == "*" {
        *list = List::Any;
        return Ok(());
    }
    // The name is only checked: it is sent as it was written.
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(_) => list.push(name),
        Err(_) => {
            return Err(InvalidCors::Header {
                name: name.to_owned(),
            });
        }
    }
    Ok(())
}
