//! Which workloads there are and should be, and what each may have: its name, its number, its ports.
//! It asks nothing of the machine: what it decides can be followed on paper.

mod apart;
mod member;
mod numbers;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::bail;
use tokio::sync::watch;

pub(crate) use self::member::{EnrolledBy, Member, Phase, Wanted};
use self::numbers::Holding;
use super::super::{ends::End, namespace::Namespace, workload::Workload};

/// How long the failure of a workload that nobody wants stays in status.
const FAILURE_TOLD_FOR: Duration = Duration::from_mins(10);

/// Where a workload is to be, found before anything of it is made.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The real path, by which it is known whatever links lead to it.
    pub(crate) cgroup: PathBuf,
    pub(crate) namespace: Namespace,
}

/// A start that the set allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) id: u32,
    /// Its programs are attached before its proxy runs: those of an earlier start are there, or its
    /// application is as new as its cgroup and has sent nothing direct yet.
    pub(crate) is_armed: bool,
}

/// What a release is at its beginning.
pub(crate) enum Release<W = Workload> {
    /// It closes the receiver when it has ended.
    Begun(Arc<W>, watch::Receiver<bool>),
    /// Somebody else's; closed when it has ended.
    UnderWay(watch::Sender<bool>),
    /// Nothing runs.
    Absent,
}

/// All workloads of a daemon.
pub(crate) struct Set<W = Workload> {
    pub(crate) wanted: BTreeMap<String, Wanted>,
    pub(crate) members: BTreeMap<String, Member<W>>,
    held: BTreeMap<String, Holding>,
    /// What is wrong with the enrolment file.
    pub(crate) file_problems: Vec<String>,
    /// All that was known at the daemon's start has been tried.
    pub(crate) has_begun: bool,
    /// Why nothing is begun any more.
    pub(crate) ending: Option<End>,
}

impl<W> Default for Set<W> {
    fn default() -> Self {
        Self {
            wanted: BTreeMap::new(),
            members: BTreeMap::new(),
            held: BTreeMap::new(),
            file_problems: Vec::new(),
            has_begun: false,
            ending: None,
        }
    }
}

impl<W> Set<W> {
    fn is_present(&self, name: &str) -> bool {
        let member = self.members.get(name);
        member.is_some_and(|member| member.phase.is_present())
    }

    /// Wants a workload by request and begins its start, or neither.
    ///
    /// # Errors
    /// Its name is taken, or as for [`Self::begin`].
    pub(crate) fn add(&mut self, wanted: &Wanted, site: &Site) -> anyhow::Result<Begun> {
        let name = &wanted.settings.name;
        if let Some(other) = self.wanted.get(name) {
            bail!("{}", taken(name, other.by));
        }
        self.wanted.insert(name.clone(), wanted.clone());
        let begun = self.begin(wanted, site);
        if begun.is_err() {
            self.wanted.remove(name);
        }
        begun
    }

    /// Begins the start of a workload that is wanted, under the number that its name has or gets.
    ///
    /// # Errors
    /// It is not wanted like this any more, it is there already, or another workload has its cgroup
    /// or one of its ports; the message names both.
    pub(crate) fn begin(&mut self, wanted: &Wanted, site: &Site) -> anyhow::Result<Begun> {
        let name = &wanted.settings.name;
        if self.ending.is_some() {
            bail!("the daemon is ending");
        }
        if self.wanted.get(name) != Some(wanted) {
            bail!("workload `{name}` is not wanted like this any more");
        }
        let member = self.members.get(name);
        match member.map(|member| &member.phase) {
            Some(Phase::Draining { .. }) => {
                bail!(
                    "workload `{name}` is being released; wait for its end, or hurry that by `ferromesh workload remove {name} --now`"
                )
            }
            Some(phase) if phase.is_present() => bail!("workload `{name}` is there already"),
            _ => {}
        }
        let has_waited = member.is_some_and(|member| matches!(member.phase, Phase::Waiting));
        self.check_apart(&wanted.settings, site)?;
        let begun = self.hold(name, site, has_waited);
        self.members.insert(
            name.clone(),
            Member {
                wanted: wanted.clone(),
                phase: Phase::Starting,
            },
        );
        Ok(begun)
    }

    /// Begins the start of a workload in the place of the one of its name that runs, which has to
    /// make way.
    ///
    /// # Errors
    /// As for [`Self::begin`]; it runs on then.
    pub(crate) fn begin_anew(
        &mut self,
        wanted: &Wanted,
        site: &Site,
    ) -> anyhow::Result<(Begun, Arc<W>)> {
        let name = &wanted.settings.name;
        let member = self.members.remove(name);
        let Some(Member {
            wanted: by,
            phase: Phase::Running(workload),
        }) = member
        else {
            self.members
                .extend(member.map(|member| (name.clone(), member)));
            bail!("workload `{name}` does not run");
        };
        match self.begin(wanted, site) {
            Ok(begun) => Ok((begun, workload)),
            Err(error) => {
                let phase = Phase::Running(workload);
                self.members
                    .insert(name.clone(), Member { wanted: by, phase });
                Err(error)
            }
        }
    }

    /// Notes why a workload that is wanted, or that nobody has wanted, was not begun. One that is
    /// there is not touched by it.
    pub(crate) fn refuse(&mut self, wanted: &Wanted, phase: Phase<W>) {
        let name = &wanted.settings.name;
        let is_other = |other: &Wanted| other != wanted;
        if self.is_present(name) || self.wanted.get(name).is_some_and(is_other) {
            return;
        }
        let member = Member {
            wanted: wanted.clone(),
            phase,
        };
        self.members.insert(name.clone(), member);
    }

