//! The endpoints of a cluster as AWS Cloud Map has them: what its nodes' instances are under the
//! cluster's preference of address families.

use std::future;

use mesh_cloud_map::{Attributes, Heard, Known, Service, Subscription};
use mesh_model::snapshot::{Discovery, IpPreference};

use super::{Discoverer, Found, Trouble};
use crate::cluster::{host_set::Membership, zones::Located};

/// What a cluster hears of its service, from the first time that it asks.
#[derive(Default)]
pub(super) struct Registry(Option<Subscription>);

impl Registry {
    /// What is known now; waits for the first answer, or for the reason why there is none.
    pub(super) async fn find(
        &mut self,
        discoverer: &Discoverer,
        discovery: &Discovery,
    ) -> Result<Found, Trouble> {
        let Discovery::CloudMap {
            namespace,
            service,
            attributes,
            port,
            ip_preference,
        } = discovery
        else {
            unreachable!("only what is in AWS Cloud Map is asked of it")
        };
        let Some(cloud_map) = &discoverer.cloud_map else {
            let text = "there is nobody who asks AWS Cloud Map".to_owned();
            return Err(Trouble::new(text));
        };
        let subscription = self.0.get_or_insert_with(|| {
            let service = Service {
                namespace: namespace.clone(),
                name: service.clone(),
            };
            cloud_map.subscribe(service, &Attributes::new(attributes.clone()))
        });
        let Heard { known, trouble } = subscription.last().await;
        let found = known.map(|known| Found {
            membership: Membership::of(discovery),
            located: located(&known, *ip_preference, *port),
            at: known.at,
            again: discoverer.refresh,
        });
        match (found, trouble) {
            (Some(found), None) => Ok(found),
            (before, trouble) => Err(Trouble {
                before,
                ..Trouble::new(trouble.as_deref().unwrap_or_default().to_owned())
            }),
        }
    }

    /// Hears of nothing any more.
    pub(super) fn leave(&mut self) {
        self.0 = None;
    }

    /// Returns when there is something new; never where nothing is heard.
    pub(super) async fn changed(&mut self) {
        match &mut self.0 {
            Some(subscription) => subscription.changed().await,
            None => future::pending().await,
        }
    }
}

/// Where the instances are, each place once.
fn located(known: &Known, preference: IpPreference, port: u16) -> Located {
    let instances = known.instances.iter().filter_map(|instance| {
        let endpoint = instance.endpoint(preference, port)?;
        Some((endpoint, instance.zone.as_deref()))
    });
    instances.collect()
}

#[cfg(test)]
mod tests;
