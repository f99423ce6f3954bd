//! What comes into force when the daemon starts: the source, a rollback that still holds, or the
//! last good documents on disk.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use anyhow::Context;
use mesh_config::source::{
    DocumentSet, SourceError,
    generations::{Generations, Record},
};

use super::super::documents::{Reading, Source};
use super::{
    Configuration, Problems, Refused, State,
    meaning::{Meaning, Reader},
    rollback::Hold,
};
use crate::settings::WorkloadSettings;

/// What starts, and what is kept of it.
struct Start {
    meaning: Meaning,
    documents: DocumentSet,
    /// None for what was not in force when the daemon ended.
    record: Option<Record>,
    problems: Option<Problems>,
    hold: Option<Hold>,
}

impl Configuration {
    /// Takes what was read of the source, and the kept generations where that is bad or rolled back.
    ///
    /// # Errors
    /// Nothing of both can be used; the message lists every problem.
    pub(crate) fn load(
        settings: &WorkloadSettings,
        source: &Source,
        read: Reading,
    ) -> anyhow::Result<Self> {
        let generations = Generations::in_directory(&settings.state_dir);
        let reader = Reader::new(settings, source.shelf());
        let mut past = Past::open(settings, source, &generations);
        let seen = read.as_ref().cloned().unwrap_or_default();
        let newest = past.newest();
        let before = newest.as_ref().map(|(_, documents)| documents.clone());
        let start = start(&reader, &mut past, newest, read)?;
        let number = match &start.record {
            Some(record) => record.generation,
            None => past.highest + 1,
        };
        let mut in_force = start.meaning.in_force(number);
        in_force.from_last_good = start.problems.is_some() && start.hold.is_none();
        let state = State {
            in_force,
            refused: start.problems.map(|Problems(problems)| Refused {
                problems,
                since: Instant::now(),
            }),
            rolled_back_to: start.hold.as_ref().map(Hold::to),
            unapplied: None,
            unkept: past.troubles,
        };
        Ok(Self {
            settings: settings.clone(),
            source: source.clone(),
            reader,
            generations,
            state: Arc::new(Mutex::new(state)),
            documents: start.documents,
            before: before.unwrap_or_default(),
            is_kept: start.record.is_some(),
            record: start.record,
            hold: start.hold,
            seen,
            claim: None,
            is_blocked: false,
        })
    }
}

type Stored = (Record, DocumentSet);

fn start(
    reader: &Reader,
    past: &mut Past<'_>,
    newest: Option<Stored>,
    read: Result<DocumentSet, Problems>,
) -> anyhow::Result<Start> {
    let hold = newest.as_ref().and_then(|(record, _)| Hold::of(record));
    let digest = read.as_ref().ok().map(DocumentSet::digest);
    let is_set_aside = match (&hold, &digest) {
        (Some(hold), Some(digest)) => hold.is_of(digest),
        _ => false,
    };
    let problems = match read {
        Ok(documents) => match reader.read(&documents) {
            Ok(_) if is_set_aside => None,
            Ok(meaning) => {
                let known = newest.map(|(record, _)| record);
                let is_known =
                    |record: &Record| hold.is_none() && Some(&record.digest) == digest.as_ref();
                return Ok(Start {
                    meaning,
                    documents,
                    record: known.filter(is_known),
                    problems: None,
                    hold: None,
                });
            }
            Err(problems) => Some(problems),
        },
        Err(problems) => Some(problems),
    };
    let refused = problems.clone();
    let (meaning, (record, documents)) = past
        .last_good(newest, hold.as_ref())
        .ok_or_else(|| {
            let mut all = problems.map_or_else(Vec::new, |Problems(problems)| problems);
            all.append(&mut past.troubles);
            all.extend(is_set_aside.then(|| past.set_aside()));
            Problems(all)
        })
        .context("the documents are bad or set aside, and there are no last good ones to run")?;
    Ok(Start {
        meaning,
        documents,
        record: Some(record),
        problems: refused,
        hold,
    })
}

/// The kept generations, and what is wrong with them.
struct Past<'a> {
    settings: &'a WorkloadSettings,
    source: &'a Source,
    generations: &'a Generations,
    /// The highest number that was given; 0 without any.
    highest: u64,
    /// Those that were not looked at yet, the highest last.
    rest: Vec<u64>,
    troubles: Vec<String>,
}

impl<'a> Past<'a> {
    /// State that cannot be read does not keep a good source from being run.
    fn open(
        settings: &'a WorkloadSettings,
        source: &'a Source,
        generations: &'a Generations,
    ) -> Self {
        let numbers = generations.numbers();
        let mut past = Self {
            settings,
            source,
            generations,
            highest: 0,
            rest: Vec::new(),
            troubles: Vec::new(),
        };
        match numbers {
            Ok(numbers) => {
                past.highest = numbers.first().copied().unwrap_or(0);
                past.rest = numbers.into_iter().rev().collect();
            }
            Err(error) => past.note(error),
        }
        past
    }

    /// The newest that is whole, of those that were not looked at yet.
    fn newest(&mut self) -> Option<Stored> {
        while let Some(number) = self.rest.pop() {
            match self.generations.load(number) {
                Ok(Some(stored)) => return Some(stored),
                Ok(None) => {}
                Err(error) => self.note(error),
            }
        }
        None
    }

    /// The newest that still applies and is not set aside, beginning with `stored`.
    fn last_good(
        &mut self,
        mut stored: Option<Stored>,
        hold: Option<&Hold>,
    ) -> Option<(Meaning, Stored)> {
        while let Some((record, documents)) = stored {
            if !hold.is_some_and(|hold| hold.is_of(&record.digest)) {
                match Reader::new(self.settings, self.source.another_shelf()).read(&documents) {
                    Ok(meaning) => return Some((meaning, (record, documents))),
                    Err(problems) => self.troubles.push(format!(
                        "generation {} does not apply any more: {problems}",
                        record.generation
                    )),
                }
            }
            stored = self.newest();
        }
        None
    }

    fn set_aside(&self) -> String {
        format!(
            "what {} holds is set aside by a rollback; change it, or remove {} to run it",
            self.source.path().display(),
            self.generations.path().display()
        )
    }

    fn note(&mut self, error: SourceError) {
        self.troubles
            .push(format!("{:#}", anyhow::Error::new(error)));
    }
}
