//! The configuration in force: what the source holds, or what is kept of it where that is bad or
//! rolled back; and why the source is refused.

mod meaning;
mod rollback;
mod start;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use anyhow::Context;
use mesh_config::source::{
    DocumentSet,
    generations::{Generations, Origin, Record},
};

pub(crate) use self::meaning::{InForce, Problems};
use self::{
    meaning::{Meaning, Reader},
    rollback::Hold,
};
use super::{app_ports::Claim, documents::Source};
use crate::settings::WorkloadSettings;

/// Why the source is not what is in force.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) problems: Vec<String>,
    pub(crate) since: Instant,
}

/// What runs, and what is to be said of it.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) in_force: InForce,
    pub(crate) refused: Option<Refused>,
    /// The generation that was rolled back to, for as long as that holds.
    pub(crate) rolled_back_to: Option<u64>,
    /// Why the rules of what is in force are not in the kernel.
    pub(crate) unapplied: Option<String>,
    /// What of the kept generations cannot be read or written.
    pub(crate) unkept: Vec<String>,
}

/// The configuration of one workload over time.
#[derive(Debug)]
pub(crate) struct Configuration {
    settings: WorkloadSettings,
    source: Source,
    /// It knows the files that the source held when it was read last.
    reader: Reader,
    generations: Generations,
    /// Whoever reports it reads it while the next documents are read.
    state: Arc<Mutex<State>>,
    /// The documents in force.
    documents: DocumentSet,
    /// Those that were in force before them.
    before: DocumentSet,
    /// What was kept of the generation in force, if anything was.
    record: Option<Record>,
    /// Whether what was kept is what is in force.
    is_kept: bool,
    hold: Option<Hold>,
    /// What the source held when it could be read last.
    seen: DocumentSet,
    /// None before [`Self::claim_app_ports`].
    claim: Option<Claim>,
    /// Whether what the source holds is refused for the app port of another workload.
    is_blocked: bool,
}

impl Configuration {
    /// What runs, now and later.
    pub(crate) fn state(&self) -> Arc<Mutex<State>> {
        Arc::clone(&self.state)
    }

    /// Where the documents are.
    pub(crate) fn source(&self) -> String {
        self.source.path().display().to_string()
    }

    /// What runs now.
    pub(crate) fn in_force(&self) -> InForce {
        self.lock().in_force.clone()
    }

    /// Runs the workload as other settings have it. Returns what came into force, if anything did.
    ///
    /// # Errors
    /// What is in force does not go with them; nothing has changed then.
    pub(crate) fn adopt(&mut self, settings: &WorkloadSettings) -> anyhow::Result<Option<InForce>> {
        let reader = Reader::new(settings, self.source.shelf());
        let mut meaning = reader
            .read(&self.documents)
            .context("the documents in force do not go with it; nothing has changed")?;
        self.extend_claim(&meaning)
            .context("the documents in force do not go with it; nothing has changed")?;
        self.settings = settings.clone();
        self.reader = reader;
        if meaning.is_in_force(&self.lock().in_force) {
            return Ok(None);
        }
        let documents = self.documents.clone();
        Ok(Some(self.put_in_force(meaning, documents)))
    }

    /// Claims the app ports of what is in force, and of all that comes into force later.
    ///
    /// # Errors
    /// Another workload of the namespace has one of them.
    pub(crate) fn claim_app_ports(&mut self, claim: Claim) -> anyhow::Result<()> {
        let ports = self.in_force().rules.app_ports;
        claim.extend(&ports).map_err(anyhow::Error::msg)?;
        self.claim = Some(claim);
        Ok(())
    }

    /// Gives up the app ports that are not in force any more, which the kernel has to know before.
    pub(crate) fn give_up_app_ports(&self) {
        if let Some(claim) = &self.claim {
            claim.keep(&self.in_force().rules.app_ports);
        }
    }

    /// What the source held, if that is refused for the app port of another workload, which may have
    /// given it up meanwhile.
    pub(crate) fn blocked(&self) -> Option<DocumentSet> {
        self.is_blocked.then(|| self.seen.clone())
    }

    /// Notes whether the kernel took the rules of what is in force.
    pub(crate) fn note_rules(&self, unapplied: Option<String>) {
        self.lock().unapplied = unapplied;
    }

