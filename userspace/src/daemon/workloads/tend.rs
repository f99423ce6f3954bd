//! Brings what there is to what there should be, again and again: workloads that were lost, that
//! could not be enrolled, whose cgroup has come or gone, whose enrolment has changed.

use std::{sync::Arc, time::Duration};

use ferromesh_proto::control::ChangeResponse;
use tokio::{sync::oneshot, time::timeout};

use super::{EnrolledBy, Phase, Wanted, Workloads};
use crate::control::{Change, Order};

/// How often all workloads are looked at without a reason.
const EVERY: Duration = Duration::from_millis(500);
/// How long a workload that could not be enrolled is left alone.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What has to be done about one workload.
enum Task {
    Adopt(String, Wanted),
    Enrol(Wanted),
    Release(String),
}

impl Workloads {
    /// Runs until it is dropped.
    pub(crate) async fn tend(self: Arc<Self>) {
        loop {
            // The time is over, or there is news.
            let _ = timeout(EVERY, self.changed.notified()).await;
            for task in self.tasks() {
                let workloads = Arc::clone(&self);
                // Each by itself, so that none waits for another; errors are in the log and in
                // status.
                tokio::spawn(async move {
                    match task {
                        Task::Adopt(name, wanted) => workloads.adopt(&name, wanted).await,
                        Task::Enrol(wanted) => drop(workloads.enrol(wanted).await),
                        Task::Release(name) => drop(workloads.release(&name, false).await),
                    }
                });
            }
        }
    }

    /// Takes another look at once.
    pub(crate) fn look(&self) {
        self.changed.notify_one();
    }

    fn tasks(&self) -> Vec<Task> {
        let mut set = self.set();
        if set.is_ending {
            return Vec::new();
        }
        let set = &mut *set;
        let mut tasks = Vec::new();
        let mut gone = Vec::new();
        for (name, member) in &mut set.members {
            let wanted = set.wanted.get(name);
            match (&member.phase, wanted) {
                (Phase::Running(workload), _) if workload.is_gone() => {
                    tracing::info!(workload = name, "its cgroup or namespace is gone");
                    if member.wanted.by == EnrolledBy::Request {
                        gone.push(name.clone());
                    }
                    tasks.push(Task::Release(name.clone()));
                }
                // What a request asked for and did not get stays in status.
                (Phase::Running(_), None) => tasks.push(Task::Release(name.clone())),
                (Phase::Running(workload), Some(wanted)) if !workload.is_as(&wanted.settings) => {
                    tasks.push(Task::Adopt(name.clone(), wanted.clone()));
                }
                (Phase::Waiting, Some(wanted)) if wanted.settings.cgroup.is_dir() => {
                    tasks.push(Task::Enrol(wanted.clone()));
                }
                (Phase::Failed { since, .. }, Some(wanted))
                    if since.elapsed() >= AGAIN_AFTER || member.wanted != *wanted =>
                {
                    if wanted.settings.cgroup.is_dir() {
                        tasks.push(Task::Enrol(wanted.clone()));
                    } else {
                        member.phase = Phase::Waiting;
                    }
                }
                _ => {}
            }
        }
        set.members.retain(|name, member| {
            let is_absent = matches!(member.phase, Phase::Waiting | Phase::Failed { .. });
            let is_told = member.wanted.by == EnrolledBy::Request;
            !is_absent || is_told || set.wanted.contains_key(name)
        });
        for name in gone {
            set.wanted.remove(&name);
            set.is_store_outdated = true;
        }
        for (name, wanted) in &set.wanted {
            // A request that is just being answered enrols its workload itself.
            if wanted.by != EnrolledBy::Request && !set.members.contains_key(name) {
                tasks.push(Task::Enrol(wanted.clone()));
            }
        }
        tasks
    }

    /// Runs a workload by its changed enrolment: as it goes where that can be, else anew.
    async fn adopt(self: &Arc<Self>, name: &str, mut wanted: Wanted) {
        let workload = {
            let set = self.set();
            let Some(Phase::Running(workload)) = set.members.get(name).map(|member| &member.phase)
            else {
                return;
            };
            Arc::clone(workload)
        };
        if let Ok(cgroup) = wanted.settings.cgroup.canonicalize() {
            wanted.settings.cgroup = cgroup;
        }
        let runs_on = workload.settings().runs_on_as(&wanted.settings);
        if !runs_on {
            tracing::info!(
                workload = name,
                "its enrolment has changed: released and enrolled again"
            );
            drop(self.release(name, false).await);
            return;
        }
        let change = Change::Adopt(Box::new(wanted.settings.clone()));
        if let Some(said) = ask(&workload.orders, change).await {
            let refusal = (!said.refusal.is_empty())
                .then(|| format!("its changed enrolment is refused: {}", said.refusal));
            if let Some(refusal) = &refusal {
                tracing::error!(workload = name, "{refusal}");
            } else {
                tracing::info!(workload = name, "its changed enrolment is in force");
            }
            workload.adopted(wanted.settings.clone(), refusal);
        }
        if let Some(member) = self.set().members.get_mut(name) {
            member.wanted = wanted;
        }
    }
}

/// Gives an order to a workload; none when it is ending.
pub(crate) async fn ask(
    orders: &tokio::sync::mpsc::Sender<Order>,
    change: Change,
) -> Option<ChangeResponse> {
    let (answer, answered) = oneshot::channel();
    orders.send(Order { change, answer }).await.ok()?;
    answered.await.ok()
}