    /// Ends a start.
    pub(crate) fn started(&mut self, name: &str, started: anyhow::Result<Arc<W>>) {
        if let Some(holding) = self.held.get_mut(name) {
            holding.is_attached |= started.is_ok();
        }
        if let Some(member) = self.members.get_mut(name)
            && matches!(member.phase, Phase::Starting)
        {
            member.phase = match started {
                Ok(workload) => Phase::Running(workload),
                Err(error) => Phase::failed(&error),
            };
        }
    }

    /// Begins to release a workload, or hurries one that drains; nothing while it starts, which has
    /// to end first.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) fn begin_release(
        &mut self,
        name: &str,
        now: bool,
    ) -> anyhow::Result<Option<Release<W>>> {
        let Some(member) = self.members.get_mut(name) else {
            bail!("no workload `{name}` is enrolled");
        };
        Ok(match &member.phase {
            Phase::Starting => None,
            Phase::Waiting | Phase::Failed { .. } => Some(Release::Absent),
            Phase::Draining { hurry, .. } => {
                hurry.send_if_modified(|is_hurried| {
                    *is_hurried |= now;
                    now
                });
                Some(Release::UnderWay(hurry.clone()))
            }
            Phase::Running(workload) => {
                let workload = Arc::clone(workload);
                let (hurry, hurried) = watch::channel(now);
                member.phase = Phase::Draining {
                    workload: Arc::clone(&workload),
                    hurry,
                };
                Some(Release::Begun(workload, hurried))
            }
        })
    }

    /// Begins to release a workload that was wanted until now; nothing while it starts. One that did
    /// not run may have been let go meanwhile, as nobody wants it.
    pub(crate) fn begin_removal(&mut self, name: &str, now: bool) -> Option<Release<W>> {
        self.begin_release(name, now)
            .unwrap_or(Some(Release::Absent))
    }

    /// Begins to release all that run, for the daemon's end, and says which are being released by others.
    /// Each is said once: `met` are those that were said before.
    pub(crate) fn begin_end(&mut self, met: &mut BTreeSet<String>) -> Vec<Release<W>> {
        let running = self.members.iter();
        let running = running.filter(|(_, member)| member.phase.workload().is_some());
        let running: BTreeSet<String> = running.map(|(name, _)| name.clone()).collect();
        let mut begun = Vec::new();
        for name in running.difference(met) {
            begun.extend(self.begin_release(name, false).ok().flatten());
        }
        met.extend(running);
        begun
    }

    /// What has become of a release that somebody else has begun, when that has ended.
    ///
    /// # Errors
    /// It is not let go.
    pub(crate) fn after_release(&self, name: &str) -> anyhow::Result<()> {
        match self.members.get(name).map(|member| &member.phase) {
            Some(Phase::Failed { error, .. }) => bail!("{error}"),
            Some(Phase::Draining { .. }) if self.ending.is_some() => bail!(
                "the daemon ends: `{name}` is let go by `ferromesh uninstall` if that ends it, else by \
                 the next daemon"
            ),
            _ => Ok(()),
        }
    }

    /// Ends a release that was begun.
    pub(crate) fn released(&mut self, name: &str, released: &anyhow::Result<()>) {
        let Some(member) = self.members.get_mut(name) else {
            return;
        };
        match released {
            Ok(()) => {
                self.members.remove(name);
                self.held.remove(name);
            }
            Err(error) => member.phase = Phase::failed(error),
        }
    }

    /// Forgets one that was tried.
    pub(crate) fn forget(&mut self, name: &str) {
        if !self.is_present(name) {
            self.members.remove(name);
        }
    }

    /// Forgets what was tried and nobody wants any more. What a request asked for and did not get
    /// stays in status for a while.
    pub(crate) fn forget_absent(&mut self) {
        let wanted = &self.wanted;
        self.members.retain(|name, member| match &member.phase {
            Phase::Failed { since, .. } if member.wanted.by == EnrolledBy::Request => {
                wanted.contains_key(name) || since.elapsed() < FAILURE_TOLD_FOR
            }
            Phase::Waiting | Phase::Failed { .. } => wanted.contains_key(name),
            _ => true,
        });
    }

    /// Whether a start is under way.
    pub(crate) fn is_starting(&self) -> bool {
        let mut members = self.members.values();
        members.any(|member| matches!(member.phase, Phase::Starting))
    }

    /// The workload that is meant: that of a name, or the only one.
    ///
    /// # Errors
    /// There is none, or several and no name.
    pub(crate) fn meant(&self, name: Option<&str>) -> anyhow::Result<Arc<W>> {
        let running = |member: &Member<W>| member.phase.workload().map(Arc::clone);
        let names = || {
            let running = self
                .members
                .iter()
                .filter(|(_, member)| running(member).is_some());
            running
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        if let Some(name) = name {
            let Some(workload) = self.members.get(name).and_then(running) else {
                bail!("no workload `{name}` runs; those that do: {}", names());
            };
            return Ok(workload);
        }
        let mut all = self.members.values().filter_map(running);
        match (all.next(), all.next()) {
            (Some(workload), None) => Ok(workload),
            (None, _) => bail!("no workload runs"),
            (Some(_), Some(_)) => bail!("several workloads run: name one of them: {}", names()),
        }
    }
}

/// For an error: who has a name already.
pub(crate) fn taken(name: &str, by: EnrolledBy) -> String {
    format!(
        "a workload `{name}` is enrolled already, by {}; choose another name, or take it away there \
         first",
        by.what()
    )
}

#[cfg(test)]
mod tests;
