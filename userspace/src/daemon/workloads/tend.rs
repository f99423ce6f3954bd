//! Brings what there is to what there should be, again and again: workloads that were lost, that
//! could not be enrolled, whose cgroup has come or gone, whose enrolment has changed.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinHandle, block_in_place},
    time::timeout,
};

use super::{EnrolledBy, Phase, Set, Wanted, Workloads};
use crate::daemon::workload::{Standing, Workload};

/// How often all workloads are looked at without a reason. It is how long a cgroup that was made again
/// is without its programs.
const EVERY: Duration = Duration::from_millis(100);
/// How long what was refused is left alone.
pub(crate) const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What has to be done about one workload.
enum Task {
    Change(Wanted),
    Enrol(Wanted),
    Reattach(Arc<Workload>),
    Renew(Wanted),
    Release { now: bool },
}

/// What has to be asked of the machine about a workload.
enum Question {
    Stands(Arc<Workload>),
    Is(PathBuf),
}

enum Answer {
    Stands(Standing),
    Is(bool),
}

impl Question {
    fn answer(self) -> Answer {
        match self {
            Self::Stands(workload) => Answer::Stands(workload.standing()),
            Self::Is(cgroup) => Answer::Is(cgroup.is_dir()),
        }
    }
}

impl Workloads {
    /// Runs until it is dropped.
    pub(crate) async fn tend(self: Arc<Self>) {
        let mut news = self.news.subscribe();
        let mut under_way = BTreeMap::<String, JoinHandle<()>>::new();
        let mut sweep_at = Instant::now();
        loop {
            // The time is over, or there is news.
            let _ = timeout(EVERY, news.changed()).await;
            if Instant::now() >= sweep_at && !self.let_the_unwanted_go() {
                sweep_at = Instant::now() + AGAIN_AFTER;
            }
            under_way.retain(|_, task| !task.is_finished());
            for (name, task) in self.tasks() {
                // Each by itself, so that none waits for another, and one at a time for each.
                under_way.entry(name.clone()).or_insert_with(|| {
                    let workloads = Arc::clone(&self);
                    tokio::spawn(async move { workloads.work(name, task).await })
                });
            }
        }
    }

    /// Does one thing. Errors are in the log and in status.
    async fn work(self: &Arc<Self>, name: String, task: Task) {
        match task {
            Task::Change(wanted) => self.change(&name, wanted).await,
            Task::Enrol(wanted) => drop(self.enrol(wanted).await),
            Task::Reattach(workload) => workload.reattach().await,
            Task::Renew(wanted) => self.renew(&name, wanted).await,
            Task::Release { now } => drop(self.release(&name, now).await),
        }
    }

    fn tasks(&self) -> Vec<(String, Task)> {
        let questions = self.set().questions();
        // The machine is asked without the lock: that may take its time.
        let answers: Vec<_> = block_in_place(|| {
            let answered = |(name, question): (String, Question)| (name, question.answer());
            questions.into_iter().map(answered).collect()
        });
        self.set().tasks(answers)
    }
}

impl Set {
    fn questions(&self) -> Vec<(String, Question)> {
        let question = |(name, member): (&String, &super::Member)| {
            let question = match &member.phase {
                Phase::Running(workload) => Question::Stands(Arc::clone(workload)),
                Phase::Waiting | Phase::Failed { .. } => {
                    Question::Is(self.wanted.get(name)?.settings.cgroup.clone())
                }
                Phase::Starting | Phase::Draining { .. } => return None,
            };
            Some((name.clone(), question))
        };
        self.members.iter().filter_map(question).collect()
    }

    fn tasks(&mut self, answers: Vec<(String, Answer)>) -> Vec<(String, Task)> {
        if self.ending.is_some() {
            return Vec::new();
        }
        self.forget_absent();
        let mut tasks = Vec::new();
        for (name, answer) in answers {
            let task = match answer {
                Answer::Stands(standing) => self.task_of_running(&name, standing),
                Answer::Is(is_there) => self.task_of_absent(&name, is_there),
            };
            tasks.extend(task.map(|task| (name, task)));
        }
        for (name, wanted) in &self.wanted {
            if !self.members.contains_key(name) {
                tasks.push((name.clone(), Task::Enrol(wanted.clone())));
            }
        }
        tasks
    }

    fn task_of_running(&mut self, name: &str, standing: Standing) -> Option<Task> {
        let member = self.members.get(name)?;
        let Phase::Running(workload) = &member.phase else {
            return None;
        };
        let is_lost = match standing {
            Standing::There => false,
            // Who enrolled it by request enrolled those processes, not whoever comes to that path.
            _ if member.wanted.by == EnrolledBy::Request => true,
            Standing::Lost => true,
            Standing::Renewed | Standing::Left => false,
        };
        let by = member.wanted.by;
        let Some(wanted) = self.wanted.get(name) else {
            return Some(Task::Release { now: is_lost });
        };
        if is_lost {
            tracing::info!(workload = name, "its cgroup or namespace is gone");
            if by == EnrolledBy::Request {
                self.wanted.remove(name);
                return Some(Task::Release { now: true });
            }
            return Some(Task::Renew(wanted.clone()));
        }
        if matches!(standing, Standing::Renewed) {
            return Some(Task::Reattach(Arc::clone(workload)));
        }
        let is_new = member.wanted != *wanted && !workload.has_refused(&wanted.settings);
        is_new.then(|| Task::Change(wanted.clone()))
    }

    fn task_of_absent(&mut self, name: &str, is_cgroup_there: bool) -> Option<Task> {
        let wanted = self.wanted.get(name)?;
        let member = self.members.get_mut(name)?;
        let is_due = match &member.phase {
            Phase::Waiting => true,
            Phase::Failed { since, .. } => {
                since.elapsed() >= AGAIN_AFTER || member.wanted != *wanted
            }
            _ => return None,
        };
        if is_due && is_cgroup_there {
            return Some(Task::Enrol(wanted.clone()));
        }
        if is_due {
            member.phase = Phase::Waiting;
        }
        None
    }
}
