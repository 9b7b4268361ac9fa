//! Public types can be sent, shared and, but for futures, cloned.

use std::future::Ready;
use std::rc::Rc;

use gateway_filters::access::{
    self, AccessControl, AccessDenied, AccessLayer, AccessRule, AccessService, AddressSource,
    Effect, InvalidAccessPath,
};
use gateway_filters::bandwidth::{
    self, Bandwidth, BandwidthBody, BandwidthStream, InvalidBandwidth, RequestBandwidth,
    RequestBandwidthLayer, ResponseBandwidth, ResponseBandwidthLayer,
};
use gateway_filters::client_address::{
    ClientAddress, ClientAddressLayer, ClientAddressService, PeerAddress, TrustedProxies,
};
use gateway_filters::cors::{
    self, Cors, CorsLayer, CorsResponse, CorsService, CorsStep, InvalidCors, Preflight,
};
use gateway_filters::fault::{self, Fault, FaultLayer, FaultPlan, FaultService, InvalidFault};
use gateway_filters::header_modifier::{
    self, HeaderModifier, InvalidHeaderModifier, RequestHeaderModifier, RequestHeaderModifierLayer,
    ResponseHeaderModifier, ResponseHeaderModifierLayer,
};
use gateway_filters::path::{InvalidPath, PathModifier, ReplacementPath};
use gateway_filters::rate_limit::{
    self, Decision, InvalidRateLimit, Key, MissingKey, QuotaFields, RateLimit, RateLimitLayer,
    RateLimitService, RateLimiter, Refill, Standing, Wait,
};
use gateway_filters::redirect::{
    self, InvalidRedirectStatus, Redirect, RedirectLayer, RedirectService, RedirectStatus,
    UnknownHost,
};
use gateway_filters::rewrite::{self, UrlRewrite, UrlRewriteLayer, UrlRewriteService, UrlTooLong};
use gateway_filters::{
    Answer, CidrSet, Fraction, InvalidAnswer, InvalidCidr, InvalidFraction, InvalidHostname,
    Lookup, RouteContext, Scheme,
};
use http::{Request, Response};
use tower::util::ServiceFn;

/// Stands for an inner service.
type Inner = Ready<()>;

/// Stands for a service that is called later.
type Backend = ServiceFn<fn(Request<()>) -> Ready<Result<Response<Vec<u8>>, ()>>>;

fn value<T: Clone + Send + Sync + Unpin + 'static>() {}

fn future<T: Send + Sync + 'static>() {}

#[test]
fn settings_are_values() {
    value::<AccessControl>();
    value::<AccessRule>();
    value::<AddressSource>();
    value::<Answer>();
    value::<Bandwidth>();
    value::<CidrSet>();
    value::<ClientAddress>();
    value::<Cors>();
    value::<Effect>();
    value::<Fault>();
    value::<Fraction>();
    value::<HeaderModifier>();
    value::<Key>();
    value::<Lookup>();
    value::<MissingKey>();
    value::<PathModifier>();
    value::<PeerAddress>();
    value::<QuotaFields>();
    value::<RateLimit>();
    value::<Redirect>();
    value::<RedirectStatus>();
    value::<Refill>();
    value::<ReplacementPath>();
    value::<RouteContext>();
    value::<Scheme>();
    value::<Standing>();
    value::<TrustedProxies>();
    value::<UrlRewrite>();
}

#[test]
fn errors_are_values() {
    value::<AccessDenied>();
    value::<InvalidAccessPath>();
    value::<InvalidAnswer>();
    value::<InvalidBandwidth>();
    value::<InvalidCidr>();
    value::<InvalidCors>();
    value::<InvalidFault>();
    value::<InvalidFraction>();
    value::<InvalidHeaderModifier>();
    value::<InvalidHostname>();
    value::<InvalidPath>();
    value::<InvalidRateLimit>();
    value::<InvalidRedirectStatus>();
    value::<UnknownHost>();
    value::<UrlTooLong>();
}

#[test]
fn layers_and_services_are_values() {
    value::<AccessLayer>();
    value::<AccessService<Inner>>();
    value::<ClientAddressLayer>();
    value::<ClientAddressService<Inner>>();
    value::<CorsLayer>();
    value::<CorsService<Inner>>();
    value::<FaultLayer>();
    value::<FaultService<Inner>>();
    value::<RateLimitLayer>();
    value::<RateLimitService<Inner>>();
    value::<RateLimiter>();
    value::<RedirectLayer>();
    value::<RedirectService<Inner>>();
    value::<RequestBandwidthLayer>();
    value::<RequestBandwidth<Inner>>();
    value::<RequestHeaderModifierLayer>();
    value::<RequestHeaderModifier<Inner>>();
    value::<ResponseBandwidthLayer>();
    value::<ResponseBandwidth<Inner>>();
    value::<ResponseHeaderModifierLayer>();
    value::<ResponseHeaderModifier<Inner>>();
    value::<UrlRewriteLayer>();
    value::<UrlRewriteService<Inner>>();
}

#[test]
fn steps_are_values() {
    value::<CorsResponse>();
    value::<CorsStep>();
    value::<FaultPlan>();
    value::<Preflight>();
}

#[test]
fn futures_can_be_sent() {
    future::<access::ResponseFuture<Inner, Vec<u8>>>();
    future::<bandwidth::ResponseFuture<Inner>>();
    future::<cors::ResponseFuture<Inner, Vec<u8>>>();
    future::<fault::ResponseFuture<Backend, Request<()>, Vec<u8>>>();
    future::<rate_limit::ResponseFuture<Backend, Request<()>, Vec<u8>>>();
    future::<Decision>();
    future::<Wait>();
    future::<header_modifier::ResponseFuture<Inner>>();
    future::<redirect::ResponseFuture<Vec<u8>>>();
    future::<rewrite::ResponseFuture<Inner>>();
}

#[test]
fn bodies_and_streams_can_be_sent() {
    future::<BandwidthBody<Vec<u8>>>();
    future::<BandwidthStream<Vec<u8>>>();
}

#[test]
fn redirect_service_asks_nothing_of_the_one_it_replaces() {
    value::<RedirectService<Rc<()>>>();
}
