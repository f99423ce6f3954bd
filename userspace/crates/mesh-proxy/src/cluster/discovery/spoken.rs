//! What the log has been told of the trouble of a cluster: when it begins, when it is another, every
//! minute while it lasts, and when it is over. It is met every few seconds. And once, until it is otherwise,
//! that the cluster has nothing in the zone that it is to prefer.

use std::time::Duration;

use tokio::time::Instant;

const REMINDER: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct Spoken {
    trouble: Option<Trouble>,
    is_elsewhere: bool,
}

#[derive(Debug)]
struct Trouble {
    text: String,
    began: Instant,
    said: Instant,
}

impl Spoken {
    /// Discovery has no answer. `answered` is how old the last one is, `kept` how many endpoints it has.
    pub(super) fn trouble(
        &mut self,
        cluster: &str,
        text: &str,
        answered: Option<Duration>,
        kept: usize,
    ) {
        let now = Instant::now();
        if !self.is_due(text, now) {
            return;
        }
        if let Some(answered) = answered {
            tracing::warn!(
                cluster,
                trouble = text,
                kept,
                answered_seconds_ago = answered.as_secs(),
                "no new answer; the last one stays in use"
            );
        } else {
            tracing::warn!(
                cluster,
                trouble = text,
                "no answer yet; there is nowhere to go"
            );
        }
    }

    /// Discovery has an answer.
    pub(super) fn well(&mut self, cluster: &str) {
        if let Some(trouble) = self.trouble.take() {
            tracing::info!(
                cluster,
                seconds = trouble.began.elapsed().as_secs(),
                "there are answers again"
            );
        }
    }

    /// Whether all endpoints are in other zones than the workload.
    pub(super) fn elsewhere(&mut self, cluster: &str, own_zone: &str, is_elsewhere: bool) {
        if self.is_news_of_zones(is_elsewhere) {
            tracing::warn!(
                cluster,
                own_zone,
                "no endpoint is known to be in the workload's own zone: all endpoints are alike to it"
            );
        }
    }

    /// Whether that has begun; it counts as said then.
    fn is_news_of_zones(&mut self, is_elsewhere: bool) -> bool {
        let was_elsewhere = std::mem::replace(&mut self.is_elsewhere, is_elsewhere);
        is_elsewhere && !was_elsewhere
    }

    /// Whether trouble is to be spoken of; if so it counts as said.
    fn is_due(&mut self, text: &str, now: Instant) -> bool {
        match &mut self.trouble {
            Some(trouble) if trouble.text == text && now - trouble.said < REMINDER => false,
            Some(trouble) => {
                text.clone_into(&mut trouble.text);
                trouble.said = now;
                true
            }
            none => {
                *none = Some(Trouble {
                    text: text.to_owned(),
                    began: now,
                    said: now,
                });
                true
            }
        }
    }
}

#[cfg(test)]
mod tests;
