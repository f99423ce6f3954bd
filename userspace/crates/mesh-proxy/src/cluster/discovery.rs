//! The task that keeps the endpoints of one DNS cluster: ask, compare, wait, ask again.

use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Weak},
    time::Duration,
};

use mesh_model::snapshot::Discovery;
use mesh_telemetry::{Registry, Shard, scope::ClusterStats};

use super::{SharedCluster, dns::Dns};

/// What discovery needs beside the cluster itself.
#[derive(Clone)]
pub(crate) struct Discoverer {
    pub(crate) dns: Arc<Dns>,
    pub(crate) refresh: Duration,
    pub(crate) stats: Arc<Registry>,
    /// Called when the addresses of a cluster are another set.
    pub(crate) changed: Arc<dyn Fn() + Send + Sync>,
}

impl Discoverer {
    /// Starts to discover a cluster, where it is one that needs it; the task ends with the cluster.
    pub(crate) fn start(&self, cluster: &Arc<SharedCluster>) {
        let stats = self.stats.cluster(&cluster.config.name, Shard::Control);
        if matches!(cluster.config.discovery, Discovery::Dns { .. }) {
            let task = tokio::spawn(keep_asking(Arc::downgrade(cluster), self.clone(), stats));
            cluster.keep_task(task.abort_handle());
        } else {
            count_members(&stats, cluster);
        }
    }
}

async fn keep_asking(
    cluster: Weak<SharedCluster>,
    discoverer: Discoverer,
    stats: Arc<ClusterStats>,
) {
    loop {
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        ask(&cluster, &discoverer, &stats).await;
        drop(cluster);
        tokio::time::sleep(discoverer.refresh).await;
    }
}

async fn ask(cluster: &SharedCluster, discoverer: &Discoverer, stats: &ClusterStats) {
    let Discovery::Dns {
        hostname,
        port,
        ip_preference,
        ..
    } = &cluster.config.discovery
    else {
        return;
    };
    stats.update_attempt.increment();
    let held: Vec<IpAddr> = cluster
        .endpoints
        .load()
        .iter()
        .map(SocketAddr::ip)
        .collect();
    let answer = match hostname.parse::<IpAddr>() {
        Ok(literal) => Ok(vec![literal]),
        Err(_) => {
            discoverer
                .dns
                .addresses(hostname, *ip_preference, &held)
                .await
        }
    };
    match answer {
        Ok(addresses) => {
            stats.update_success.increment();
            let endpoints = addresses.into_iter().map(|ip| SocketAddr::new(ip, *port));
            if cluster.answered(endpoints.collect()) {
                stats.membership_change.increment();
                tracing::info!(
                    cluster = cluster.config.name,
                    endpoints = ?cluster.endpoints.load(),
                    "endpoints changed"
                );
                count_members(stats, cluster);
                (discoverer.changed)();
            } else {
                stats.update_no_rebuild.increment();
            }
        }
        Err(error) => {
            match error {
                super::dns::DnsError::NoAddress { .. } => stats.update_empty.increment(),
                super::dns::DnsError::Query { .. } => stats.update_failure.increment(),
            }
            let trouble = chain(&error);
            tracing::warn!(
                cluster = cluster.config.name,
                trouble,
                kept = cluster.endpoints.load().len(),
                "no new answer; the last one stays in use"
            );
            cluster.failed(trouble);
        }
    }
}

fn count_members(stats: &ClusterStats, cluster: &SharedCluster) {
    let members = cluster.endpoints.load().len() as u64;
    stats.membership_total.set(members);
    stats.membership_healthy.set(members);
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
