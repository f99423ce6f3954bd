//! What the log has been told of the trouble of a cluster: when it begins, when it is another, every
//! minute while it lasts, and when it is over. It is met every few seconds.

use std::time::Duration;

use tokio::time::Instant;

const REMINDER: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct Spoken(Option<Trouble>);

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
        if let Some(trouble) = self.0.take() {
            tracing::info!(
                cluster,
                seconds = trouble.began.elapsed().as_secs(),
                "there are answers again"
            );
        }
    }

    /// Whether trouble is to be spoken of; if so it counts as said.
    fn is_due(&mut self, text: &str, now: Instant) -> bool {
        match &mut self.0 {
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
