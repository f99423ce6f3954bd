//! Where enrolments come from: the command line, the enrolment file under watch, requests; and where
//! they are kept for a restart.

mod store;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use mesh_bpf::ProxyKind;
use mesh_config::enrolment::{self, Enrolment};
use tokio::{task::block_in_place, time::sleep};

use self::store::Kept;
pub(super) use self::store::Store;
use super::{
    configuration::Problems,
    workloads::{EnrolledBy, Set, Wanted, Workloads, taken},
};
use crate::settings::{Settings, WorkloadSettings};

/// How often the enrolment file is looked at. What has changed is taken when it is the same at the
/// next look: a file that is being written is not read by half.
const FILE_EVERY: Duration = Duration::from_millis(250);

/// The enrolments of one file at one moment, or why they cannot be used.
type Reading = Result<Vec<Wanted>, Vec<String>>;

impl Workloads {
    /// What there should be: the workload of the command line, those of the file, those that were
    /// enrolled by request. A bad file is no reason to let its workloads go: its last good state is
    /// taken.
    ///
    /// # Errors
    /// The file is bad and was never good, or two sources name one workload.
    pub(crate) fn want_all(&self) -> anyhow::Result<()> {
        let settings = &self.host.settings;
        let kept = self.store.lock().expect("no holder panics").read();
        let mut set = self.set();
        if let Some(workload) = &settings.workload {
            let name = workload.name.clone();
            set.wanted
                .insert(name, Wanted::by_command_line(workload.clone()));
        }
        for enrolment in kept.requests {
            let name = enrolment.name.clone();
            let kept = Wanted::enrolled(enrolment, EnrolledBy::Request, settings);
            match kept {
                Ok(wanted) if wanted.settings.cgroup.is_dir() => want(&mut set, wanted)?,
                Ok(_) => tracing::info!(workload = name, "its cgroup is gone: it is forgotten"),
                Err(error) => tracing::error!(workload = name, "it is forgotten: {error:#}"),
            }
        }
        let Some(path) = &settings.workloads else {
            return Ok(());
        };
        let wanted = match read_file(path, settings) {
            Ok(wanted) => wanted,
            Err(problems) if kept.file.is_empty() => {
                let what = format!("the enrolment file {} is bad", path.display());
                return Err(anyhow::Error::new(Problems(problems)).context(what));
            }
            Err(problems) => {
                say(&problems);
                set.file_problems = problems;
                let kept = kept.file.into_iter();
                kept.map(|enrolment| Wanted::enrolled(enrolment, EnrolledBy::File, settings))
                    .collect::<Result<_, _>>()?
            }
        };
        for wanted in wanted {
            want(&mut set, wanted)?;
        }
        Ok(())
    }

    /// Enrols a workload by request, and keeps that for a restart.
    ///
    /// # Errors
    /// Its name is taken, or it cannot be enrolled; nothing is kept then.
    pub(crate) async fn add(self: &Arc<Self>, enrolment: Enrolment) -> anyhow::Result<u32> {
        if self.host.proxy() == ProxyKind::External {
            bail!(
                "this daemon has an external proxy, which serves the workload of its command line \
                 alone; run a daemon of another --instance"
            );
        }
        let wanted = Wanted::enrolled(enrolment, EnrolledBy::Request, &self.host.settings)?;
        want(&mut self.set(), wanted.clone())?;
        let name = wanted.settings.name.clone();
        let enrolled = self.enrol(wanted).await;
        if enrolled.is_err() {
            self.set().wanted.remove(&name);
        }
        self.keep()?;
        enrolled
    }

    /// Releases a workload that was enrolled by request, and forgets it.
    ///
    /// # Errors
    /// There is none, it is somebody else's to remove, or it is not let go.
    pub(crate) async fn remove(self: &Arc<Self>, name: &str, now: bool) -> anyhow::Result<()> {
        {
            let mut set = self.set();
            match set.wanted.get(name).map(|wanted| wanted.by) {
                Some(EnrolledBy::Request) => drop(set.wanted.remove(name)),
                Some(EnrolledBy::File) => bail!(
                    "workload `{name}` is in the enrolment file: take it away there, and it is \
                     released"
                ),
                Some(EnrolledBy::CommandLine) => bail!(
                    "workload `{name}` is that of the daemon's command line: restart the daemon \
                     without it"
                ),
                None => {}
            }
        }
        self.keep()?;
        self.release(name, now).await
    }

