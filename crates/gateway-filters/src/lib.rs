//! filters
#![allow(missing_docs)]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderModifier;
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redirect;
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UrlRewrite;
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cors;
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fraction;
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RetryPolicy;
