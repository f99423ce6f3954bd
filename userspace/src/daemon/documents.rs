//! The documents of a daemon: watched, read and parsed once for all of its workloads.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use mesh_config::{
    document::{Documents, Parser},
    form::Inputs,
    problem::{Problem, Warning},
    source::{DocumentSet, SourceError, directory::Directory, watch::Watch},
};
use tokio::sync::watch;

use super::configuration::Problems;
use crate::settings::Settings;

/// What the directory of documents held at one moment, or why it cannot be read.
pub(crate) type Reading = Result<DocumentSet, Problems>;

/// What came of a set of documents, for any workload.
pub(crate) type Parsed = Result<(Documents, Vec<Warning>), Vec<Problem>>;

/// Where documents come from, and what parses them.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    path: PathBuf,
    inputs: Inputs,
    shelf: Arc<Shelf>,
}

impl Source {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            path: settings.mesh_config.clone(),
            inputs: settings.inputs.clone(),
            shelf: Arc::new(Shelf::new(settings.inputs.clone())),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What parses what the source holds.
    pub(crate) fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.shelf)
    }

    /// What parses other documents than the source's, which goes on knowing its own.
    pub(crate) fn another_shelf(&self) -> Arc<Shelf> {
        Arc::new(Shelf::new(self.inputs.clone()))
    }
}

/// Parses sets of documents. The last one is kept, so that many workloads cost one parsing.
#[derive(Debug)]
pub(crate) struct Shelf(Mutex<Parsing>);

#[derive(Debug)]
struct Parsing {
    parser: Parser,
    last: Option<(DocumentSet, Arc<Parsed>)>,
}

impl Shelf {
    fn new(inputs: Inputs) -> Self {
        Self(Mutex::new(Parsing {
            parser: Parser::new(inputs),
            last: None,
        }))
    }

    /// What comes of a set. Who asks for the same at the same time waits for the one answer.
    pub(crate) fn parse(&self, set: &DocumentSet) -> Arc<Parsed> {
        let mut parsing = self.0.lock().expect("no holder panics");
        if let Some((last, parsed)) = &parsing.last
            && last == set
        {
            return Arc::clone(parsed);
        }
        let parsed = Arc::new(parsing.parser.parse(set).into_result());
        parsing.last = Some((set.clone(), Arc::clone(&parsed)));
        parsed
    }
}

/// The source under watch.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) source: Source,
    readings: watch::Receiver<Reading>,
}

impl Library {
    /// Reads the source, and goes on reading what changes of it. Must be called within a runtime.
    pub(crate) fn open(source: Source) -> Self {
        let mut directory = Directory::new(source.path());
        let (news, readings) = watch::channel(directory.read().map_err(unreadable));
        let mut watch = Watch::start(directory);
        tokio::spawn(async move {
            loop {
                let changed = watch.changed().await.map_err(unreadable);
                if news.send(changed).is_err() {
                    return;
                }
            }
        });
        Self { source, readings }
    }

    /// The latest reading, and those to come.
    pub(crate) fn readings(&self) -> watch::Receiver<Reading> {
        self.readings.clone()
    }
}

fn unreadable(error: SourceError) -> Problems {
    Problems(vec![format!("{:#}", anyhow::Error::new(error))])
}
