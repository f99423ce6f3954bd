//! Which workloads there are and should be, and what each may have: its name, its number, its ports.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::bail;
use mesh_bpf::inspect::InstanceReport;
use mesh_config::enrolment::Enrolment;
use tokio::sync::watch;

use super::super::{
    namespace::{Namespace, NamespaceId},
    workload::Workload,
};
use crate::settings::WorkloadSettings;

/// What enrolled a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnrolledBy {
    /// The flags and variables of the daemon.
    CommandLine,
    /// The enrolment file.
    File,
    /// `ferromesh workload add`.
    Request,
}

impl EnrolledBy {
    /// The word of status.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CommandLine => "command-line",
            Self::File => "file",
            Self::Request => "request",
        }
    }

    /// For a sentence: "… by `what`".
    fn what(self) -> &'static str {
        match self {
            Self::CommandLine => "the command line of the daemon",
            Self::File => "the enrolment file",
            Self::Request => "`ferromesh workload add`",
        }
    }
}

/// A workload that there should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) settings: WorkloadSettings,
    pub(crate) by: EnrolledBy,
    /// None for the workload of the command line.
    pub(crate) enrolment: Option<Enrolment>,
}

/// A workload that there is, or that was tried.
pub(crate) struct Member {
    pub(crate) wanted: Wanted,
    pub(crate) id: u32,
    pub(crate) phase: Phase,
}

/// How far a workload is.
pub(crate) enum Phase {
    Starting(NamespaceId),
    Running(Arc<Workload>),
    Draining {
        workload: Arc<Workload>,
        /// True ends all waiting.
        hurry: watch::Sender<bool>,
    },
    /// It is tried again when its cgroup is there.
    Waiting,
    Failed {
        error: String,
        since: Instant,
    },
}

impl Phase {
    /// The word of status.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Starting(_) => "STARTING",
            Self::Running(_) => "LIVE",
            Self::Draining { .. } => "DRAINING",
            Self::Waiting => "WAITING",
            Self::Failed { .. } => "FAILED",
        }
    }

    /// The workload, if one runs.
    pub(crate) fn workload(&self) -> Option<&Arc<Workload>> {
        match self {
            Self::Running(workload) | Self::Draining { workload, .. } => Some(workload),
            Self::Starting(_) | Self::Waiting | Self::Failed { .. } => None,
        }
    }

    /// The namespace that it has ports in.
    fn namespace(&self) -> Option<NamespaceId> {
        match self {
            Self::Starting(namespace) => Some(*namespace),
            Self::Running(workload) | Self::Draining { workload, .. } => {
                Some(workload.namespace_id())
            }
            Self::Waiting | Self::Failed { .. } => None,
        }
    }
}

/// What the pins of an earlier daemon know of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Pinned {
    pub(crate) id: u32,
    cgroup: PathBuf,
    netns: Option<PathBuf>,
}

/// All workloads of a daemon.
#[derive(Default)]
pub(crate) struct Set {
    pub(crate) wanted: BTreeMap<String, Wanted>,
    pub(crate) members: BTreeMap<String, Member>,
    /// By name, those that no member has taken up.
    pub(crate) pinned: BTreeMap<String, Pinned>,
    /// What is wrong with the enrolment file.
    pub(crate) file_problems: Vec<String>,
    /// What is enrolled by request is not what the state directory says.
    pub(crate) is_store_outdated: bool,
    /// Nothing is begun any more.
    pub(crate) is_ending: bool,
}

impl Set {
    /// Takes note of what an earlier daemon left.
    pub(crate) fn remember(&mut self, report: InstanceReport) {
        let workloads = report.workloads.into_iter();
        self.pinned = workloads
            .map(|workload| {
                let pinned = Pinned {
                    id: workload.id,
                    cgroup: workload.cgroup,
                    netns: workload.netns,
                };
                (workload.name, pinned)
            })
            .collect();
    }

    /// Makes a member that starts, with a number of its own.
    ///
    /// # Errors
    /// Another workload has its name, its cgroup or one of its ports; the message names both.
    pub(crate) fn reserve(
        &mut self,
        wanted: &Wanted,
        namespace: &Namespace,
    ) -> anyhow::Result<u32> {
        let settings = &wanted.settings;
        if let Some(member) = self.members.get(&settings.name)
            && (member.phase.namespace().is_some() || member.wanted.by != wanted.by)
        {
            bail!("{}", taken(&settings.name, member.wanted.by));
        }
        ports_apart(settings)?;
        for (name, other) in &self.members {
            let Some(other_namespace) = other.phase.namespace() else {
                continue;
            };
            if *name != settings.name {
                cgroups_apart(settings, &other.wanted.settings)?;
            }
            if *name != settings.name && other_namespace == namespace.id() {
                share_no_port(settings, &other.wanted.settings)?;
            }
        }
        let id = self.number_of(settings, namespace);
        let member = Member {
            wanted: wanted.clone(),
            id,
            phase: Phase::Starting(namespace.id()),
        };
        self.members.insert(settings.name.clone(), member);
        Ok(id)
    }

