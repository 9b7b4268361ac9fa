mod objects;
#[cfg(feature = "cluster")]
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::model::ObjectName;

use super::*;
use crate::world::World;

pub(super) fn needed(name: &str, ports: &[(u16, bool)]) -> Needed {
    let port = |(port, datagrams): &(u16, bool)| NeededPort {
        port: *port,
        datagrams: *datagrams,
    };
    Needed {
        gateway: ObjectName::new("edge", name),
        uid: format!("uid of {name}").into(),
        class: Arc::from("gateway"),
        labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
        annotations: BTreeMap::from([("cost".to_owned(), "low".to_owned())]),
        ports: ports.iter().map(port).collect(),
        addresses: vec!["10.0.0.7".parse().unwrap()],
        pods: Pods::default(),
        is_held: false,
    }
}

pub(super) fn blueprint(exposure: Exposure) -> Blueprint {
    let dedicated = Dedicated::new("example.com/gateway:7").with_variable("A", "b");
    Blueprint::new(exposure, ObjectName::new("gateway-system", "gateway")).with_dedicated(dedicated)
}

/// Objects that are as they should be.
fn seen(objects: &Objects) -> Seen {
    let each = objects.iter();
    each.map(|(key, one)| (key.clone(), one.object.clone()))
        .collect()
}
