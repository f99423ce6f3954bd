//! What becomes of the place of a workload: its cgroup and its namespace may go, and others come to
//! their paths.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use anyhow::Context;
use tokio::task::block_in_place;

use super::{Workload, outside};
use crate::{
    control::Change,
    daemon::{
        configuration::InForce,
        redirection::Redirection,
        workloads::{Site, ask},
    },
    settings::WorkloadSettings,
};

/// How the place of a workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As it was enrolled.
    There,
    /// Another cgroup is at its path.
    Renewed,
    /// Its cgroup is gone.
    Left,
    /// Its namespace is gone, and no process of it is left.
    Lost,
}

impl Workload {
    /// How its place is now.
    pub(crate) fn standing(&self) -> Standing {
        let inode = inode(&self.cgroup.path);
        let is_same = inode == Some(self.cgroup.inode.load(Relaxed));
        match (inode, self.namespace.is_there()) {
            (Some(_), true) if is_same => Standing::There,
            (Some(_), false) if is_same && self.cgroup.has_processes() => Standing::There,
            (Some(_), true) => Standing::Renewed,
            (None, true) => Standing::Left,
            (_, false) => Standing::Lost,
        }
    }

    /// Puts the programs onto the cgroup that is at its path now; all else goes on. What cannot be
    /// done is in the log, and the next look finds it undone.
    pub(crate) async fn reattach(&self) {
        let workload = self.settings().name.clone();
        let found = inode(&self.cgroup.path);
        let Some(said) = ask(&self.orders, Change::Reattach).await else {
            return;
        };
        if !said.refusal.is_empty() {
            tracing::error!(
                workload,
                "its new cgroup is not redirected: {}",
                said.refusal
            );
            return;
        }
        tracing::info!(workload, "its cgroup was made again: redirected");
        if let Some(inode) = found {
            self.cgroup.inode.store(inode, Relaxed);
        }
        let settings = self.settings().clone();
        block_in_place(|| outside::judge(&settings, &self.namespace, &self.registry));
    }

    /// Makes way for one of its name and number in another place, or with other sockets and threads.
    /// The mode decides about new connections from the first moment, in the new place too; what runs
    /// has the time of a drain, unless nobody is left. `hurry` ends all waiting.
    pub(crate) async fn make_way(&self, site: &Site, hurry: impl Future<Output = ()>) {
        let is_there = self.standing() == Standing::There;
        let running = self.running.lock().expect("no holder panics").take();
        let Some(mut running) = running else { return };
        running.stop_following().await;
        self.host.heart.rest(self.id);
        let armed = block_in_place(|| self.redirection_at(site).enrol(&self.in_force()));
        if let Err(error) = armed {
            tracing::error!("{error:#}");
        }
        if is_there {
            tokio::select! {
                () = self.drain() => {}
                () = hurry => {}
            }
        }
        let proxy = self.proxy.lock().expect("no holder panics").take();
        block_in_place(|| drop(proxy));
        running.admin.end().await;
    }

    fn redirection_at(&self, site: &Site) -> Redirection {
        let settings = WorkloadSettings {
            cgroup: site.cgroup.clone(),
            ..self.settings().clone()
        };
        let instance = self.host.instance.clone();
        let (namespace, proxy) = (site.namespace.clone(), self.host.proxy());
        Redirection::new(instance, &settings, self.id, namespace, proxy)
    }

    fn in_force(&self) -> InForce {
        let state = self.state.lock().expect("no holder panics");
        state.in_force.clone()
    }
}

/// The cgroup that was enrolled: another one of the same path is not it.
pub(super) struct Cgroup {
    /// As it was given: a link that leads elsewhere one day leads to another cgroup.
    path: PathBuf,
    inode: AtomicU64,
}

impl Cgroup {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let metadata = fs::metadata(path);
        let metadata = metadata.with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            inode: metadata.ino().into(),
        })
    }

    /// Whether a process is in it or below it (`cgroup.events`, Linux's `cgroup-v2` document).
    pub(super) fn has_processes(&self) -> bool {
        let events = fs::read_to_string(self.path.join("cgroup.events"));
        events.is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
    }
}

fn inode(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok();
    metadata.as_ref().map(Metadata::ino)
}
