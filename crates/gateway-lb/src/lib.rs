//! lb
#![allow(missing_docs)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    #[default]
    RoundRobin,
}
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Endpoint(std::net::SocketAddr);
impl Endpoint {
    pub fn new(a: std::net::SocketAddr) -> Self {
        Self(a)
    }
}
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointSet(Vec<Endpoint>);
impl FromIterator<Endpoint> for EndpointSet {
    fn from_iter<I: IntoIterator<Item = Endpoint>>(i: I) -> Self {
        Self(i.into_iter().collect())
    }
}
