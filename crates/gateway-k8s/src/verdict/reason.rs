//! The names of conditions and their reasons, as the Gateway API spells them.

use std::fmt;

/// Declares an enum whose variants are spelled as the API spells them, or as it is
/// written behind them.
macro_rules! spelled {
    ($(#[$docs:meta])* pub enum $name:ident {
        $($(#[$about:meta])* $variant:ident $(= $text:literal)?,)+
    }) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant,)+
        }

        impl $name {
            /// As the API spells it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => spelled!(@text $variant $($text)?),)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
    (@text $variant:ident) => { stringify!($variant) };
    (@text $variant:ident $text:literal) => { $text };
}

spelled! {
    /// What a condition is about.
    pub enum ConditionType {
        /// Whether the object can be obeyed.
        Accepted,
        /// Whether it is obeyed by now.
        Programmed,
        /// Whether everything it refers to was found and may be used.
        ResolvedRefs,
        /// Whether a listener clashes with another.
        Conflicted,
        /// Whether some rules of a route are not obeyed while others are.
        PartiallyInvalid,
        /// Whether the installed CRDs are of a release that is understood.
        SupportedVersion,
        /// Whether a listener shares names with another that ends TLS.
        OverlappingTLSConfig,
        /// Whether clients without a valid certificate are let in somewhere.
        InsecureFrontendValidationMode,
        /// Whether a certificate of a listener has ended, ends soon, or has not begun:
        /// of our own, because the API has none for it.
        CertificateExpiry = "gateway-rs.dev/CertificateExpiry",
    }
}

spelled! {
    /// Why a condition is as it is.
    pub enum Reason {
        /// Can be obeyed.
        Accepted,
        /// A given address cannot be listened on.
        AddressNotUsable,
        /// No address is left to give to a Gateway.
        AddressNotAssigned,
        /// A rule refers to a backend that does not exist.
        BackendNotFound,
        /// The time of a certificate is over.
        CertificateExpired,
        /// The time of a certificate is almost over.
        CertificateExpiresSoon,
        /// The time of a certificate has not come.
        CertificateNotYetValid,
        /// Somebody has chosen it so.
        ConfigurationChanged,
        /// An older policy has the same target.
        Conflicted,
        /// Another listener has the same port, protocol and hostname.
        HostnameConflict,
        /// Filters of a rule exclude each other.
        IncompatibleFilters,
        /// A part of the object is not valid.
        Invalid,
        /// Certificates of authorities are looked for in something that has none.
        InvalidCACertificateKind,
        /// Certificates of authorities do not exist or are none.
        InvalidCACertificateRef,
        /// A certificate does not exist or is none.
        InvalidCertificateRef,
        /// The certificate for TLS with backends does not exist or is none.
        InvalidClientCertificateRef,
        /// A rule refers to something that is no backend.
        InvalidKind,
        /// The parameters of a class or a Gateway cannot be used.
        InvalidParameters,
        /// A listener asks for kinds of routes that it cannot have.
        InvalidRouteKinds,
        /// References of some listeners are not resolved.
        ListenersNotResolved,
        /// Some listeners are not accepted.
        ListenersNotValid,
        /// A Gateway takes no ListenerSets of this namespace.
        NotAllowed,
        /// No listener has a hostname in common with the route.
        NoMatchingListenerHostname,
        /// The parent has no listener of that name or port.
        NoMatchingParent,
        /// What a Gateway needs of the cluster cannot be made.
        NoResources,
        /// Nobody can be verified.
        NoValidCACertificate,
        /// No listener admits the route.
        NotAllowedByListeners,
        /// The certificates of listeners have names in common.
        OverlappingCertificates,
        /// The hostnames of listeners have names in common.
        OverlappingHostnames,
        /// The Gateway of a ListenerSet is not accepted.
        ParentNotAccepted,
        /// The Gateway of a ListenerSet is not served.
        ParentNotProgrammed,
        /// Not decided yet.
        Pending,
        /// The port is taken.
        PortUnavailable,
        /// Is obeyed.
        Programmed,
        /// Another listener speaks another protocol on the port.
        ProtocolConflict,
        /// No ReferenceGrant lets this namespace refer to that one.
        RefNotPermitted,
        /// Everything was found.
        ResolvedRefs,
        /// The release is understood.
        SupportedVersion,
        /// What a policy is about does not exist.
        TargetNotFound,
        /// An address is of a kind that cannot be given.
        UnsupportedAddress,
        /// A listener or a backend speaks what is not spoken here.
        UnsupportedProtocol,
        /// A value that is not supported, or not valid.
        UnsupportedValue,
        /// The release is not understood.
        UnsupportedVersion,
    }
}

impl Reason {
    /// What usually helps, for problems that know nothing better. Reasons for which
    /// all is well have nothing to do.
    pub const fn usual_remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::Accepted
            | Self::ConfigurationChanged
            | Self::Pending
            | Self::Programmed
            | Self::ResolvedRefs
            | Self::SupportedVersion => return None,
            Self::AddressNotUsable => "name an address of this machine",
            Self::AddressNotAssigned => "give it an address, or enlarge the address pool",
            Self::BackendNotFound => "create what is referred to, or correct the reference",
            Self::CertificateExpired | Self::CertificateExpiresSoon => "renew the certificate",
            Self::CertificateNotYetValid => "use the certificate from its first day on",
            Self::Conflicted => "remove one of the policies, or give it another target",
            Self::HostnameConflict | Self::ProtocolConflict => {
                "give the listeners different ports or hostnames"
            }
            Self::IncompatibleFilters => "remove one of the filters",
            Self::Invalid | Self::UnsupportedValue => "correct the field, or remove it",
            Self::InvalidCertificateRef | Self::InvalidClientCertificateRef => {
                "refer to a Secret of type kubernetes.io/tls with a certificate and its key in PEM"
            }
            Self::InvalidCACertificateKind | Self::InvalidCACertificateRef => {
                "refer to a ConfigMap with certificates in PEM under ca.crt"
            }
            Self::InvalidKind => "refer to a kind that can be used here",
            Self::InvalidParameters => "remove parametersRef",
            Self::InvalidRouteKinds => "remove the kinds that this protocol cannot carry",
            Self::ListenersNotResolved | Self::ListenersNotValid => "correct its listeners",
            Self::NoMatchingListenerHostname => {
                "give the route a hostname that the listener serves, or the listener another one"
            }
            Self::NoMatchingParent => "correct sectionName or port of the parentRef",
            Self::NoResources => "look at the log of the gateway",
            Self::NoValidCACertificate => "refer to at least one certificate of an authority",
            Self::NotAllowed => "allow it in allowedListeners of the Gateway",
            Self::NotAllowedByListeners => "allow the route in allowedRoutes of the listener",
            Self::OverlappingCertificates | Self::OverlappingHostnames => {
                "use names that are not in each other's wildcards, or other ports"
            }
            Self::ParentNotAccepted | Self::ParentNotProgrammed => "correct the Gateway",
            Self::PortUnavailable => "choose another port or address",
            Self::RefNotPermitted => "add a ReferenceGrant to the namespace that is referred to",
            Self::TargetNotFound => "create what is referred to, or correct targetRefs",
            Self::UnsupportedAddress => "use an address of type IPAddress",
            Self::UnsupportedProtocol => {
                "use a protocol that is supported: HTTP, HTTPS, TLS, TCP or UDP"
            }
            Self::UnsupportedVersion => "install the version that is supported",
        })
    }
}
