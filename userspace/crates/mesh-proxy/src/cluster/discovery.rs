//! The task that keeps the endpoints of one cluster: ask, compare, wait, ask again.

mod registry;
mod spoken;

use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use mesh_cloud_map::CloudMap;
use mesh_model::{
    instance::Instances,
    snapshot::{Cluster, Discovery},
};
use registry::Registry;
use spoken::Spoken;

use super::{
    SharedCluster,
    dns::{Answer, Dns, DnsError},
    host_set::{HostSet, Membership},
    instances::{self, Content, InstanceFiles},
    zones::Located,
};

/// The longest that an answer is kept for its time to live: a server that says years must not be the
/// last that is heard.
const LONGEST_KEPT: Duration = Duration::from_hours(24);

/// What discovery needs beside the cluster itself.
#[derive(Clone)]
pub(crate) struct Discoverer {
    pub(crate) dns: Arc<Dns>,
    pub(crate) instances: Arc<InstanceFiles>,
    pub(crate) cloud_map: Option<CloudMap>,
    pub(crate) refresh: Duration,
    /// Called when the addresses of a cluster are another set.
    pub(crate) changed: Arc<dyn Fn() + Send + Sync>,
}

/// How many endpoints a line of the log has room for.
const SHOWN: usize = 32;

/// What a cluster's task keeps from one question to the next.
#[derive(Default)]
struct Memory {
    registry: Registry,
    /// What was last found in the operator's file.
    listed: Option<Listed>,
    /// The hosts among which somebody in the own zone was looked for.
    looked_at: Weak<HostSet>,
}

/// A content of the operator's file that names the cluster.
struct Listed {
    content: Arc<Instances>,
    /// Why the cluster can use none of it; else its endpoints are the cluster's, or were offered to it.
    unfit: Option<String>,
}

/// What is known after a question.
enum Known {
    New(Found),
    /// What was taken last.
    Unchanged,
}

/// What was found.
struct Found {
    membership: Membership,
    located: Located,
    /// When they were last known to be these.
    at: SystemTime,
    /// When to ask again.
    again: Duration,
}

/// Why nothing was found.
struct Trouble {
    /// There was an answer, with nothing in it.
    is_empty: bool,
    text: String,
    /// What was found before the trouble; none where only the cluster knows.
    before: Option<Found>,
}

impl Trouble {
    fn new(text: String) -> Self {
        Self {
            is_empty: false,
            text,
            before: None,
        }
    }
}

impl Discoverer {
    /// Starts to discover a cluster, where it is one that needs it; the task ends with the cluster.
    pub(crate) fn start(&self, cluster: &Arc<SharedCluster>) {
        let is_asked = matches!(
            cluster.config.discovery,
            Discovery::Dns { .. } | Discovery::CloudMap { .. }
        );
        if is_asked {
            let task = tokio::spawn(keep_asking(Arc::downgrade(cluster), self.clone()));
            cluster.keep_task(task.abort_handle());
        }
    }

    /// Asks once: the operator's file, then whom the documents say. AWS Cloud Map is not asked for what
    /// the file names.
    async fn find(&self, cluster: &SharedCluster, memory: &mut Memory) -> Result<Known, Trouble> {
        if let Some(listed) = self.listed(&cluster.config, &mut memory.listed)? {
            memory.registry.leave();
            return Ok(listed);
        }
        memory.listed = None;
        self.asked(cluster, &mut memory.registry)
            .await
            .map(Known::New)
    }

    /// What those say whom the documents name.
    async fn asked(
        &self,
        cluster: &SharedCluster,
        registry: &mut Registry,
    ) -> Result<Found, Trouble> {
        let discovery = &cluster.config.discovery;
        match discovery {
            Discovery::Dns {
                hostname,
                port,
                ip_preference,
                ..
            } => {
                let hosts = cluster.hosts.load_full();
                let held: Vec<IpAddr> = hosts.addresses().iter().map(SocketAddr::ip).collect();
                let answer = self.dns.addresses(hostname, *ip_preference, &held).await?;
                let at = |ip| SocketAddr::new(ip, *port);
                Ok(Found {
                    membership: Membership::of(discovery),
                    at: SystemTime::now(),
                    again: self.again(&answer, &cluster.config),
                    located: Located::from(
                        answer.addresses.into_iter().map(at).collect::<Vec<_>>(),
                    ),
                })
            }
            Discovery::CloudMap { .. } => registry.find(self, discovery).await,
            Discovery::Static(_) | Discovery::OriginalDestination => {
                unreachable!("what is not looked for has no task")
            }
        }
    }

    /// What the operator's file has for a cluster; none where it does not name it. A list may be long: one
    /// that was gone through is not again, also while the file is at fault.
    fn listed(
        &self,
        config: &Cluster,
        before: &mut Option<Listed>,
    ) -> Result<Option<Known>, Trouble> {
        let Some(file) = &config.instances else {
            return Ok(None);
        };
        let Content { good, fault, .. } = self.instances.current(&file.path);
        let Some(good) = good else {
            return fault.map_or(Ok(None), |fault| Err(Trouble::new(fault)));
        };
        if let Some(listed) = before.as_ref().filter(|it| Arc::ptr_eq(&it.content, &good)) {
            let trouble = fault.or_else(|| listed.unfit.clone());
            return trouble.map_or(Ok(Some(Known::Unchanged)), |text| Err(Trouble::new(text)));
        }
        let named = instances::endpoints(&good, file, &config.discovery);
        *before = Some(Listed {
            content: good,
            unfit: named.as_ref().err().cloned(),
        });
        let found = match named {
            Ok(Some(located)) => Found {
                membership: Membership::Listed,
                located,
                at: SystemTime::now(),
                again: self.refresh,
            },
            // What it does not name it did not name before its fault either.
            Ok(None) => return Ok(None),
            Err(unfit) => return Err(Trouble::new(fault.unwrap_or(unfit))),
        };
        match fault {
            None => Ok(Some(Known::New(found))),
            Some(text) => Err(Trouble {
                before: Some(found),
                ..Trouble::new(text)
            }),
        }
    }

