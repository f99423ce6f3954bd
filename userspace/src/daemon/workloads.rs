//! The workloads of a daemon: each is enrolled and released by itself, and none waits for another.

mod change;
mod end;
mod set;
mod tend;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use anyhow::{anyhow, bail};
use mesh_bpf::{cgroup, inspect::inspect};
use tokio::{
    signal::unix::Signal,
    sync::watch,
    task::{JoinError, block_in_place},
};

use self::set::{Begun, Release};
pub(crate) use self::{
    change::ask,
    set::{EnrolledBy, Member, Phase, Set, Site, Wanted, taken},
    tend::AGAIN_AFTER,
};
use super::{enrolment::Store, host::Host, namespace::Namespace, place, workload::Workload};
use crate::{commands::status::BPFFS, settings::WorkloadSettings};

/// All workloads of a daemon.
pub(crate) struct Workloads {
    pub(crate) host: Arc<Host>,
    /// Where the daemon's own sockets are.
    proxy_cgroup: PathBuf,
    set: Mutex<Set>,
    pub(super) store: Mutex<Store>,
    /// Told when the set has changed.
    news: watch::Sender<()>,
    /// True ends all waiting of the daemon's end.
    hurry: watch::Sender<bool>,
}

impl Workloads {
    /// None yet, but for what the pins know of those of an earlier daemon.
    ///
    /// # Errors
    /// The pins cannot be read.
    pub(crate) fn new(host: Arc<Host>, proxy_cgroup: PathBuf) -> anyhow::Result<Arc<Self>> {
        let mut set = Set::default();
        if let Some(report) = inspect(Path::new(BPFFS), &host.settings.instance)? {
            for one in report.workloads {
                set.remember(one.name, one.id, one.cgroup, one.netns);
            }
        }
        Ok(Arc::new(Self {
            store: Mutex::new(Store::of(&host.settings)),
            host,
            proxy_cgroup,
            set: Mutex::new(set),
            news: watch::Sender::new(()),
            hurry: watch::Sender::new(false),
        }))
    }