    /// The number that the pins have for its name; else that of a workload that has gone from the
    /// same place, whose programs are replaced with no gap; else the lowest that is free.
    fn number_of(&mut self, settings: &WorkloadSettings, namespace: &Namespace) -> u32 {
        if let Some(pinned) = self.pinned.remove(&settings.name) {
            return pinned.id;
        }
        let successor = self.pinned.iter().find(|(name, pinned)| {
            !self.wanted.contains_key(*name)
                && pinned.cgroup == settings.cgroup
                && pinned.netns.as_deref() == namespace.path()
        });
        if let Some(name) = successor.map(|(name, _)| name.clone())
            && let Some(pinned) = self.pinned.remove(&name)
        {
            return pinned.id;
        }
        let pinned = self.pinned.values().map(|pinned| pinned.id);
        let members = self.members.values();
        let members = members.filter(|member| member.phase.namespace().is_some());
        let used: BTreeSet<u32> = members.map(|member| member.id).chain(pinned).collect();
        (0..=u32::MAX)
            .find(|id| !used.contains(id))
            .unwrap_or(u32::MAX)
    }

    /// The workload that is meant: that of a name, or the only one.
    ///
    /// # Errors
    /// There is none, or several and no name.
    pub(crate) fn meant(&self, name: Option<&str>) -> anyhow::Result<Arc<Workload>> {
        let running = |member: &Member| member.phase.workload().map(Arc::clone);
        let names = || {
            let running = self
                .members
                .iter()
                .filter(|(_, member)| running(member).is_some());
            running
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        if let Some(name) = name {
            let Some(workload) = self.members.get(name).and_then(running) else {
                bail!("no workload `{name}` runs; those that do: {}", names());
            };
            return Ok(workload);
        }
        let mut all = self.members.values().filter_map(running);
        match (all.next(), all.next()) {
            (Some(workload), None) => Ok(workload),
            (None, _) => bail!("no workload runs"),
            (Some(_), Some(_)) => bail!("several workloads run: name one of them: {}", names()),
        }
    }
}

/// For an error: who has a name already.
pub(crate) fn taken(name: &str, by: EnrolledBy) -> String {
    format!(
        "a workload `{name}` is enrolled already, by {}; choose another name, or take it away there \
         first",
        by.what()
    )
}

fn ports_apart(settings: &WorkloadSettings) -> anyhow::Result<()> {
    let ports = settings.ports();
    for (index, (what, port)) in ports.iter().enumerate() {
        if let Some((other, _)) = ports[..index].iter().find(|(_, other)| other == port) {
            bail!(
                "workload `{}` has port {port} for {other} and for {what}; give each a port of its own",
                settings.name
            );
        }
    }
    Ok(())
}

fn cgroups_apart(settings: &WorkloadSettings, other: &WorkloadSettings) -> anyhow::Result<()> {
    let (own, others) = (&settings.cgroup, &other.cgroup);
    if own.starts_with(others) || others.starts_with(own) {
        bail!(
            "the cgroup {} of workload `{}` and the cgroup {} of workload `{}` are one or inside each \
             other; a process can be in one workload only",
            own.display(),
            settings.name,
            others.display(),
            other.name
        );
    }
    Ok(())
}

fn share_no_port(settings: &WorkloadSettings, other: &WorkloadSettings) -> anyhow::Result<()> {
    for (what, port) in settings.ports() {
        let taken = other.ports().into_iter().find(|(_, other)| *other == port);
        if let Some((as_what, _)) = taken {
            bail!(
                "workloads `{}` and `{}` are in one network namespace and both want port {port} (for \
                 {what} and for {as_what}); give one of them other values of \
                 APPMESH_ENVOY_EGRESS_PORT, APPMESH_ENVOY_INGRESS_PORT and ENVOY_ADMIN_ACCESS_PORT",
                settings.name,
                other.name
            );
        }
    }
    Ok(())
}

/// The real path of a cgroup, by which it is known whatever links lead to it.
///
/// # Errors
/// It is not there.
pub(crate) fn real_path(cgroup: &Path) -> anyhow::Result<PathBuf> {
    match cgroup.canonicalize() {
        Ok(path) if path.is_dir() => Ok(path),
        _ => bail!(
            "{} is no cgroup: make it under {} and start the workload in it",
            cgroup.display(),
            mesh_bpf::cgroup::mount_point()?.display()
        ),
    }
}

#[cfg(test)]
mod tests;
