//! The workloads of a daemon: each is enrolled and released by itself, and none waits for another.

mod set;
mod tend;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use anyhow::{Context, bail};
use mesh_bpf::{cgroup, inspect::inspect};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

pub(crate) use self::{
    set::{EnrolledBy, Member, Phase, Set, Wanted, taken},
    tend::ask,
};
use super::{enrolment::Store, host::Host, namespace::Namespace, workload::Workload};
use crate::commands::status::BPFFS;

/// All workloads of a daemon.
pub(crate) struct Workloads {
    pub(crate) host: Arc<Host>,
    /// Where the daemon's own sockets are.
    proxy_cgroup: PathBuf,
    set: Mutex<Set>,
    pub(super) store: Mutex<Store>,
    /// Somebody has to look again.
    changed: Notify,
}

impl Workloads {
    /// None yet, but for what the pins know of those of an earlier daemon.
    ///
    /// # Errors
    /// The pins cannot be read.
    pub(crate) fn new(host: Arc<Host>, proxy_cgroup: PathBuf) -> anyhow::Result<Arc<Self>> {
        let mut set = Set::default();
        if let Some(report) = inspect(Path::new(BPFFS), &host.settings.instance)? {
            set.remember(report);
        }
        Ok(Arc::new(Self {
            store: Mutex::new(Store::of(&host.settings)),
            host,
            proxy_cgroup,
            set: Mutex::new(set),
            changed: Notify::new(),
        }))
    }

