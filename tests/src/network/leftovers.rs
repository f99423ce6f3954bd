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
    let prefix = format!("ferromesh-{}", purpose.prefix());
    let names = names_in(&cgroup::mount_point()?)
        .into_iter()
        .chain(names_in(&std::env::temp_dir()));
    Ok(names
        .filter_map(|name| {
            let pid: u32 = name
                .strip_prefix(&prefix)?
                .split('-')
                .next()?
                .parse()
                .ok()?;
            let ended = !Path::new("/proc").join(pid.to_string()).exists();
            let kept = std::env::temp_dir().join(&name).join(KEPT).exists();
            (ended || kept).then(|| Leftovers {
                id: name["ferromesh-".len()..].to_owned(),
            })
        })
        .collect())
}

impl Leftovers {
    /// The name of the run.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Kills its processes and removes its instances, cgroups, namespaces and files.
    pub fn remove(&self) -> Result<()> {
        let cgroup = cgroup::mount_point()?.join(format!("ferromesh-{}", self.id));
        if cgroup.exists() {
            cgroup::remove_tree(&cgroup)?;
        }
        let own = format!("{}-", self.id);
        for instance in names_in(&Path::new(BPFFS).join("ferromesh")) {
            if instance.starts_with(&own) {
                crate::daemon::uninstall(&instance)?;
            }
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
