//! What runs that no longer exist have left on the machine, recognised by the names they gave.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result};

use super::{KEPT, Purpose};
use crate::{capability::BPFFS, cgroup, netns};

/// What one run left: a kept demonstration, or a run that was killed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftovers {
    id: String,
}

/// The runs of a purpose that were kept, or whose process has ended and of which something is still
/// there.
pub fn leftovers(purpose: Purpose) -> Result<BTreeSet<Leftovers>> {
    let names = names_in(&cgroup::mount_point()?)
        .into_iter()
        .chain(names_in(&std::env::temp_dir()));
    Ok(names
        .filter_map(|name| {
            let run = name.strip_prefix("ferromesh-")?;
            let pid = pid_in(run.strip_prefix(purpose.prefix())?)?;
            let ended = !Path::new("/proc").join(pid.to_string()).exists();
            let kept = std::env::temp_dir().join(&name).join(KEPT).exists();
            let id = run.to_owned();
            (ended || kept).then_some(Leftovers { id })
        })
        .collect())
}

/// The process of a run, from `PID` or `PID-COUNT`; none for names of single hosts of a run.
fn pid_in(name: &str) -> Option<u32> {
    let (pid, count) = name.split_once('-').unwrap_or((name, "0"));
    count.parse::<u32>().ok()?;
    pid.parse().ok()
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
        let directory = std::env::temp_dir().join(format!("ferromesh-{}", self.id));
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
