//! File systems: the cgroup hierarchies and bpffs.

use std::{fs, path::Path};

use mesh_bpf::{cgroup, preflight};
use rustix::system::uname;

use super::{Finding, kernel::version};
use crate::commands::status::BPFFS;

/// From here on a v1 class or priority on a socket does not take its v2 cgroup away.
const BOTH_ON_A_SOCKET: (u32, u32) = (5, 16);

pub(super) fn look() -> Vec<Finding> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let release = uname().release().to_string_lossy().into_owned();
    let mut findings = vec![hierarchy(&mounts)];
    findings.extend(network_controllers(&mounts, version(&release)));
    findings.push(bpffs());
    findings
}

fn hierarchy(mounts: &str) -> Finding {
    match cgroup::mount_point() {
        Ok(root) if v1_controllers(mounts).next().is_some() => Finding::ok(
            "cgroups",
            format!("cgroup v2 at {}, beside v1 controllers", root.display()),
        ),
        Ok(root) => Finding::ok("cgroups", format!("cgroup v2 at {}", root.display())),
        Err(error) => Finding::error(
            "cgroups",
            "no cgroup v2 hierarchy is mounted",
            error.to_string(),
        ),
    }
}

/// The mounts of v1 hierarchies: mount point and controllers.
fn v1_controllers(mounts: &str) -> impl Iterator<Item = (&str, &str)> {
    mounts.lines().filter_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = file_system.split(' ');
        (fields.next() == Some("cgroup"))
            .then(|| Some((mount.split(' ').nth(4)?, fields.nth(1)?)))?
    })
}

fn network_controllers(mounts: &str, kernel: Option<(u32, u32)>) -> Option<Finding> {
    let (place, _) = v1_controllers(mounts).find(|(_, options)| {
        options
            .split(',')
            .any(|option| matches!(option, "net_cls" | "net_prio"))
    })?;
    if kernel.is_none_or(|kernel| kernel >= BOTH_ON_A_SOCKET) {
        return Some(Finding::ok(
            "cgroups",
            format!("the v1 controllers at {place} leave v2 alone on this kernel"),
        ));
    }
    Some(Finding::warning(
        "cgroups",
        format!(
            "at {place} are v1 controllers of the network: before Linux 5.16 a socket that one of \
             them marked has no v2 cgroup, and is not redirected"
        ),
        "boot with cgroup_no_v1=net_cls,net_prio, or keep workloads out of their cgroups",
    ))
}

fn bpffs() -> Finding {
    if preflight::is_bpf_file_system(Path::new(BPFFS)) {
        Finding::ok("bpffs", format!("mounted at {BPFFS}"))
    } else {
        Finding::warning(
            "bpffs",
            format!(
                "no BPF file system is at {BPFFS}: the daemon mounts it if it may, and there \
                     is no instance now"
            ),
            format!("mount -t bpf bpf {BPFFS}"),
        )
    }
}

#[cfg(test)]
mod tests;
