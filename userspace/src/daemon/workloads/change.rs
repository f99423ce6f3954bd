//! A workload that runs, by its changed enrolment: as it goes where that can be, else started again
//! under its number, else let go and enrolled in another place.

use std::sync::Arc;

use ferromesh_proto::control::ChangeResponse;
use tokio::{
    sync::{mpsc, oneshot},
    task::block_in_place,
};

use super::{Phase, Site, Wanted, Workloads};
use crate::{
    control::{Change, Order},
    daemon::workload::Workload,
    settings::WorkloadSettings,
};

impl Workloads {
    /// Runs a workload by its changed enrolment. What of that cannot be is refused, and it runs on as
    /// it was.
    pub(super) async fn change(self: &Arc<Self>, name: &str, wanted: Wanted) {
        let Some(workload) = self.running(name) else {
            return;
        };
        let site = match block_in_place(|| self.site(&wanted.settings)) {
            Ok(site) => site,
            Err(error) => {
                workload.refuse(wanted.settings, &format!("{error:#}"));
                return;
            }
        };
        let present = workload.settings().clone();
        let settings = WorkloadSettings {
            cgroup: site.cgroup.clone(),
            ..wanted.settings.clone()
        };
        let is_in_place =
            present.cgroup == site.cgroup && workload.namespace_id() == site.namespace.id();
        if !is_in_place {
            tracing::info!(workload = name, "it is another place's now: let go here");
            drop(workload);
            drop(self.release(name, false).await);
        } else if present.runs_on_as(&settings) {
            self.adopt(name, &workload, wanted).await;
        } else {
            tracing::info!(
                workload = name,
                "its enrolment has changed: started again under its number"
            );
            drop(workload);
            self.replace(name, wanted, site).await;
        }
    }

    /// Starts a workload anew whose namespace is another one now, or lets it go where that is not
    /// there.
    pub(super) async fn renew(self: &Arc<Self>, name: &str, wanted: Wanted) {
        match block_in_place(|| self.site(&wanted.settings)) {
            Ok(site) => self.replace(name, wanted, site).await,
            // Nobody is left who could need its time.
            Err(_) => drop(self.release(name, true).await),
        }
    }

    async fn adopt(&self, name: &str, workload: &Arc<Workload>, wanted: Wanted) {
        let change = Change::Adopt(Box::new(WorkloadSettings {
            cgroup: workload.settings().cgroup.clone(),
            ..wanted.settings.clone()
        }));
        let Some(said) = ask(&workload.orders, change).await else {
            return;
        };
        if !said.refusal.is_empty() {
            workload.refuse(wanted.settings, &said.refusal);
            return;
        }
        tracing::info!(workload = name, "its changed enrolment is in force");
        workload.adopted(wanted.settings.clone());
        if let Some(member) = self.set().members.get_mut(name) {
            member.wanted = wanted;
        }
    }

    async fn replace(self: &Arc<Self>, name: &str, wanted: Wanted, site: Site) {
        let begun = self.set().begin_anew(&wanted, &site);
        match begun {
            Ok((begun, before)) => {
                // What becomes of it is in status.
                drop(self.start(wanted.settings, begun, site, Some(before)).await);
            }
            Err(error) => {
                if let Some(workload) = self.running(name) {
                    workload.refuse(wanted.settings, &format!("{error:#}"));
                }
            }
        }
    }

    fn running(&self, name: &str) -> Option<Arc<Workload>> {
        match &self.set().members.get(name)?.phase {
            Phase::Running(workload) => Some(Arc::clone(workload)),
            _ => None,
        }
    }
}

/// Gives an order to a workload; none when it is ending.
pub(crate) async fn ask(orders: &mpsc::Sender<Order>, change: Change) -> Option<ChangeResponse> {
    let (answer, answered) = oneshot::channel();
    orders.send(Order { change, answer }).await.ok()?;
    answered.await.ok()
}