    pub(crate) fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().expect("no holder panics")
    }

    /// Has every access log opened anew at each signal. Runs until it is dropped.
    pub(crate) async fn reopen_logs(self: Arc<Self>, mut moved: Signal) {
        while moved.recv().await.is_some() {
            let set = self.set();
            let members = set.members.values();
            for workload in members.filter_map(|member| member.phase.workload()) {
                workload.registry.reopen_log();
            }
        }
    }

    /// Says that the set has changed.
    pub(super) fn tell(&self) {
        self.news.send_replace(());
    }

    /// Waits until something can be found in the set.
    async fn wait_for<T>(&self, mut find: impl FnMut(&mut Set) -> Option<T>) -> T {
        let mut news = self.news.subscribe();
        loop {
            if let Some(found) = find(&mut self.set()) {
                return found;
            }
            // The sender lives as long as this.
            let _ = news.changed().await;
        }
    }

    /// Lets go what nobody wants and nothing runs under, such as what an earlier daemon enrolled. Says
    /// whether the kernel let go all of it.
    pub(crate) fn let_the_unwanted_go(&self) -> bool {
        let mut all = true;
        let mut set = self.set();
        for name in set.unwanted() {
            tracing::info!(workload = name, "nobody wants it any more: let go");
            match self.let_go(&mut set, &name) {
                Ok(()) => set.forget(&name),
                Err(error) => {
                    tracing::error!(workload = name, "{error:#}");
                    all = false;
                }
            }
        }
        all
    }

    /// The kernel's part of a workload that does not run goes under the lock of the set: nobody takes
    /// it up meanwhile.
    fn let_go(&self, set: &mut Set, name: &str) -> anyhow::Result<()> {
        set.let_go(name, |id| {
            let outlived = block_in_place(|| self.host.instance.release(id))?;
            self.host.closing.tell(id, name, &outlived);
            self.host.let_go(id);
            Ok(())
        })
    }

    /// Enrols a workload that is wanted, and answers when it is live, with its number.
    ///
    /// # Errors
    /// It cannot be enrolled; why is in the log and in status.
    pub(crate) async fn enrol(self: &Arc<Self>, wanted: Wanted) -> anyhow::Result<u32> {
        let site = block_in_place(|| self.site(&wanted.settings));
        let begun = {
            let mut set = self.set();
            let begun = site.and_then(|site| Ok((set.begin(&wanted, &site)?, site)));
            if let Err(error) = &begun {
                self.note_refusal(&mut set, &wanted, error);
            }
            begun
        };
        let (begun, site) = begun?;
        self.start(wanted.settings, begun, site, None).await
    }

    /// Begins to want and to enrol a workload in one step, and enrols it.
    ///
    /// # Errors
    /// Its name is taken, or it cannot be enrolled; nobody wants it then.
    pub(super) async fn enrol_new(self: &Arc<Self>, wanted: Wanted) -> anyhow::Result<u32> {
        let name = wanted.settings.name.clone();
        let site = block_in_place(|| self.site(&wanted.settings));
        let begun = {
            let mut set = self.set();
            let begun = site.and_then(|site| Ok((set.add(&wanted, &site)?, site)));
            if let Err(error) = &begun
                && !set.wanted.contains_key(&name)
            {
                self.note_refusal(&mut set, &wanted, error);
            }
            begun
        };
        let (begun, site) = begun?;
        let settings = wanted.settings.clone();
        let started = self.start(settings, begun, site, None).await;
        if started.is_err() {
            let mut set = self.set();
            if set.wanted.get(&name) == Some(&wanted) {
                set.wanted.remove(&name);
            }
            if !set.wanted.contains_key(&name)
                && let Err(error) = self.let_go(&mut set, &name)
            {
                tracing::error!(workload = name, "{error:#}");
            }
        }
        started
    }

    /// What can be found out of a workload's place before anything is made.
    fn site(&self, settings: &WorkloadSettings) -> anyhow::Result<Site> {
        let cgroup = place::real_cgroup(&settings.cgroup)?;
        if cgroup::is_inside(&cgroup, &self.proxy_cgroup)? {
            bail!(
                "the workload's cgroup {} is below the daemon's own: give it one elsewhere",
                cgroup.display()
            );
        }
        let namespace = Namespace::open(settings.netns.as_deref())?;
        Ok(Site { cgroup, namespace })
    }

    fn note_refusal(&self, set: &mut Set, wanted: &Wanted, error: &anyhow::Error) {
        let name = &wanted.settings.name;
        let waits = wanted.by != EnrolledBy::Request && !wanted.settings.cgroup.is_dir();
        if waits {
            tracing::info!(workload = name, "it waits for its cgroup");
            set.refuse(wanted, Phase::Waiting);
        } else {
            tracing::error!(workload = name, "it is not enrolled: {error:#}");
            set.refuse(wanted, Phase::failed(error));
        }
        self.tell();
    }

    /// Makes what the set has begun, after what ran in its place has made way. It goes on though the
    /// caller may not wait for it.
    async fn start(
        self: &Arc<Self>,
        settings: WorkloadSettings,
        begun: Begun,
        site: Site,
        before: Option<Arc<Workload>>,
    ) -> anyhow::Result<u32> {
        let workloads = Arc::clone(self);
        let started = tokio::spawn(async move {
            let name = settings.name.clone();
            if let Some(before) = before {
                let site = site.clone();
                let ending = Arc::clone(&workloads);
                let made_way =
                    tokio::spawn(async move { before.make_way(&site, ending.hurried()).await });
                if let Err(error) = made_way.await {
                    tracing::error!(workload = name, "{:#}", panicked(error));
                }
            }
            let id = begun.id;
            let host = Arc::clone(&workloads.host);
            let mut starting = tokio::spawn(async move {
                Workload::start(&host, settings, site, begun.id, begun.is_armed).await
            });
            let ending = workloads.wait_for(|set| set.ending);
            let started = tokio::select! {
                started = &mut starting => started,
                _ = ending => {
                    starting.abort();
                    starting.await
                }
            };
            let started = match started {
                Ok(started) => started,
                Err(error) if error.is_cancelled() => Err(anyhow!("the daemon is ending")),
                Err(error) => Err(panicked(error)),
            };
            let answer = match &started {
                Ok(_) => Ok(id),
                Err(error) => {
                    tracing::error!(workload = name, "it is not enrolled: {error:#}");
                    Err(anyhow!("{error:#}"))
                }
            };
            let started = started.map(Arc::new);
            let live = started.as_ref().ok().map(Arc::clone);
            {
                let mut set = workloads.set();
                set.started(&name, started);
                // Under the lock: nobody begins to release it meanwhile.
                if let Some(workload) = live {
                    workload.go_live();
                }
            }
            workloads.tell();
            answer
        });
        started.await.map_err(panicked)?
    }

    /// Releases a workload, and answers when nothing of it is left; one that starts, when it has
    /// started. One that drains already may be hurried by `now`.
    ///
    /// # Errors
    /// There is none of that name, or the kernel does not let it go.
    pub(crate) async fn release(self: &Arc<Self>, name: &str, now: bool) -> anyhow::Result<()> {
        let begun = self.wait_for(|set| set.begin_release(name, now).transpose());
        self.go_on_releasing(name, begun.await?).await
    }

    /// The same for one that was wanted until now.
    ///
    /// # Errors
    /// The kernel does not let it go.
    pub(super) async fn release_unwanted(
        self: &Arc<Self>,
        name: &str,
        now: bool,
    ) -> anyhow::Result<()> {
        let begun = self.wait_for(|set| set.begin_removal(name, now));
        self.go_on_releasing(name, begun.await).await
    }

    async fn go_on_releasing(
        self: &Arc<Self>,
        name: &str,
        begun: Release<Workload>,
    ) -> anyhow::Result<()> {
        match begun {
            Release::Absent => {
                let mut set = self.set();
                self.let_go(&mut set, name)?;
                set.forget(name);
                Ok(())
            }
            Release::UnderWay(hurry) => {
                hurry.closed().await;
                self.set().after_release(name)
            }
            Release::Begun(workload, hurried) => {
                tracing::info!(workload = name, "draining");
                let workloads = Arc::clone(self);
                let name = name.to_owned();
                // A task of its own: whoever asked may go away meanwhile.
                let releasing =
                    tokio::spawn(async move { workloads.drain(&name, workload, hurried).await });
                releasing.await.map_err(panicked)?
            }
        }
    }

    async fn drain(
        &self,
        name: &str,
        workload: Arc<Workload>,
        mut alone: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let state_dir = workload.settings().state_dir.clone();
        let daemon_ends = self.wait_for(|set| set.ending);
        let hurry = self.hurried_with(&mut alone);
        let released = workload.release(daemon_ends, hurry).await;
        drop(workload);
        let is_wanted = {
            let set = self.set();
            let by_command_line = |member: &Member| member.wanted.by == EnrolledBy::CommandLine;
            set.wanted.contains_key(name) || set.members.get(name).is_some_and(by_command_line)
        };
        // Before the set is told: until then nobody of this name begins anew.
        if released.is_ok() && !is_wanted {
            block_in_place(|| forget_kept(&state_dir));
        }
        match &released {
            Ok(()) => tracing::info!(workload = name, "released"),
            Err(error) => tracing::error!(workload = name, "it is not let go: {error:#}"),
        }
        self.set().released(name, &released);
        self.tell();
        released
    }
}

/// A workload that is enrolled again later begins anew: pods that come and go leave nothing on disk.
fn forget_kept(state_dir: &Path) {
    if let Err(error) = fs::remove_dir_all(state_dir)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "{} cannot be removed", state_dir.display());
    }
}

fn panicked(error: JoinError) -> anyhow::Error {
    anyhow::Error::new(error).context("a task of the daemon has panicked")
}
