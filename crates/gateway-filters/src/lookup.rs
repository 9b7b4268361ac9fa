//! Values that other layers found out about a request.

use std::fmt;
use std::sync::Arc;

use http::Extensions;

/// How to find values that an outer layer left in a request's extensions: a claim of a token,
/// the name of a consumer, the country of an address.
///
/// The name is what tells one from another: settings with a lookup of the same name are equal,
/// whatever it does, so a name should say all about it.
///
/// ```
/// use gateway_filters::Lookup;
/// use http::Extensions;
///
/// #[derive(Clone)]
/// struct Claims {
///     groups: Vec<String>,
/// }
///
/// let groups = Lookup::new("claim groups", |extensions, found| {
///     for group in extensions.get::<Claims>().into_iter().flat_map(|claims| &claims.groups) {
///         found(group);
///     }
/// });
///
/// let mut extensions = Extensions::new();
/// assert!(!groups.finds(&extensions, |group| group == "staff"));
///
/// extensions.insert(Claims { groups: vec!["staff".to_owned()] });
/// assert!(groups.finds(&extensions, |group| group == "staff"));
/// ```
#[derive(Clone)]
pub struct Lookup {
    name: Arc<str>,
    find: Arc<Find>,
}

type Find = dyn Fn(&Extensions, &mut dyn FnMut(&str)) + Send + Sync;

impl Lookup {
    /// Finds values by calling `find`, which gives each value it finds to its second argument.
    #[must_use]
    pub fn new<F>(name: impl Into<Arc<str>>, find: F) -> Self
    where
        F: Fn(&Extensions, &mut dyn FnMut(&str)) + Send + Sync + 'static,
    {
        Self {
            name: name.into(),
            find: Arc::new(find),
        }
    }

    /// What it was called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives each value that is there to `found`, in their order.
    pub fn each(&self, extensions: &Extensions, mut found: impl FnMut(&str)) {
        (self.find)(extensions, &mut found);
    }

    /// Whether one of the values is such that `wanted` says so.
    #[must_use]
    pub fn finds(&self, extensions: &Extensions, mut wanted: impl FnMut(&str) -> bool) -> bool {
        let mut found = false;
        self.each(extensions, |value| found = found || wanted(value));
        found
    }
}

impl Eq for Lookup {}

impl PartialEq for Lookup {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lookup").field(&self.name).finish()
    }
}
