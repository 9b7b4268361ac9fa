//! Public types can be sent, shared and, but for futures, cloned.

use std::future::Ready;
use std::rc::Rc;

use gateway_filters::cors::{
    self, Cors, CorsLayer, CorsResponse, CorsService, CorsStep, InvalidCors, Preflight,
};
use gateway_filters::header_modifier::{
    self, HeaderModifier, InvalidHeaderModifier, RequestHeaderModifier, RequestHeaderModifierLayer,
    ResponseHeaderModifier, ResponseHeaderModifierLayer,
};
use gateway_filters::path::{InvalidPath, PathModifier, ReplacementPath};
use gateway_filters::redirect::{
    self, InvalidRedirectStatus, Redirect, RedirectLayer, RedirectService, RedirectStatus,
    UnknownHost,
};
use gateway_filters::rewrite::{self, UrlRewrite, UrlRewriteLayer, UrlRewriteService, UrlTooLong};
use gateway_filters::{Fraction, InvalidFraction, InvalidHostname, RouteContext, Scheme};

/// Stands for an inner service.
type Inner = Ready<()>;

fn value<T: Clone + Send + Sync + Unpin + 'static>() {}

fn future<T: Send + Sync + 'static>() {}

#[test]
fn settings_are_values() {
    value::<Cors>();
    value::<Fraction>();
    value::<HeaderModifier>();
    value::<PathModifier>();
    value::<Redirect>();
    value::<RedirectStatus>();
    value::<ReplacementPath>();
    value::<RouteContext>();
    value::<Scheme>();
    value::<UrlRewrite>();
}

#[test]
fn errors_are_values() {
    value::<InvalidCors>();
    value::<InvalidFraction>();
    value::<InvalidHeaderModifier>();
    value::<InvalidHostname>();
    value::<InvalidPath>();
    value::<InvalidRedirectStatus>();
    value::<UnknownHost>();
    value::<UrlTooLong>();
}

#[test]
fn layers_and_services_are_values() {
    value::<CorsLayer>();
    value::<CorsService<Inner>>();
    value::<RedirectLayer>();
    value::<RedirectService<Inner>>();
    value::<RequestHeaderModifierLayer>();
    value::<RequestHeaderModifier<Inner>>();
    value::<ResponseHeaderModifierLayer>();
    value::<ResponseHeaderModifier<Inner>>();
    value::<UrlRewriteLayer>();
    value::<UrlRewriteService<Inner>>();
}

#[test]
fn steps_are_values() {
    value::<CorsResponse>();
    value::<CorsStep>();
    value::<Preflight>();
}

#[test]
fn futures_can_be_sent() {
    future::<cors::ResponseFuture<Inner, Vec<u8>>>();
    future::<header_modifier::ResponseFuture<Inner>>();
    future::<redirect::ResponseFuture<Vec<u8>>>();
    future::<rewrite::ResponseFuture<Inner>>();
}

#[test]
fn redirect_service_asks_nothing_of_the_one_it_replaces() {
    value::<RedirectService<Rc<()>>>();
}
