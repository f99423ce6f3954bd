//! What the daemon says of itself on the control socket.

mod explain;

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use ferromesh_proto::control::{
    ChangeResponse, Cluster, Configuration as Report, ConnectionsResponse, EndpointZone,
    EnrolRequest, EnrolledWorkload, ExplainRequest, ExplainResponse, Generation,
    GenerationsResponse, ListResponse, Listener, StatusResponse, UnfitEndpoint,
    Workload as Message,
};
use mesh_bpf::ProxyKind;
use mesh_config::{
    enrolment::{self, Enrolment},
    source::generations::{Generations, Origin, Record},
};
use mesh_model::redirect::OnProxyDown;
use mesh_proxy::{
    status::{ClusterStatus, UnfitStatus},
    tap::{Tap, Wanted},
};
use tokio::sync::broadcast;

use super::{
    workload::{Standing, Workload},
    workloads::{EnrolledBy, Member, Phase, Set, Workloads, ask},
};
use crate::{
    commands::connections::message,
    control::{Change, Subject},
};

/// For a workload of the file or of the command line.
const LEFT: &str = "its cgroup is gone; one that is made at its path is redirected again";

/// Answers what is asked on the control socket.
pub(crate) struct Reporter {
    pub(crate) started: Instant,
    pub(crate) workloads: Arc<Workloads>,
}

#[tonic::async_trait]
impl Subject for Reporter {
    fn status(&self) -> StatusResponse {
        let set = self.workloads.set();
        let members = || set.members.values();
        let file = self.workloads.host.settings.workloads.as_ref();
        StatusResponse {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.started.elapsed().as_secs(),
            workloads: members()
                .filter_map(|member| {
                    Some(self.workload(member.phase.workload()?, member.wanted.by))
                })
                .collect(),
            absent: members()
                .filter(|member| member.phase.workload().is_none())
                .map(|member| enrolled(&set, member))
                .collect(),
            enrolment_file: file.map_or_else(String::new, |path| path.display().to_string()),
            enrolment_problems: set.file_problems.clone(),
            starting: !set.has_begun,
        }
    }

    fn connections(&self) -> anyhow::Result<ConnectionsResponse> {
        let connections = self.workloads.host.instance.connections()?;
        Ok(ConnectionsResponse {
            connections: connections.iter().map(message).collect(),
        })
    }

    fn closed(&self) -> broadcast::Receiver<Arc<str>> {
        self.workloads.host.closing.follow()
    }

    fn generations(&self, workload: Option<&str>) -> anyhow::Result<GenerationsResponse> {
        let workload = self.workloads.set().meant(workload)?;
        let kept = Generations::in_directory(&workload.settings().state_dir).records()?;
        let state = workload.state.lock().expect("no holder panics");
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

    fn list(&self) -> ListResponse {
        let set = self.workloads.set();
        let members = set.members.values();
        ListResponse {
            workloads: members.map(|member| enrolled(&set, member)).collect(),
        }
    }

    fn explain(&self, request: ExplainRequest) -> anyhow::Result<ExplainResponse> {
        explain::explain(self, request)
    }

    fn tap(&self, wanted: Wanted) -> Tap {
        self.workloads.host.taps.watch(wanted)
    }

    async fn change(
        &self,
        workload: Option<&str>,
        change: Change,
    ) -> anyhow::Result<Option<ChangeResponse>> {
        let workload = self.workloads.set().meant(workload)?;
        Ok(ask(&workload.orders, change).await)
    }

    async fn enrol(&self, request: EnrolRequest) -> anyhow::Result<u32> {
        self.workloads.add(enrolment(request)?).await
    }

    async fn release(&self, name: &str, now: bool) -> anyhow::Result<()> {
        self.workloads.remove(name, now).await
    }
}

impl Reporter {
    fn workload(&self, workload: &Workload, by: EnrolledBy) -> Message {
        let settings = workload.settings().clone();
        let state = workload.state.lock().expect("no holder panics");
        let in_force = &state.in_force;
        let refused = state.refused.as_ref();
        // New documents are in force once the proxy runs them, which is when their clusters have been
        // discovered.
        let (generation, clusters, found) = workload.proxy().map_or_else(
            || (None, Vec::new(), Vec::new()),
            |proxy| {
                let status = proxy.status();
                (status.generation, status.clusters, status.findings)
            },
        );
        let source = self.workloads.host.documents.source.path();
        let has_left = workload.standing() == Standing::Left;
        Message {
            id: workload.id,
            state: workload.registry.state().as_str().to_owned(),
            configuration: Some(Report {
                source: source.display().to_string(),
                generation: generation.unwrap_or(in_force.snapshot.generation),
                in_force_seconds: in_force.since.elapsed().as_secs(),
                from_last_good: in_force.from_last_good,
                problems: refused.map_or_else(Vec::new, |refused| refused.problems.clone()),
                refused_seconds: refused.map_or(0, |refused| refused.since.elapsed().as_secs()),
                rolled_back_to: state.rolled_back_to,
            }),
            listeners: self.listeners(
                &settings.admin.to_string(),
                in_force.rules.egress_port,
                in_force.rules.ingress_port,
            ),
            clusters: clusters.iter().map(cluster).collect(),
            findings: (workload.refusal().into_iter())
                .chain(has_left.then(|| LEFT.to_owned()))
                .chain(state.unapplied.iter().cloned())
                .chain(state.unkept.iter().cloned())
                .chain(in_force.warnings.iter().map(ToString::to_string))
                .chain(in_force.findings.iter().map(ToString::to_string))
                .chain(found)
                .collect(),
            netns: path(settings.netns.as_deref()),
            enrolled_by: by.as_str().to_owned(),
            name: settings.name,
            resource: settings.resource.to_string(),
            cgroup: settings.cgroup.display().to_string(),
        }
    }

