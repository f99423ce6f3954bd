//! Which instances of an answer are used, and where they are.

use mesh_model::instance::Instance;

use crate::api::{Attributes, Health, Registered};

/// The instances that take traffic, by their addresses: those that are not unhealthy, have every attribute
/// that is asked for, whatever was made of the question, and an address and a port that can be read.
pub(crate) fn usable(registered: &[Registered], asked: &Attributes) -> Vec<Instance> {
    let mut usable: Vec<Instance> = registered
        .iter()
        .filter(|one| one.health != Health::Unhealthy && has(one, asked))
        .filter_map(instance)
        .collect();
    // AWS Cloud Map gives another order with each answer.
    usable.sort_unstable_by_key(|one| (one.ipv4, one.ipv6, one.port));
    usable
}

/// Whether the health of some instance may change without a new revision: nobody says so of a
/// service, and one that has no instance now may have unhealthy ones.
pub(crate) fn may_be_checked(registered: &[Registered]) -> bool {
    let is_checked = |one: &Registered| one.health != Health::Unchecked;
    registered.is_empty() || registered.iter().any(is_checked)
}

fn has(one: &Registered, asked: &Attributes) -> bool {
    let has = |(key, value): &(String, String)| one.attributes.get(key) == Some(value);
    asked.pairs().iter().all(has)
}

/// Where it is, by the attributes that AWS Cloud Map gives a meaning; none where they give no address,
/// or a port that is none.
fn instance(one: &Registered) -> Option<Instance> {
    let text = |key: &str| one.attributes.get(key).map(|value| value.trim());
    let ipv4 = text("AWS_INSTANCE_IPV4").and_then(|text| text.parse().ok());
    let ipv6 = text("AWS_INSTANCE_IPV6").and_then(|text| text.parse().ok());
    let port = match text("AWS_INSTANCE_PORT") {
        Some(text) => Some(text.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    if ipv4.is_none() && ipv6.is_none() {
        return None;
    }
    Some(Instance {
        ipv4,
        ipv6,
        port,
        zone: one.attributes.get("AVAILABILITY_ZONE").cloned(),
        // Nothing is compared with them any more, and all labels of a pod may be among them.
        ..Instance::default()
    })
}

#[cfg(test)]
mod tests;
