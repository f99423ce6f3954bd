//! Which availability zones the endpoints of a cluster are in, as far as discovery says so.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::SocketAddr,
    sync::Arc,
};

/// What discovery says of endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Located {
    /// Each once, in the order of its answer.
    pub(crate) endpoints: Vec<SocketAddr>,
    pub(crate) zones: Zones,
}

/// The zones of endpoints. One that is not among them has none that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Zones(Arc<HashMap<SocketAddr, Arc<str>>>);

impl Zones {
    /// The zone of an endpoint.
    pub(crate) fn of(&self, endpoint: SocketAddr) -> Option<&str> {
        self.0.get(&endpoint).map(AsRef::as_ref)
    }

    /// All zones that there are.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.0.values().map(AsRef::as_ref).collect()
    }

    /// The same, and of others what was known of them before.
    pub(super) fn and_those_of(&self, others: &[SocketAddr], before: &Self) -> Self {
        let mut zones = self.clone();
        for other in others {
            if let Some(zone) = before.0.get(other) {
                let zones = Arc::make_mut(&mut zones.0);
                zones.entry(*other).or_insert_with(|| Arc::clone(zone));
            }
        }
        zones
    }
}

/// Endpoints with their zones; of one that comes twice the first is taken. An empty zone is none.
impl<'a> FromIterator<(SocketAddr, Option<&'a str>)> for Located {
    fn from_iter<I: IntoIterator<Item = (SocketAddr, Option<&'a str>)>>(found: I) -> Self {
        let (mut seen, mut zones) = (HashSet::new(), HashMap::new());
        let mut endpoints = Vec::new();
        for (endpoint, zone) in found {
            if !seen.insert(endpoint) {
                continue;
            }
            endpoints.push(endpoint);
            let zone = zone.map(str::trim).filter(|zone| !zone.is_empty());
            if let Some(zone) = zone {
                zones.insert(endpoint, Arc::from(zone));
            }
        }
        Self {
            endpoints,
            zones: Zones(Arc::new(zones)),
        }
    }
}

/// Endpoints of which no zone is known.
impl From<Vec<SocketAddr>> for Located {
    fn from(endpoints: Vec<SocketAddr>) -> Self {
        Self {
            endpoints,
            zones: Zones::default(),
        }
    }
}

#[cfg(test)]
mod tests;
