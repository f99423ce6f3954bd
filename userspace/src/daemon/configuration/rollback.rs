//! Back to a kept generation: what the source holds is set aside until it changes.

use anyhow::{Context, bail};
use mesh_config::source::{
    DocumentSet,
    generations::{Origin, Record},
};

use super::{Configuration, InForce, Reader};

/// A rollback that holds.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    to: u64,
    /// The digest of what the source held.
    set_aside: String,
}

impl Hold {
    /// The hold that a kept generation was in force with.
    pub(super) fn of(record: &Record) -> Option<Self> {
        match &record.origin {
            Origin::Directory { .. } => None,
            Origin::RolledBack { to, set_aside } => Some(Self {
                to: *to,
                set_aside: set_aside.clone(),
            }),
        }
    }

    /// The generation that is back in force.
    pub(super) fn to(&self) -> u64 {
        self.to
    }

    /// Whether documents are those that must not come into force.
    pub(super) fn sets_aside(&self, documents: &DocumentSet) -> bool {
        self.is_of(&documents.digest())
    }

    /// The same of documents by their digest.
    pub(super) fn is_of(&self, digest: &str) -> bool {
        self.set_aside == digest
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::RolledBack {
            to: self.to,
            set_aside: self.set_aside.clone(),
        }
    }
}

impl Configuration {
    /// Puts a kept generation in force again, under a number of its own; without a number the
    /// newest before the one whose documents are in force. What the source holds is set aside until
    /// it changes.
    ///
    /// # Errors
    /// It is not kept, damaged, in force already, or does not apply any more. Nothing has changed
    /// then.
    pub(crate) fn roll_back(&mut self, generation: Option<u64>) -> anyhow::Result<InForce> {
        let kept = self.generations.numbers()?;
        let number = self.wanted(&kept, generation)?;
        let unusable = || format!("generation {number} cannot be used; nothing has changed");
        let (record, documents) = self
            .generations
            .load(number)
            .with_context(unusable)?
            .with_context(|| not_kept(number, &kept))?;
        // A reader of its own: that of the source goes on knowing the source's files.
        let meaning = Reader::new(&self.settings, self.source.another_shelf())
            .read(&documents)
            .with_context(|| {
                format!("generation {number} does not apply any more; nothing has changed")
            })?;
        self.extend_claim(&meaning).with_context(unusable)?;
        let set_aside = self.seen.digest();
        // Where the source holds those very documents, it is followed.
        self.hold = (documents.digest() != set_aside).then(|| Hold {
            to: record.root(),
            set_aside,
        });
        Ok(self.put_in_force(meaning, documents))
    }

    /// Ends a rollback: puts in force what the source holds. Nothing comes into force where that
    /// means what is in force already.
    ///
    /// # Errors
    /// Nothing is rolled back, or the source is bad; nothing has changed then.
    pub(crate) fn release(&mut self) -> anyhow::Result<Option<InForce>> {
        let Some(hold) = &self.hold else {
            bail!("nothing is rolled back");
        };
        let still = format!(
            "what {} holds is bad; the rollback to generation {} goes on",
            self.source(),
            hold.to
        );
        if let Some(refused) = &self.lock().refused {
            return Err(super::Problems(refused.problems.clone())).context(still);
        }
        let meaning = self.reader.read(&self.seen).context(still.clone())?;
        self.extend_claim(&meaning).context(still)?;
        Ok(self.follow_source(meaning))
    }

    fn wanted(&self, kept: &[u64], generation: Option<u64>) -> anyhow::Result<u64> {
        let number = self.lock().in_force.snapshot.generation;
        let root = self.hold.as_ref().map_or(number, Hold::to);
        match generation {
            None => {
                let earlier = kept.iter().copied().find(|kept| *kept < root);
                earlier.with_context(|| {
                    format!("no generation before {root} is kept; {}", listed(kept))
                })
            }
            Some(wanted) if wanted == number || wanted == root => {
                bail!("generation {wanted} is in force already")
            }
            Some(wanted) if kept.contains(&wanted) => Ok(wanted),
            Some(wanted) => bail!("{}", not_kept(wanted, kept)),
        }
    }
}

fn not_kept(generation: u64, kept: &[u64]) -> String {
    format!("generation {generation} is not kept; {}", listed(kept))
}

/// `kept are 7, 6, 4`
fn listed(kept: &[u64]) -> String {
    if kept.is_empty() {
        return "none is".to_owned();
    }
    let numbers: Vec<String> = kept.iter().map(u64::to_string).collect();
    format!("kept are {}", numbers.join(", "))
}