    /// Keeps what is enrolled by request and by the file.
    fn keep(&self) -> anyhow::Result<()> {
        block_in_place(|| {
            // Taken before the set is read: who writes last must have read last.
            let mut store = self.store.lock().expect("no holder panics");
            store.write(&self.kept())
        })
    }

    fn kept(&self) -> Kept {
        let mut set = self.set();
        set.is_store_outdated = false;
        let of = |by| {
            let wanted = set.wanted.values().filter(move |wanted| wanted.by == by);
            wanted
                .filter_map(|wanted| wanted.enrolment.clone())
                .collect()
        };
        Kept {
            requests: of(EnrolledBy::Request),
            file: of(EnrolledBy::File),
        }
    }

    /// Follows the enrolment file, and keeps what has changed, until it is dropped.
    pub(crate) async fn follow_enrolments(self: Arc<Self>) {
        let path: Option<PathBuf> = self.host.settings.workloads.clone();
        let mut in_force = path.as_deref().map(content);
        let mut before = in_force.clone();
        loop {
            sleep(FILE_EVERY).await;
            if let Some(path) = &path {
                let present = Some(content(path));
                if present != in_force && present == before {
                    self.take_file(path);
                    in_force.clone_from(&present);
                }
                before = present;
            }
            let is_outdated = self.set().is_store_outdated;
            if is_outdated && let Err(error) = self.keep() {
                tracing::error!("{error:#}");
            }
        }
    }

    fn take_file(&self, path: &Path) {
        let reading = block_in_place(|| read_file(path, &self.host.settings));
        let mut set = self.set();
        let taken = reading.and_then(|wanted| replace_file(&mut set, wanted, path));
        match taken {
            Ok(()) => {
                set.file_problems.clear();
                set.is_store_outdated = true;
                tracing::info!("the enrolment file {} is in force", path.display());
            }
            Err(problems) => {
                say(&problems);
                set.file_problems = problems;
            }
        }
        drop(set);
        self.look();
    }
}

impl Wanted {
    fn by_command_line(settings: WorkloadSettings) -> Self {
        Self {
            settings,
            by: EnrolledBy::CommandLine,
            enrolment: None,
        }
    }

    fn enrolled(enrolment: Enrolment, by: EnrolledBy, settings: &Settings) -> anyhow::Result<Self> {
        let of_workload = WorkloadSettings::enrolled(&enrolment, settings)
            .with_context(|| format!("workload `{}`", enrolment.name))?;
        Ok(Self {
            settings: of_workload,
            by,
            enrolment: Some(enrolment),
        })
    }
}

/// Adds a workload to those that there should be.
fn want(set: &mut Set, wanted: Wanted) -> anyhow::Result<()> {
    let name = wanted.settings.name.clone();
    if let Some(other) = set.wanted.get(&name) {
        bail!("{}", taken(&name, other.by));
    }
    set.wanted.insert(name, wanted);
    Ok(())
}

/// All of the file's workloads in the place of those that it had before, or nothing.
fn replace_file(set: &mut Set, wanted: Vec<Wanted>, path: &Path) -> Result<(), Vec<String>> {
    let others = |wanted: &Wanted| {
        let name = &wanted.settings.name;
        let other = set.wanted.get(name)?;
        let is_other = other.by != EnrolledBy::File;
        is_other.then(|| format!("{}: {}", path.display(), taken(name, other.by)))
    };
    let problems: Vec<String> = wanted.iter().filter_map(others).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    set.wanted.retain(|_, wanted| wanted.by != EnrolledBy::File);
    let named = wanted
        .into_iter()
        .map(|wanted| (wanted.settings.name.clone(), wanted));
    set.wanted.extend(named);
    Ok(())
}

fn read_file(path: &Path, settings: &Settings) -> Reading {
    let text = |problem: &mesh_config::problem::Problem| problem.to_string();
    let enrolments =
        enrolment::read(path).map_err(|problems| problems.iter().map(text).collect::<Vec<_>>())?;
    let mut wanted = Vec::new();
    let mut problems = Vec::new();
    for enrolment in enrolments {
        match Wanted::enrolled(enrolment, EnrolledBy::File, settings) {
            Ok(one) => wanted.push(one),
            Err(error) => problems.push(format!("{}: {error:#}", path.display())),
        }
    }
    if problems.is_empty() {
        Ok(wanted)
    } else {
        Err(problems)
    }
}

/// What the file holds, as far as it can be read.
fn content(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok()
}

fn say(problems: &[String]) {
    for problem in problems {
        tracing::error!("{problem}");
    }
    tracing::error!("the enrolment file is bad: what was enrolled by it stays so");
}
