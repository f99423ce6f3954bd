//! The end of all workloads at once.

use std::{collections::BTreeSet, sync::Arc};

use tokio::{sync::watch, task::JoinSet};

use super::{super::ends::End, Workloads, panicked, set::Release};

impl Workloads {
    /// Ends all workloads, each in its own time, and begins none any more; one that is starting gives
    /// up, or ends when it has started, and one that is being released goes on to its own end. To retire
    /// they are let go first; otherwise the programs stay, for the next daemon. Nothing is waited for any
    /// more once [`Self::hurry`] is called.
    ///
    /// # Errors
    /// The kernel does not let one go. All have ended all the same.
    pub(crate) async fn end(self: &Arc<Self>, end: End) -> anyhow::Result<()> {
        self.set().ending = Some(end);
        self.tell();
        let mut met = BTreeSet::new();
        let mut releases = Vec::new();
        let mut ending = JoinSet::new();
        self.wait_for(|set| {
            for release in set.begin_end(&mut met) {
                match release {
                    Release::Begun(workload, mut alone) => {
                        let workloads = Arc::clone(self);
                        ending.spawn(async move {
                            let hurry = workloads.hurried_with(&mut alone);
                            workload.end(end, hurry).await
                        });
                    }
                    Release::UnderWay(hurry) => releases.push(hurry),
                    Release::Absent => {}
                }
            }
            (!set.is_starting()).then_some(())
        })
        .await;
        let mut all = Ok(());
        while let Some(ended) = ending.join_next().await {
            let ended = ended.map_err(panicked).flatten();
            if let Err(error) = &ended {
                tracing::error!("{error:#}");
            }
            all = all.and(ended);
        }
        // A release has ended when nobody listens any more.
        for hurry in releases {
            hurry.closed().await;
        }
        all
    }

    /// Has the end of all wait for nothing any more.
    pub(crate) fn hurry(&self) {
        self.hurry.send_replace(true);
    }

    /// Resolves when nothing is to be waited for any more for one workload, by its own receiver, or for
    /// all.
    pub(super) async fn hurried_with(&self, alone: &mut watch::Receiver<bool>) {
        tokio::select! {
            // The sender lives longer than this.
            _ = alone.wait_for(|is_hurried| *is_hurried) => {}
            () = self.hurried() => {}
        }
    }

    /// Resolves when nothing is to be waited for any more.
    pub(super) async fn hurried(&self) {
        let mut hurried = self.hurry.subscribe();
        // The sender lives as long as this.
        let _ = hurried.wait_for(|is_hurried| *is_hurried).await;
    }
}
