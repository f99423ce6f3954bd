//! Where the daemon stands: what it needs of the machine, and the cgroup of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use mesh_bpf::{cgroup, preflight};

use crate::{
    commands::status::BPFFS,
    object::OBJECT,
    settings::{ProxyPlace, Settings},
};

/// Checks what the machine must have, then makes sure that this process and its sockets are outside
/// the workload of the command line. Returns the cgroup of the proxy.
pub(crate) fn prepare(settings: &Settings) -> anyhow::Result<PathBuf> {
    preflight::check(Path::new(BPFFS))?;
    if OBJECT.is_empty() {
        bail!("this binary was built without its eBPF programs; build it with `cargo xtask build`");
    }
    let root = cgroup::mount_point()?;
    let workload = settings.workload.as_ref();
    let workload = workload.map(|workload| workload.cgroup.as_path());
    if let Some(workload) = workload {
        real_cgroup(workload)?;
    }
    match &settings.proxy {
        ProxyPlace::Internal => own_cgroup(&root, workload, &settings.instance),
        ProxyPlace::External(proxy) => {
            if let Some(workload) = workload
                && cgroup::is_inside(proxy, workload)?
            {
                bail!(
                    "the external proxy's cgroup {} is inside the workload's: its own connections \
                     would come back to it; start it in a sibling",
                    proxy.display()
                );
            }
            Ok(proxy.clone())
        }
    }
}

/// The real path of a cgroup, by which it is known whatever links lead to it.
///
/// # Errors
/// It is not there.
pub(crate) fn real_cgroup(cgroup: &Path) -> anyhow::Result<PathBuf> {
    match cgroup.canonicalize() {
        Ok(path) if path.is_dir() => Ok(path),
        _ => bail!(
            "{} is no cgroup: make it under {} and start the workload in it",
            cgroup.display(),
            cgroup::mount_point()?.display()
        ),
    }
}

/// The cgroup that an instance makes for its own proxy.
pub(crate) fn proxy_cgroup(root: &Path, instance: &str) -> PathBuf {
    root.join(format!("ferromesh-{instance}"))
}

/// The daemon has a cgroup to itself, so that programs for the proxy meet nobody else. A service
/// manager's unit may be one already; anywhere else the daemon makes one beside the workload's tree.
fn own_cgroup(root: &Path, workload: Option<&Path>, instance: &str) -> anyhow::Result<PathBuf> {
    let present = cgroup::of_process(None)?;
    let is_inside = match workload {
        Some(workload) => cgroup::is_inside(&present, workload)?,
        None => false,
    };
    let is_unit = present
        .extension()
        .is_some_and(|extension| extension == "service");
    if is_unit && !is_inside && is_alone_in(&present)? {
        return Ok(present);
    }
    let own = proxy_cgroup(root, instance);
    if let Some(workload) = workload
        && cgroup::is_inside(root, workload)?
    {
        bail!(
            "the workload's cgroup {} holds every cgroup of this machine: name one of its own",
            workload.display()
        );
    }
    cgroup::create(&own)?;
    cgroup::enter(&own).with_context(|| {
        format!(
            "the daemon is in {} and cannot leave it for a cgroup of its own",
            present.display()
        )
    })?;
    Ok(own)
}

/// Whether this process is the only one of a cgroup.
fn is_alone_in(cgroup: &Path) -> anyhow::Result<bool> {
    let list = cgroup.join("cgroup.procs");
    let processes =
        fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    Ok(processes.trim() == std::process::id().to_string())
}
