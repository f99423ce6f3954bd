//! What is enrolled, kept on disk for the next daemon.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context;
use mesh_config::enrolment::Enrolment;
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// What is enrolled, but for the workload of the command line.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) requests: Vec<Enrolment>,
    /// The last good state of the enrolment file.
    pub(super) file: Vec<Enrolment>,
}

/// `enrolments.json` in the state directory.
#[derive(Debug)]
pub(in crate::daemon) struct Store {
    path: PathBuf,
}

impl Store {
    pub(in crate::daemon) fn of(settings: &Settings) -> Self {
        Self {
            path: settings.state_dir.join("enrolments.json"),
        }
    }

    /// What is kept; nothing where there is no file. A damaged one is said and is nothing, too: it
    /// must not keep the daemon from serving the rest.
    pub(super) fn read(&self) -> Kept {
        let read = match fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Kept::default(),
            Err(error) => Err(error),
        };
        read.unwrap_or_else(|error| {
            tracing::error!(
                %error,
                "{} cannot be used: workloads that were enrolled by request are forgotten; enrol \
                 them again",
                self.path.display()
            );
            Kept::default()
        })
    }

    /// Keeps it, whole or not at all. One at a time: two would write one draft.
    ///
    /// # Errors
    /// It cannot be written; what was kept before is still there.
    pub(super) fn write(&mut self, kept: &Kept) -> anyhow::Result<()> {
        let write = || {
            let directory = self.path.parent().unwrap_or(&self.path);
            fs::create_dir_all(directory)?;
            let draft = self.path.with_extension("json.new");
            let mut file = File::create(&draft)?;
            serde_json::to_writer_pretty(&mut file, kept)?;
            file.flush()?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)
        };
        write().with_context(|| {
            format!(
                "what is enrolled cannot be kept in {}; a restart would not find it",
                self.path.display()
            )
        })
    }
}

#[cfg(test)]
mod tests;