    /// How long an answer of DNS is used before the next question. A time to live of nothing, or none, is
    /// no reason to ask without pause.
    fn again(&self, answer: &Answer, config: &Cluster) -> Duration {
        // A file that does not name the cluster now may do so soon.
        let respects_ttl = config.instances.is_none()
            && matches!(
                config.discovery,
                Discovery::Dns {
                    respects_ttl: true,
                    ..
                }
            );
        match answer.ttl {
            Some(ttl) if respects_ttl && !ttl.is_zero() => ttl.min(LONGEST_KEPT),
            _ => self.refresh,
        }
    }
}

async fn keep_asking(cluster: Weak<SharedCluster>, discoverer: Discoverer) {
    let mut spoken = Spoken::default();
    let mut memory = Memory::default();
    loop {
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        cluster.stats.update_attempt.increment();
        let again = match discoverer.find(&cluster, &mut memory).await {
            Ok(known) => {
                spoken.well(&cluster.config.name);
                settle(&cluster, &discoverer, known)
            }
            Err(trouble) => {
                fail(&cluster, &discoverer, trouble, &mut spoken);
                discoverer.refresh
            }
        };
        if let Some((own_zone, is_elsewhere)) = elsewhere(&cluster, &mut memory.looked_at) {
            spoken.elsewhere(&cluster.config.name, own_zone, is_elsewhere);
        }
        drop(cluster);
        // It is soon enough when the time is over, so this is no failure.
        let _ = tokio::time::timeout(again, memory.registry.changed()).await;
    }
}

/// Has the cluster go on with what is known; when to ask again.
fn settle(cluster: &SharedCluster, discoverer: &Discoverer, known: Known) -> Duration {
    match known {
        Known::New(found) => {
            take(cluster, discoverer, &found);
            found.again
        }
        Known::Unchanged => {
            cluster.stats.update_success.increment();
            cluster.stats.update_no_rebuild.increment();
            cluster.confirmed(SystemTime::now());
            discoverer.refresh
        }
    }
}

/// Has the cluster go on with what it has, and says why.
fn fail(cluster: &SharedCluster, discoverer: &Discoverer, trouble: Trouble, spoken: &mut Spoken) {
    cluster.stats.update_failure.increment();
    if trouble.is_empty {
        cluster.stats.update_empty.increment();
    }
    if let Some(before) = trouble.before
        && cluster.hosts.load().addresses().is_empty()
    {
        take(cluster, discoverer, &before);
    }
    let status = cluster.status();
    let answered = status.answered.map(age);
    let kept = status.endpoints.len();
    spoken.trouble(&status.name, &trouble.text, answered, kept);
    cluster.failed(trouble.text);
}

/// Takes what was found into use.
fn take(cluster: &SharedCluster, discoverer: &Discoverer, found: &Found) {
    let stats = &cluster.stats;
    stats.update_success.increment();
    let Located { endpoints, zones } = &found.located;
    if !cluster.answered_as(found.membership, endpoints, zones, found.at) {
        stats.update_no_rebuild.increment();
        return;
    }
    stats.membership_change.increment();
    let names = zones.names();
    tracing::info!(
        cluster = cluster.config.name,
        members = endpoints.len(),
        endpoints = ?endpoints.iter().take(SHOWN).collect::<Vec<_>>(),
        zones = (!names.is_empty()).then(|| debug(&names)),
        "endpoints changed"
    );
    (discoverer.changed)();
}

/// The workload's own zone, where zones are to decide, and whether there are endpoints of which none is in it;
/// none where the hosts were looked at before. A cluster that goes on with the endpoints of another has them from
/// the beginning.
fn elsewhere<'a>(
    cluster: &'a SharedCluster,
    looked_at: &mut Weak<HostSet>,
) -> Option<(&'a str, bool)> {
    let own_zone = cluster.config.zone_aware.as_ref()?.own_zone.as_deref()?;
    let hosts = cluster.hosts.load_full();
    let before = std::mem::replace(looked_at, Arc::downgrade(&hosts));
    if before.ptr_eq(looked_at) {
        return None;
    }
    let is_elsewhere = !hosts.all().is_empty() && !hosts.zones().names().contains(own_zone);
    Some((own_zone, is_elsewhere))
}

/// A clock that was set back must not make an answer look older than time itself.
fn age(then: SystemTime) -> Duration {
    SystemTime::now().duration_since(then).unwrap_or_default()
}

impl From<DnsError> for Trouble {
    fn from(error: DnsError) -> Self {
        Self {
            is_empty: matches!(error, DnsError::Unknown { .. } | DnsError::NoAddress { .. }),
            ..Self::new(chain(&error))
        }
    }
}

/// An error and its causes on one line; a cause that the error names itself stands there once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