    /// Takes what the source holds now. Returns what came into force, or nothing when it is bad
    /// (and the state says why), set aside, or means what is in force already.
    pub(crate) fn take(&mut self, documents: DocumentSet) -> Option<InForce> {
        self.seen = documents;
        self.is_blocked = false;
        let held = self.hold.as_ref();
        let is_set_aside = held.is_some_and(|hold| hold.sets_aside(&self.seen));
        match self.reader.read(&self.seen) {
            Err(Problems(problems)) => {
                self.refuse(problems);
                None
            }
            Ok(_) if is_set_aside => {
                self.lock().refused = None;
                None
            }
            Ok(meaning) => match self.extend_claim(&meaning) {
                Ok(()) => self.follow_source(meaning),
                Err(Problems(problems)) => {
                    self.refuse(problems);
                    self.is_blocked = true;
                    None
                }
            },
        }
    }

    /// Notes that the source is bad, or cannot be read at all.
    pub(crate) fn refuse(&mut self, problems: Vec<String>) {
        self.is_blocked = false;
        let mut state = self.lock();
        let since = state
            .refused
            .as_ref()
            .map_or_else(Instant::now, |refused| refused.since);
        state.refused = Some(Refused { problems, since });
    }

    /// Keeps what is in force on disk, unless it is there. A disk that cannot keep it costs the next
    /// restart its safety, not this one its traffic.
    pub(crate) fn persist(&mut self) {
        if self.is_kept {
            return;
        }
        let generation = self.lock().in_force.snapshot.generation;
        let origin = self.origin();
        let record = match &self.record {
            Some(known) => Record {
                files: self.documents.files.len(),
                digest: self.documents.digest(),
                origin,
                ..known.clone()
            },
            None => Record::new(generation, origin, &self.before, &self.documents),
        };
        let kept = self.generations.keep(&record, &self.documents);
        self.is_kept = kept.is_ok();
        self.lock().unkept = match kept {
            Ok(()) => {
                self.record = Some(record);
                self.before = DocumentSet::default();
                Vec::new()
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                vec![format!(
                    "{error:#}; a restart would not find generation {generation}"
                )]
            }
        };
    }

    /// Claims the app ports of what is to come into force, beside those of what is.
    fn extend_claim(&self, meaning: &Meaning) -> Result<(), Problems> {
        let claim = self.claim.as_ref();
        let extended = claim.map_or(Ok(()), |claim| claim.extend(meaning.app_ports()));
        extended.map_err(|refusal| Problems(vec![refusal]))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    fn origin(&self) -> Origin {
        match &self.hold {
            Some(hold) => hold.origin(),
            None => Origin::Directory {
                path: self.source(),
            },
        }
    }

    /// Puts what the source holds in force, and ends a rollback with that.
    fn follow_source(&mut self, mut meaning: Meaning) -> Option<InForce> {
        let documents = self.seen.clone();
        let ended = self.hold.take();
        let mut state = self.lock();
        state.refused = None;
        state.rolled_back_to = None;
        let is_same = meaning.is_in_force(&state.in_force);
        if is_same {
            state.in_force.from_last_good = false;
            state.in_force.findings = mem::take(&mut meaning.findings);
            state.in_force.warnings = mem::take(&mut meaning.warnings);
            drop(state);
            self.is_kept &= ended.is_none() && documents == self.documents;
            self.documents = documents;
            return None;
        }
        drop(state);
        Some(self.put_in_force(meaning, documents))
    }

    /// Puts documents in force under the next number.
    fn put_in_force(&mut self, meaning: Meaning, documents: DocumentSet) -> InForce {
        let generation = self.next_generation();
        let in_force = meaning.in_force(generation);
        self.before = mem::replace(&mut self.documents, documents);
        self.record = None;
        self.is_kept = false;
        let mut state = self.lock();
        state.in_force = in_force.clone();
        state.rolled_back_to = self.hold.as_ref().map(Hold::to);
        in_force
    }

    /// A number above all that were given, as far as they can be told.
    fn next_generation(&self) -> u64 {
        let kept = self.generations.numbers().unwrap_or_default();
        let present = self.lock().in_force.snapshot.generation;
        present.max(kept.first().copied().unwrap_or(0)) + 1
    }
}

#[cfg(test)]
mod tests;
