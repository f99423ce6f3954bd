//! Says in the log what came into force and what is wrong with it, each thing once while it lasts.

use std::collections::BTreeSet;

use super::configuration::State;

/// What the log was told of the documents.
#[derive(Debug, Default)]
pub(super) struct Announcer {
    generation: Option<u64>,
    problems: Said,
    troubles: Said,
    remarks: Said,
}

impl Announcer {
    /// Says what is new since the last time.
    pub(super) fn announce(&mut self, state: &State) {
        let in_force = &state.in_force;
        let problems = state.refused.as_ref();
        let problems = problems.map_or_else(Vec::new, |refused| refused.problems.clone());
        let news = self.problems.news(problems);
        for problem in &news {
            tracing::error!("{problem}");
        }
        if !news.is_empty() {
            tracing::error!("the documents are bad: the last good ones stay in force");
        }
        for trouble in self.troubles.news(state.unkept.iter().cloned()) {
            tracing::error!("{trouble}");
        }
        let warnings = in_force.warnings.iter().map(ToString::to_string);
        let findings = in_force.findings.iter().map(ToString::to_string);
        for remark in self.remarks.news(warnings.chain(findings)) {
            tracing::warn!("{remark}");
        }
        let generation = in_force.snapshot.generation;
        if self.generation.replace(generation) == Some(generation) {
            return;
        }
        if let Some(to) = state.rolled_back_to {
            tracing::info!(generation, to, "rolled back");
        } else {
            tracing::info!(generation, "configuration in force");
        }
    }
}

/// The lines that hold at present.
#[derive(Debug, Default)]
struct Said(BTreeSet<String>);

impl Said {
    /// Of the lines that hold now, those that did not hold the last time, in their order.
    fn news(&mut self, lines: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut now = BTreeSet::new();
        let mut news = Vec::new();
        for line in lines {
            if !self.0.contains(&line) && !now.contains(&line) {
                news.push(line.clone());
            }
            now.insert(line);
        }
        self.0 = now;
        news
    }
}

#[cfg(test)]
mod tests;
