//! Any endpoint, by weight.

use std::net::SocketAddr;

use super::pick::{Hold, Pick};
use crate::endpoint::{Endpoint, EndpointSet};
use crate::fraction;

/// The sums of the weights up to and with each endpoint.
pub(super) fn sums(endpoints: &EndpointSet) -> Box<[u64]> {
    endpoints
        .iter()
        .scan(0, |sum, endpoint| {
            *sum += u64::from(endpoint.weight());
            Some(*sum)
        })
        .collect()
}

/// An endpoint that is not at `avoid`, if there is one.
pub(super) fn pick(endpoints: &EndpointSet, sums: &[u64], avoid: &[SocketAddr]) -> Option<Pick> {
    let endpoint = if avoid.is_empty() {
        any(endpoints, sums)?
    } else {
        let others: EndpointSet = endpoints
            .iter()
            .filter(|endpoint| !avoid.contains(&endpoint.address()))
            .cloned()
            .collect();
        any(&others, &self::sums(&others)).or_else(|| any(endpoints, sums))?
    };
    Some(Pick::new(endpoint, Hold::None))
}

fn any(endpoints: &EndpointSet, sums: &[u64]) -> Option<Endpoint> {
    let point = fraction::point(fastrand::u64(..), *sums.last()?);
    let index = sums.partition_point(|sum| *sum <= point);
    endpoints.as_slice().get(index).cloned()
}
