//! The end of all workloads at once.

use std::sync::Arc;

use tokio::{sync::watch, task::JoinSet};

use super::{super::ends::End, Workloads, panicked, set::Release};

impl Workloads {
    /// Ends all workloads, each in its own time, and begins none any more; one that is starting gives
    /// up, or ends when it has started. To retire they are let go first; otherwise the programs stay, for
    /// the next daemon. Nothing is waited for any more once `hurried` is true.
    ///
    /// # Errors
    /// The kernel does not let one go. All have ended all the same.
    pub(crate) async fn end(
        self: &Arc<Self>,
        end: End,
        hurried: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        self.set().is_ending = true;
        self.tell();
        let mut releases = Vec::new();
        let mut ending = JoinSet::new();
        self.wait_for(|set| {
            let names: Vec<String> = set.members.keys().cloned().collect();
            for name in names {
                match set.begin_release(&name, false) {
                    Ok(Some(Release::Begun(workload, mut alone))) => {
                        let mut hurried = hurried.clone();
                        ending.spawn(async move {
                            let hurry = async {
                                // The senders live longer than this.
                                tokio::select! {
                                    _ = alone.wait_for(|is_hurried| *is_hurried) => {}
                                    _ = hurried.wait_for(|is_hurried| *is_hurried) => {}
                                }
                            };
                            workload.end(end, hurry).await
                        });
                    }
                    Ok(Some(Release::UnderWay(hurry))) => releases.push(hurry),
                    _ => {}
                }
            }
            (!set.is_starting()).then_some(())
        })
        .await;
        for hurry in &releases {
            hurry.send_replace(true);
        }
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
}
