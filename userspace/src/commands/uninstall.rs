//! `ferromesh uninstall`: lets the workloads go, ends the daemon, removes every trace.

use std::{collections::BTreeSet, fs, io, path::Path, time::Duration};

use anyhow::{Context, bail};
use ferromesh_proto::control::RetireRequest;
use mesh_bpf::{cgroup, inspect::list_instances, uninstall::uninstall};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{answer, status::BPFFS};
use crate::{
    cli::UninstallArgs,
    control, daemon,
    runtime_dir::{RuntimeDir, remove_if_empty},
    state_dir,
};

/// How long a daemon may drain before it is named as the one that holds the removal up: the guide's
/// longest drain and some.
const DAEMON_ENDS_WITHIN: Duration = Duration::from_secs(130);

/// How long a watchdog may take to see that its daemon has gone.
const WATCHDOG_ENDS_WITHIN: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &UninstallArgs) -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("not root: removing eBPF programs needs it; run with sudo");
    }
    let instances = if args.all {
        let pinned = list_instances(Path::new(BPFFS))?;
        let running = RuntimeDir::instances().context("/run/ferromesh cannot be listed")?;
        pinned.into_iter().chain(running).collect()
    } else {
        BTreeSet::from([args.instance.instance.clone()])
    };
    for instance in &instances {
        remove(instance, args.state_dir.as_deref())
            .with_context(|| format!("instance `{instance}` is not wholly removed"))?;
    }
    if instances.is_empty() {
        answer::print("no instance on this kernel\n")?;
    }
    Ok(())
}

fn remove(instance: &str, state_dir: Option<&Path>) -> anyhow::Result<()> {
    let runtime_dir = RuntimeDir::of(instance);
    // The daemon detaches first, so that no connection of the workload is lost to the removal.
    if let Some(pid) = super::block_on(retire(&runtime_dir))?? {
        wait_for_end(pid)?;
    }
    // Held to the end: no daemon of this name may start on what is being removed.
    let _lock = runtime_dir.claim_if_there()?;
    let removed = uninstall(Path::new(BPFFS), instance)?;
    let own_cgroup = daemon::place::proxy_cgroup(&cgroup::mount_point()?, instance);
    let had_cgroup = remove_cgroup(&own_cgroup)?;
    let noted = runtime_dir.state_dir();
    let had_state = remove_state(instance, state_dir.or(noted.as_deref()))?;
    let ran = runtime_dir
        .remove()
        .context("its runtime directory stays")?;
    if removed.links + removed.maps + removed.directories == 0 && !had_cgroup && !had_state && !ran
    {
        return answer::print(format!("instance `{instance}`: nothing to remove\n"));
    }
    answer::print(format!(
        "instance `{instance}`: removed {} links, {} maps, {} pin directories{}{}\n",
        removed.links,
        removed.maps,
        removed.directories,
        if had_cgroup { ", its cgroup" } else { "" },
        if had_state {
            ", what it kept beyond a restart"
        } else {
            ""
        },
    ))
}

async fn retire(runtime_dir: &RuntimeDir) -> anyhow::Result<Option<u32>> {
    let Some(mut client) = control::connect(runtime_dir.control_socket()).await? else {
        return Ok(None);
    };
    let answer = client
        .retire(RetireRequest {})
        .await
        .context("the daemon does not take its leave")?;
    Ok(Some(answer.into_inner().pid))
}

/// A daemon that has ended and whose parent has not asked for its status holds nothing any more, and
/// counts as ended here too.
fn wait_for_end(pid: u32) -> anyhow::Result<()> {
    if !wait_for(pid, DAEMON_ENDS_WITHIN)? {
        bail!("its daemon (pid {pid}) still drains; run uninstall again when it has ended");
    }
    Ok(())
}

/// Whether a process ends within this time.
fn wait_for(pid: u32, within: Duration) -> anyhow::Result<bool> {
    let known = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let process = match pidfd_open(known.context("no such pid")?, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok(true),
        Err(error) => return Err(error).context(format!("process {pid} cannot be waited for")),
    };
    let deadline = Timespec::try_from(within).context("no such deadline")?;
    let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&deadline))
        .with_context(|| format!("process {pid} cannot be waited for"))?;
    Ok(ended > 0)
}

fn remove_cgroup(cgroup: &Path) -> anyhow::Result<bool> {
    // A daemon that was killed leaves its watchdog for the moment until that sees it.
    for pid in cgroup::members(cgroup)? {
        wait_for(pid, WATCHDOG_ENDS_WITHIN)?;
    }
    match fs::remove_dir(cgroup) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error)
            .with_context(|| format!("{} stays: a process is still in it", cgroup.display())),
    }
}

fn remove_state(instance: &str, other: Option<&Path>) -> anyhow::Result<bool> {
    let usual = state_dir::usual(instance);
    let mut was_there = false;
    for state_dir in [Some(usual.as_path()), other].into_iter().flatten() {
        was_there |= state_dir::remove(state_dir)
            .with_context(|| format!("{} stays", state_dir.display()))?;
    }
    remove_if_empty(usual.parent()).context("/var/lib/ferromesh stays")?;
    Ok(was_there)
}
