//! What is said of a generation without its documents.

use std::{
    cmp::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::super::DocumentSet;

/// How many names of files a record holds; of more, their number is said.
const MAX_NAMES: usize = 100;

/// One generation of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts up with each configuration that comes into force, also over restarts; from 1.
    pub generation: u64,
    /// When it came into force, in seconds since 1970.
    pub since: u64,
    /// How many files its documents are in.
    pub files: usize,
    /// What tells its documents from others: [`DocumentSet::digest`].
    pub digest: String,
    /// What was changed for it to come into force.
    pub changes: Changes,
    /// Where its documents came from.
    pub origin: Origin,
}

impl Record {
    /// A generation that comes into force now, after one with the documents `before`.
    pub fn new(
        generation: u64,
        origin: Origin,
        before: &DocumentSet,
        documents: &DocumentSet,
    ) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            generation,
            since: since.unwrap_or(Duration::ZERO).as_secs(),
            files: documents.files.len(),
            digest: documents.digest(),
            changes: Changes::between(before, documents),
            origin,
        }
    }

    /// The generation whose documents these are: its own number, or that of the one rolled back to.
    pub fn root(&self) -> u64 {
        match self.origin {
            Origin::Directory { .. } => self.generation,
            Origin::RolledBack { to, .. } => to,
        }
    }
}

/// Where the documents of a generation came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The directory of documents.
    Directory {
        /// Where it was.
        path: String,
    },
    /// An earlier generation, put in force again.
    RolledBack {
        /// Which; never one that is a rollback itself.
        to: u64,
        /// The digest of what the directory held, which is set aside until that changes.
        set_aside: String,
    },
}

/// Which files differ between two generations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// New ones.
    pub added: Vec<String>,
    /// With another text.
    pub changed: Vec<String>,
    /// Ones that are gone.
    pub removed: Vec<String>,
    /// How many more there are than are named.
    pub unnamed: usize,
}

impl Changes {
    /// What has to be done to the one to get the other.
    pub fn between(before: &DocumentSet, after: &DocumentSet) -> Self {
        let mut changes = Self::default();
        let (mut old, mut new) = (&before.files[..], &after.files[..]);
        loop {
            let order = match (old.first(), new.first()) {
                (None, None) => return changes,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => one.name.cmp(&other.name),
            };
            match order {
                Ordering::Less => {
                    changes.note(|changes| &mut changes.removed, &old[0].name);
                    old = &old[1..];
                }
                Ordering::Greater => {
                    changes.note(|changes| &mut changes.added, &new[0].name);
                    new = &new[1..];
                }
                Ordering::Equal => {
                    if old[0] != new[0] {
                        changes.note(|changes| &mut changes.changed, &new[0].name);
                    }
                    (old, new) = (&old[1..], &new[1..]);
                }
            }
        }
    }

    fn note(&mut self, list: fn(&mut Self) -> &mut Vec<String>, name: &str) {
        if self.added.len() + self.changed.len() + self.removed.len() < MAX_NAMES {
            list(self).push(name.to_owned());
        } else {
            self.unnamed += 1;
        }
    }
}
