//! Who may refer to whom across namespaces.

use super::view::View;
use crate::api::ReferenceGrant;
use crate::verdict::{Problem, Reason};
use crate::world::{Kind, Loaded};

/// Who refers.
#[derive(Clone, Copy, Debug)]
pub(super) struct From<'a> {
    pub(super) group: &'a str,
    pub(super) kind: &'a str,
    pub(super) namespace: &'a str,
}

impl<'a> From<'a> {
    /// An object of kind `T` in `namespace`.
    pub(super) fn kind<T: Referrer>(namespace: &'a str) -> Self {
        Self {
            group: T::GROUP,
            kind: T::KIND,
            namespace,
        }
    }
}

/// What is referred to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct To<'a> {
    pub(super) group: &'a str,
    pub(super) kind: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

/// A reference that may be followed. Only [`permit`] makes one, and whoever
/// follows a reference reads its target through one.
#[derive(Debug)]
pub(super) struct Permitted<'a> {
    to: To<'a>,
}

impl<'a> Permitted<'a> {
    /// Reads it. Nothing, if it does not exist or is of another kind.
    pub(super) fn read<'w, T: Kind>(&self, view: &View<'w>) -> Option<&'w Loaded<T>> {
        if T::group(&()) == self.to.group && T::kind(&()) == self.to.kind {
            view.get(self.to.namespace, self.to.name)
        } else {
            None
        }
    }
}

/// Permits a reference within a namespace, and one that a ReferenceGrant in the
/// target's namespace allows.
///
/// It does not look at the target: whether it exists is nobody's business who may
/// not refer to it.
///
/// # Errors
///
/// `RefNotPermitted`.
pub(super) fn permit<'a>(
    view: &View<'_>,
    from: From<'_>,
    to: To<'a>,
) -> Result<Permitted<'a>, Problem> {
    let allowed = || {
        let grants = view.in_namespace::<ReferenceGrant>(to.namespace);
        grants.iter().any(|grant| allows(grant, from, to))
    };

    if from.namespace == to.namespace || allowed() {
        return Ok(Permitted { to });
    }

    let message = format!(
        "{} in namespace {} may not refer to {} {}/{}",
        from.kind, from.namespace, to.kind, to.namespace, to.name
    );
    let remedy = format!(
        "add a ReferenceGrant to namespace {} from {} in {} to {} {}",
        to.namespace, from.kind, from.namespace, to.kind, to.name
    );

    Err(Problem::new(Reason::RefNotPermitted, message).remedy(remedy))
}

fn allows(grant: &ReferenceGrant, from: From<'_>, to: To<'_>) -> bool {
    let from = grant.spec.from.iter().any(|one| {
        one.group == from.group && one.kind == from.kind && one.namespace == from.namespace
    });
    let to = grant.spec.to.iter().any(|one| {
        // An empty name is what some clients write for no name.
        let name = one.name.as_deref().filter(|name| !name.is_empty());
        one.group == to.group && one.kind == to.kind && name.is_none_or(|name| name == to.name)
    });

    from && to
}

/// A kind that refers to others.
pub(super) trait Referrer {
    const GROUP: &'static str;
    const KIND: &'static str;
}

impl Referrer for crate::api::XBackend {
    const GROUP: &'static str = super::x_backend::GROUP;
    const KIND: &'static str = "XBackend";
}

macro_rules! referrers {
    ($($kind:ident is $name:literal),+ $(,)?) => {$(
        impl Referrer for crate::api::$kind {
            const GROUP: &'static str = super::GATEWAY_GROUP;
            const KIND: &'static str = $name;
        }
    )+};
}

referrers! {
    BackendTlsPolicy is "BackendTLSPolicy",
    Gateway is "Gateway",
    GrpcRoute is "GRPCRoute",
    HttpRoute is "HTTPRoute",
    ListenerSet is "ListenerSet",
    TcpRoute is "TCPRoute",
    TlsRoute is "TLSRoute",
    UdpRoute is "UDPRoute",
}
