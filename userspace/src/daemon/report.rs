//! What the daemon says of itself on the control socket.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use ferromesh_proto::control::{
    Cluster, Configuration as Report, ConnectionsResponse, Generation, GenerationsResponse,
    Listener, StatusResponse, Workload,
};
use mesh_config::source::generations::{Generations, Origin, Record};
use mesh_proxy::{Proxy, status::ClusterStatus};
use mesh_telemetry::Registry;

use super::{configuration::State, redirection::Redirection};
use crate::{
    commands::connections::message,
    control::Subject,
    settings::{ProxyPlace, Settings},
};

/// The state that a report is drawn from.
pub(crate) struct Reporter {
    pub(crate) settings: Settings,
    pub(crate) started: Instant,
    pub(crate) workload: u32,
    pub(crate) registry: Arc<Registry>,
    /// None with an external proxy.
    pub(crate) proxy: Option<Arc<Proxy>>,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) redirection: Redirection,
}

impl Subject for Reporter {
    fn status(&self) -> StatusResponse {
        StatusResponse {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.started.elapsed().as_secs(),
            workloads: vec![self.workload()],
        }
    }

    fn connections(&self) -> anyhow::Result<ConnectionsResponse> {
        let connections = self
            .redirection
            .connections()?
            .iter()
            .map(message)
            .collect();
        Ok(ConnectionsResponse { connections })
    }

    fn generations(&self) -> anyhow::Result<GenerationsResponse> {
        let kept = Generations::in_directory(&self.settings.state_dir).records()?;
        let state = self.state.lock().expect("no holder panics");
        let in_force = state.in_force.snapshot.generation;
        Ok(GenerationsResponse {
            generations: (kept.records.into_iter())
                .map(|record| generation(record, in_force))
                .collect(),
            damaged: (kept.damaged.into_iter())
                .map(|damaged| format!("{:#}", anyhow::Error::new(damaged)))
                .collect(),
        })
    }
}

impl Reporter {
    fn workload(&self) -> Workload {
        let state = self.state.lock().expect("no holder panics");
        let in_force = &state.in_force;
        let refused = state.refused.as_ref();
        // New documents are in force once the proxy runs them, which is when their clusters have been
        // discovered.
        let (generation, clusters) = self.proxy.as_ref().map_or_else(
            || (None, Vec::new()),
            |proxy| {
                let status = proxy.status();
                (status.generation, status.clusters)
            },
        );
        Workload {
            id: self.workload,
            name: self.settings.workload_name.clone(),
            resource: self.settings.resource.to_string(),
            cgroup: self.settings.workload_cgroup.display().to_string(),
            state: self.registry.state().as_str().to_owned(),
            configuration: Some(Report {
                source: self.settings.mesh_config.display().to_string(),
                generation: generation.unwrap_or(in_force.snapshot.generation),
                in_force_seconds: in_force.since.elapsed().as_secs(),
                from_last_good: in_force.from_last_good,
                problems: refused.map_or_else(Vec::new, |refused| refused.problems.clone()),
                refused_seconds: refused.map_or(0, |refused| refused.since.elapsed().as_secs()),
                rolled_back_to: state.rolled_back_to,
            }),
            listeners: self.listeners(in_force.rules.egress_port, in_force.rules.ingress_port),
            clusters: clusters.iter().map(cluster).collect(),
            findings: (state.unapplied.iter().cloned())
                .chain(state.unkept.iter().cloned())
                .chain(in_force.warnings.iter().map(ToString::to_string))
                .chain(in_force.findings.iter().map(ToString::to_string))
                .collect(),
        }
    }

    fn listeners(&self, egress_port: u16, ingress_port: u16) -> Vec<Listener> {
        let admin = Listener {
            name: "admin".to_owned(),
            address: self.settings.admin.to_string(),
            role: "admin".to_owned(),
        };
        let proxy = match self.settings.proxy {
            ProxyPlace::External(_) => vec![],
            ProxyPlace::Internal => [("egress", egress_port), ("ingress", ingress_port)]
                .map(|(role, port)| Listener {
                    name: format!("lds_{role}_0.0.0.0_{port}"),
                    address: format!("0.0.0.0:{port}"),
                    role: role.to_owned(),
                })
                .to_vec(),
        };
        proxy.into_iter().chain([admin]).collect()
    }
}

fn generation(record: Record, in_force: u64) -> Generation {
    let rolled_back_to = match record.origin {
        Origin::Directory { .. } => None,
        Origin::RolledBack { to, .. } => Some(to),
    };
    Generation {
        generation: record.generation,
        in_force: record.generation == in_force,
        since: record.since,
        rolled_back_to,
        source: match record.origin {
            Origin::Directory { path } => path,
            Origin::RolledBack { .. } => String::new(),
        },
        files: record.files as u64,
        added: record.changes.added,
        changed: record.changes.changed,
        removed: record.changes.removed,
        unnamed: record.changes.unnamed as u64,
    }
}

fn cluster(status: &ClusterStatus) -> Cluster {
    Cluster {
        name: status.name.clone(),
        endpoints: status.endpoints.iter().map(ToString::to_string).collect(),
        answered_seconds: status.answered.map(age_seconds),
        failure: status.trouble.clone().unwrap_or_default(),
    }
}

/// A clock that was set back must not make an answer look older than time itself.
fn age_seconds(then: SystemTime) -> u64 {
    SystemTime::now()
        .duration_since(then)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}