    fn listeners(&self, admin: &str, egress_port: u16, ingress_port: u16) -> Vec<Listener> {
        let admin = Listener {
            name: "admin".to_owned(),
            address: admin.to_owned(),
            role: "admin".to_owned(),
        };
        let proxy = if self.workloads.host.proxy() == ProxyKind::External {
            vec![]
        } else {
            [("egress", egress_port), ("ingress", ingress_port)]
                .map(|(role, port)| Listener {
                    name: format!("lds_{role}_0.0.0.0_{port}"),
                    address: format!("0.0.0.0:{port}"),
                    role: role.to_owned(),
                })
                .to_vec()
        };
        proxy.into_iter().chain([admin]).collect()
    }
}

/// What a request says, checked as the enrolment file is.
fn enrolment(request: EnrolRequest) -> anyhow::Result<Enrolment> {
    anyhow::ensure!(
        enrolment::is_name(&request.name),
        "`{}` cannot name a workload; use 1 to 63 letters, digits, hyphens and underscores",
        request.name
    );
    let path = |path: String| (!path.is_empty()).then(|| path.into());
    let enrolment = Enrolment {
        resource: match request.resource.as_str() {
            "" => None,
            resource => Some(resource.parse()?),
        },
        netns: path(request.netns),
        on_proxy_down: match request.on_proxy_down.as_str() {
            "bypass" => OnProxyDown::Bypass,
            _ => OnProxyDown::Refuse,
        },
        environment: request.environment.into_iter().collect(),
        files_root: path(request.files_root),
        log: path(request.log),
        strict: request.strict,
        ..Enrolment::new(request.name, request.cgroup)
    };
    let paths = [&enrolment.netns, &enrolment.files_root, &enrolment.log]
        .into_iter()
        .flatten();
    for path in paths.chain([&enrolment.cgroup]) {
        anyhow::ensure!(
            path.is_absolute(),
            "{} is no absolute path: write it from the root",
            path.display()
        );
    }
    Ok(enrolment)
}

fn enrolled(set: &Set, member: &Member) -> EnrolledWorkload {
    let settings = &member.wanted.settings;
    EnrolledWorkload {
        id: set.number(&settings.name),
        name: settings.name.clone(),
        resource: settings.resource.to_string(),
        cgroup: settings.cgroup.display().to_string(),
        netns: path(settings.netns.as_deref()),
        on_proxy_down: match settings.on_proxy_down {
            OnProxyDown::Refuse => "refuse",
            OnProxyDown::Bypass => "bypass",
        }
        .to_owned(),
        enrolled_by: member.wanted.by.as_str().to_owned(),
        state: member.phase.as_str().to_owned(),
        failure: match &member.phase {
            Phase::Waiting => "its cgroup is not there".to_owned(),
            Phase::Failed { error, .. } => error.clone(),
            _ => String::new(),
        },
        strict: settings.strict,
    }
}

fn path(path: Option<&Path>) -> String {
    path.map_or_else(String::new, |path| path.display().to_string())
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
        unfit: status.unfit.iter().map(unfit).collect(),
        in_panic: status.in_panic,
        left: status.left.iter().map(ToString::to_string).collect(),
        zones: status.zones.iter().map(zone).collect(),
    }
}

fn zone((endpoint, zone): (&SocketAddr, &String)) -> EndpointZone {
    EndpointZone {
        endpoint: endpoint.to_string(),
        zone: zone.clone(),
    }
}

fn unfit(status: &UnfitStatus) -> UnfitEndpoint {
    UnfitEndpoint {
        endpoint: status.endpoint.to_string(),
        reason: status.reason.clone(),
        seconds: age_seconds(status.since),
    }
}

/// A clock that was set back must not make an answer look older than time itself.
fn age_seconds(then: SystemTime) -> u64 {
    SystemTime::now()
        .duration_since(then)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}
