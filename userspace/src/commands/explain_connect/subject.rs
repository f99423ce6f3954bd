//! Who would connect: a process as it is now, or anybody of a cgroup.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use mesh_bpf::{cgroup, survey::namespace};
use serde::Serialize;

use crate::cli::ExplainConnectArgs;

/// Who would connect.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Subject {
    pub(super) pid: Option<u32>,
    /// Its name; empty for a cgroup.
    pub(super) name: String,
    pub(super) cgroup: PathBuf,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The network namespace by its file: the process's, or that of a process of the cgroup.
    pub(super) netns: Option<PathBuf>,
}

impl Subject {
    pub(super) fn find(args: &ExplainConnectArgs) -> anyhow::Result<Self> {
        match (args.pid, &args.cgroup) {
            (Some(pid), _) => Self::of_process(pid, args),
            (None, Some(directory)) => Self::of_cgroup(directory, args),
            (None, None) => bail!("give --pid or --cgroup"),
        }
    }

    fn of_process(pid: u32, args: &ExplainConnectArgs) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))
            .with_context(|| format!("there is no process {pid}"))?;
        let (uid, gid) = real_owner(&status)
            .with_context(|| format!("/proc/{pid}/status does not say whose it is"))?;
        Ok(Self {
            pid: Some(pid),
            name: name(&status),
            cgroup: cgroup::of_process(Some(pid))?,
            uid: args.uid.unwrap_or(uid),
            gid: args.gid.unwrap_or(gid),
            netns: Some(namespace::of_process(pid)),
        })
    }

    fn of_cgroup(directory: &Path, args: &ExplainConnectArgs) -> anyhow::Result<Self> {
        let directory = fs::canonicalize(directory)
            .with_context(|| format!("there is no cgroup {}", directory.display()))?;
        let first = cgroup::processes(&directory).into_iter().next();
        Ok(Self {
            pid: None,
            name: String::new(),
            cgroup: directory,
            uid: args.uid.unwrap_or(0),
            gid: args.gid.unwrap_or(0),
            netns: first.map(namespace::of_process),
        })
    }
}

/// The first, real, of the ids that `Uid:` and `Gid:` list (`proc_pid_status(5)`): the connect
/// hooks see these.
fn real_owner(status: &str) -> Option<(u32, u32)> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some((field("Uid:")?, field("Gid:")?))
}

fn name(status: &str) -> String {
    let name = status.lines().find_map(|line| line.strip_prefix("Name:"));
    name.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests;