    pub(crate) fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().expect("no holder panics")
    }

    /// Lets go what an earlier daemon enrolled and nobody wants any more.
    pub(crate) fn forget_the_unwanted(&self) {
        let mut set = self.set();
        let unwanted: Vec<String> = (set.pinned.keys())
            .filter(|name| !set.wanted.contains_key(*name))
            .cloned()
            .collect();
        for name in unwanted {
            let Some(pinned) = set.pinned.remove(&name) else {
                continue;
            };
            tracing::info!(workload = name, "an earlier daemon's workload is let go");
            if let Err(error) = self.host.instance.release(pinned.id) {
                tracing::error!("{:#}", anyhow::Error::new(error));
            }
        }
    }

    /// Enrols a workload, and answers when it is live, with its number.
    ///
    /// # Errors
    /// It cannot be enrolled: nothing of it is left but the error, in status.
    pub(crate) async fn enrol(self: &Arc<Self>, wanted: Wanted) -> anyhow::Result<u32> {
        let name = wanted.settings.name.clone();
        let (wanted, namespace, id) = match self.reserve(&wanted) {
            Ok(reserved) => reserved,
            Err(error) => {
                self.note_failure(&wanted, &error);
                return Err(error);
            }
        };
        let workloads = Arc::clone(self);
        // A task of its own: whoever asked may go away meanwhile.
        let starting = tokio::spawn(async move {
            let settings = wanted.settings.clone();
            let started = Workload::start(&workloads.host, settings, id, namespace).await;
            let outcome = match started {
                Ok(workload) => {
                    let mut set = workloads.set();
                    if let Some(member) = set.members.get_mut(&wanted.settings.name) {
                        member.phase = Phase::Running(Arc::new(workload));
                    }
                    Ok(id)
                }
                Err(error) => {
                    workloads.note_failure(&wanted, &error);
                    Err(error)
                }
            };
            workloads.changed.notify_one();
            outcome
        });
        let started = starting.await;
        started.with_context(|| format!("the start of workload `{name}` has panicked"))?
    }

    /// Everything that can be said of a workload before anything of it is made.
    fn reserve(&self, wanted: &Wanted) -> anyhow::Result<(Wanted, Namespace, u32)> {
        let mut wanted = wanted.clone();
        let settings = &mut wanted.settings;
        settings.cgroup = set::real_path(&settings.cgroup)?;
        if cgroup::is_inside(&settings.cgroup, &self.proxy_cgroup)? {
            bail!(
                "the workload's cgroup {} is below the daemon's own: give it one elsewhere",
                settings.cgroup.display()
            );
        }
        let namespace = Namespace::open(settings.netns.as_deref())?;
        let mut set = self.set();
        if set.is_ending {
            bail!("the daemon is ending");
        }
        let id = set.reserve(&wanted, &namespace)?;
        Ok((wanted, namespace, id))
    }

    fn note_failure(&self, wanted: &Wanted, error: &anyhow::Error) {
        let name = &wanted.settings.name;
        tracing::error!(workload = name, "it is not enrolled: {error:#}");
        let mut set = self.set();
        let present = set.members.get(name);
        // Somebody else's workload of this name is not touched by our failure.
        if present.is_some_and(|member| {
            member.wanted.by != wanted.by || member.phase.workload().is_some()
        }) {
            return;
        }
        let waits = wanted.by != EnrolledBy::Request && !wanted.settings.cgroup.is_dir();
        let member = Member {
            wanted: wanted.clone(),
            id: present.map_or(0, |member| member.id),
            phase: if waits {
                Phase::Waiting
            } else {
                Phase::Failed {
                    error: format!("{error:#}"),
                    since: Instant::now(),
                }
            },
        };
        set.members.insert(name.clone(), member);
    }

    /// Releases a workload, and answers when nothing of it is left. One that drains already may be
    /// hurried by `now`.
    ///
    /// # Errors
    /// There is none of that name, it is still starting, or the kernel does not let it go.
    pub(crate) async fn release(self: &Arc<Self>, name: &str, now: bool) -> anyhow::Result<()> {
        match self.begin_release(name, now)? {
            Release::Nothing => Ok(()),
            Release::UnderWay(hurry) => {
                hurry.closed().await;
                Ok(())
            }
            Release::Begun(workload, mut hurried) => {
                let workloads = Arc::clone(self);
                let name = name.to_owned();
                // A task of its own: whoever asked may go away meanwhile.
                let releasing = tokio::spawn(async move {
                    let hurry = async {
                        // The sender lives as long as the release.
                        let _ = hurried.wait_for(|is_hurried| *is_hurried).await;
                    };
                    let released = workload.release(hurry).await;
                    drop(workload);
                    workloads.note_release(&name, &released);
                    released
                });
                releasing.await.context("the release has panicked")?
            }
        }
    }

    fn begin_release(&self, name: &str, now: bool) -> anyhow::Result<Release> {
        let mut set = self.set();
        let Some(member) = set.members.get_mut(name) else {
            bail!("no workload `{name}` is enrolled");
        };
        match &member.phase {
            Phase::Starting(_) => bail!("workload `{name}` is starting; try again in a moment"),
            Phase::Waiting | Phase::Failed { .. } => {
                let id = member.id;
                set.members.remove(name);
                if set.pinned.remove(name).is_some() {
                    drop(set);
                    self.host.instance.release(id)?;
                }
                Ok(Release::Nothing)
            }
            Phase::Draining { hurry, .. } => {
                hurry.send_if_modified(|is_hurried| {
                    *is_hurried |= now;
                    now
                });
                Ok(Release::UnderWay(hurry.clone()))
            }
            Phase::Running(workload) => {
                let workload = Arc::clone(workload);
                let (hurry, hurried) = watch::channel(now);
                member.phase = Phase::Draining {
                    workload: Arc::clone(&workload),
                    hurry,
                };
                tracing::info!(workload = name, "draining");
                Ok(Release::Begun(workload, hurried))
            }
        }
    }

    fn note_release(&self, name: &str, released: &anyhow::Result<()>) {
        let mut set = self.set();
        let member = set.members.remove(name);
        match (released, member) {
            (Err(error), Some(member)) => {
                drop(set);
                self.note_failure(&member.wanted, error);
            }
            (_, Some(member)) => {
                tracing::info!(workload = name, "released");
                forget_kept(&member.wanted);
            }
            (_, None) => {}
        }
        self.changed.notify_one();
    }

    /// Ends all workloads, each in its own time, and begins none any more. With `retire` they are let
    /// go first; without it the programs stay, for the next daemon.
    ///
    /// # Errors
    /// The kernel does not let one go.
    pub(crate) async fn end(&self, retire: bool) -> anyhow::Result<()> {
        let mut ending = JoinSet::new();
        {
            let mut set = self.set();
            set.is_ending = true;
            for member in set.members.values() {
                if let Phase::Draining { hurry, .. } = &member.phase {
                    let hurry = hurry.clone();
                    hurry.send_replace(true);
                    // Its release is under way, and has ended when nobody listens any more.
                    ending.spawn(async move {
                        hurry.closed().await;
                        Ok(())
                    });
                    continue;
                }
                if let Some(workload) = member.phase.workload().map(Arc::clone) {
                    ending.spawn(async move { workload.end(retire).await });
                }
            }
        }
        let mut ended = Ok(());
        while let Some(one) = ending.join_next().await {
            ended = ended.and(one.context("the end of a workload has panicked")?);
        }
        ended
    }
}

/// What a release is at its beginning.
enum Release {
    Begun(Arc<Workload>, watch::Receiver<bool>),
    /// Somebody else's; closed when it has ended.
    UnderWay(watch::Sender<bool>),
    /// Nothing ran.
    Nothing,
}

/// A workload that is enrolled again later begins anew: pods that come and go leave nothing on disk.
fn forget_kept(wanted: &Wanted) {
    if wanted.by == EnrolledBy::CommandLine {
        return;
    }
    let directory = &wanted.settings.state_dir;
    if let Err(error) = fs::remove_dir_all(directory)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "{} cannot be removed", directory.display());
    }
}
