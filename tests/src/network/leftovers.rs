//! What runs that no longer exist have left on the machine, recognised by the names they gave.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result};

use super::{Purpose, run_directory};
use crate::{capability::BPFFS, cgroup, netns};

/// What one run left: a kept demonstration, or a run that was killed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftovers {
    id: String,
}

/// The runs of a purpose that were kept, or whose process has ended and of which something is still
/// there. Only runs of this machine's view are found: what a container or another root made in the
/// shared cgroup tree is its own to remove.
pub fn leftovers(purpose: Purpose) -> BTreeSet<Leftovers> {
    names_in(&std::env::temp_dir())
        .into_iter()
        .filter_map(|name| {
            let id = name.strip_prefix("ferromesh-")?;
            let is_run = is_run(id.strip_prefix(purpose.prefix())?);
            (is_run && !run_directory::is_alive(id)).then(|| Leftovers { id: id.to_owned() })
        })
        .collect()
}

/// Whether this is `PID` or `PID-COUNT`, as runs are called.
fn is_run(name: &str) -> bool {
    let (pid, count) = name.split_once('-').unwrap_or((name, "0"));
    pid.parse::<u32>().is_ok() && count.parse::<u32>().is_ok()
}

impl Leftovers {
    /// The name of the run.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Kills its processes and removes its instances, cgroups, namespaces and files.
    pub fn remove(&self) -> Result<()> {
        let hierarchy = cgroup::mount_point()?;
        let cgroup = hierarchy.join(format!("ferromesh-{}", self.id));
        if cgroup.exists() {
            cgroup::remove_tree(&cgroup)?;
        }
        let own = format!("{}-", self.id);
        let pinned = names_in(&Path::new(BPFFS).join("ferromesh"));
        let in_cgroups = names_in(&hierarchy).into_iter();
        // A daemon's own cgroup is all that there is of an instance that never got to its pins.
        let running =
            in_cgroups.filter_map(|name| Some(name.strip_prefix("ferromesh-")?.to_owned()));
        let instances: BTreeSet<String> = pinned.into_iter().chain(running).collect();
        for instance in instances.iter().filter(|name| name.starts_with(&own)) {
            crate::daemon::uninstall(instance)?;
        }
        for name in names_in(Path::new(netns::DIRECTORY)) {
            if name.starts_with(&own) {
                netns::remove(&name)?;
            }
        }
        let directory = run_directory::path_of(&self.id);
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot remove {}", directory.display()))?;
        }
        Ok(())
    }
}

/// The names in a directory; none if it is not there.
fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests;
