//! Where enrolments come from: the command line, the enrolment file under watch, requests; and where
//! they are kept for a restart.

mod store;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard},
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

/// The bytes of the file; none where it cannot be read or there is none.
pub(super) type Content = Option<Vec<u8>>;

impl Workloads {
    /// What there should be: the workload of the command line, those of the file, those that were
    /// enrolled by request. A bad file is no reason to let its workloads go: its last good state is
    /// taken. Where two sources name one workload, the first of these has it. Returns what the file
    /// held, for [`Self::follow_enrolments`].
    ///
    /// # Errors
    /// The file is bad and was never good.
    pub(crate) fn want_all(&self) -> anyhow::Result<Content> {
        let settings = &self.host.settings;
        let kept = self.store().read();
        // Before it is read in earnest: what changes between is found as a change.
        let held = settings.workloads.as_deref().and_then(content);
        let (of_file, mut problems) = match &settings.workloads {
            Some(path) => enrolled_by_file(path, kept.file, settings)?,
            None => Default::default(),
        };
        let of_command_line = settings.workload.clone().map(Wanted::by_command_line);
        let by_request = kept.requests.into_iter();
        let by_request =
            by_request.filter_map(|enrolment| enrolled_by_request(enrolment, settings));
        let mut set = self.set();
        let all = of_command_line.into_iter().chain(of_file);
        problems.extend(want(&mut set, all.chain(by_request)));
        say(&problems);
        set.file_problems = problems;
        Ok(held)
    }

    /// Enrols a workload by request, and keeps that for a restart. It goes on though the caller may
    /// not wait for it.
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
        let workloads = Arc::clone(self);
        let adding = tokio::spawn(async move {
            let enrolled = workloads.enrol_new(wanted).await;
            workloads.keep();
            enrolled
        });
        adding.await.context("the enrolment has panicked")?
    }

    /// Releases a workload that was enrolled by request, and forgets it.
    ///
    /// # Errors
    /// There is none, it is somebody else's to remove, or it is not let go.
    pub(crate) async fn remove(self: &Arc<Self>, name: &str, now: bool) -> anyhow::Result<()> {
        let was_wanted = {
            let mut set = self.set();
            match set.wanted.get(name).map(|wanted| wanted.by) {
                Some(EnrolledBy::Request) => set.wanted.remove(name).is_some(),
                Some(EnrolledBy::File) => bail!(
                    "workload `{name}` is in the enrolment file: take it away there, and it is \
                     released"
                ),
                Some(EnrolledBy::CommandLine) => bail!(
                    "workload `{name}` is that of the daemon's command line: restart the daemon \
                     without it"
                ),
                None => false,
            }
        };
        self.keep();
        if was_wanted {
            self.release_unwanted(name, now).await
        } else {
            self.release(name, now).await
        }
    }

    /// Keeps what is enrolled by request and by the file, where that is not what is kept. A disk that
    /// cannot keep it costs the next restart its enrolments, not this one: it is tried again.
    fn keep(&self) {
        // Taken before the set is read: who writes last must have read last.
        let mut store = self.store();
        let kept = self.to_keep();
        if let Err(error) = block_in_place(|| store.keep(kept)) {
            tracing::error!("{error:#}");
        }
    }

    fn to_keep(&self) -> Kept {
        let set = self.set();
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

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no holder panics")
    }

    /// Follows the enrolment file from what it held, and keeps what has changed, until it is dropped.
    pub(crate) async fn follow_enrolments(self: Arc<Self>, held: Content) {
        let path: Option<PathBuf> = self.host.settings.workloads.clone();
        let mut in_force = held;
        let mut before = in_force.clone();
        loop {
            if let Some(path) = &path {
                let present = content(path);
                if present != in_force && present == before {
                    self.take_file(path);
                    in_force.clone_from(&present);
                }
                before = present;
            }
            if self.store().is_due() {
                self.keep();
            }
            sleep(FILE_EVERY).await;
        }
    }

    fn take_file(&self, path: &Path) {
        let reading = block_in_place(|| read_file(path, &self.host.settings));
        let mut set = self.set();
        let taken = reading.and_then(|wanted| replace_file(&mut set, wanted, path));
        match taken {
            Ok(()) => {
                set.file_problems.clear();
                tracing::info!("the enrolment file {} is in force", path.display());
            }
            Err(problems) => {
                say(&problems);
                set.file_problems = problems;
            }
        }
        drop(set);
        self.tell();
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

/// The workloads of the file, with what is wrong with it; its last good ones where it is bad.
fn enrolled_by_file(
    path: &Path,
    kept: Vec<Enrolment>,
    settings: &Settings,
) -> anyhow::Result<(Vec<Wanted>, Vec<String>)> {
    let mut problems = match read_file(path, settings) {
        Ok(wanted) => return Ok((wanted, Vec::new())),
        Err(problems) => problems,
    };
    if kept.is_empty() {
        let what = format!("the enrolment file {} is bad", path.display());
        return Err(anyhow::Error::new(Problems(problems)).context(what));
    }
    let mut wanted = Vec::new();
    for enrolment in kept {
        match Wanted::enrolled(enrolment, EnrolledBy::File, settings) {
            Ok(one) => wanted.push(one),
            Err(error) => problems.push(format!("it was enrolled before: {error:#}")),
        }
    }
    Ok((wanted, problems))
}

fn enrolled_by_request(enrolment: Enrolment, settings: &Settings) -> Option<Wanted> {
    let name = enrolment.name.clone();
    match Wanted::enrolled(enrolment, EnrolledBy::Request, settings) {
        Ok(wanted) if wanted.settings.cgroup.is_dir() => Some(wanted),
        Ok(_) => {
            tracing::info!(workload = name, "its cgroup is gone: it is forgotten");
            None
        }
        Err(error) => {
            tracing::error!(workload = name, "it is forgotten: {error:#}");
            None
        }
    }
}

/// Adds workloads to those that there should be, and says which are not added because one of their
/// name is there.
fn want(set: &mut Set, all: impl Iterator<Item = Wanted>) -> Vec<String> {
    let mut clashes = Vec::new();
    for wanted in all {
        let name = wanted.settings.name.clone();
        match set.wanted.get(&name) {
            Some(other) => clashes.push(format!(
                "the one by {} is set aside: {}",
                wanted.by.what(),
                taken(&name, other.by)
            )),
            None => drop(set.wanted.insert(name, wanted)),
        }
    }
    clashes
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
fn content(path: &Path) -> Content {
    std::fs::read(path).ok()
}

fn say(problems: &[String]) {
    for problem in problems {
        tracing::error!("the enrolment file: {problem}");
    }
}

#[cfg(test)]
mod tests;
