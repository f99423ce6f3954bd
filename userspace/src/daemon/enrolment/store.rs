//! What is enrolled, kept on disk for the next daemon.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use mesh_config::enrolment::Enrolment;
use serde::{Deserialize, Serialize};

use crate::{settings::Settings, state_dir};

/// How long a disk that cannot keep it is left alone.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What is enrolled, but for the workload of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) requests: Vec<Enrolment>,
    /// The last good state of the enrolment file.
    pub(super) file: Vec<Enrolment>,
}

/// [`state_dir::ENROLMENTS`] in the state directory.
#[derive(Debug)]
pub(in crate::daemon) struct Store {
    path: PathBuf,
    /// None before the first time, and where that is not known.
    written: Option<Kept>,
    failed: Option<Instant>,
}

impl Store {
    pub(in crate::daemon) fn of(settings: &Settings) -> Self {
        Self {
            path: settings.state_dir.join(state_dir::ENROLMENTS),
            written: None,
            failed: None,
        }
    }

    /// What is kept; nothing where there is no file. A damaged one is said and is nothing, too: it
    /// must not keep the daemon from serving the rest.
    pub(super) fn read(&mut self) -> Kept {
        let read = match fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(error),
        };
        self.written = read.as_ref().ok().cloned();
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

    /// Whether it is time to look if what is kept is what is enrolled.
    pub(super) fn is_due(&self) -> bool {
        self.failed
            .is_none_or(|failed| failed.elapsed() >= AGAIN_AFTER)
    }

    /// Keeps it, whole or not at all, unless it is what is kept.
    ///
    /// # Errors
    /// It cannot be written; what was kept before is still there.
    pub(super) fn keep(&mut self, kept: Kept) -> anyhow::Result<()> {
        if self.written.as_ref() == Some(&kept) {
            return Ok(());
        }
        let written = self.write(&kept);
        self.failed = written.is_err().then(Instant::now);
        self.written = written.is_ok().then_some(kept);
        written.with_context(|| {
            format!(
                "what is enrolled cannot be kept in {}; a restart would not find it",
                self.path.display()
            )
        })
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(kept)?;
        let directory = self.path.parent().unwrap_or(&self.path);
        fs::create_dir_all(directory)?;
        let draft = self.path.with_file_name(state_dir::ENROLMENTS_DRAFT);
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Environments may hold what is not everybody's to read.
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        // The name is on disk when its directory is.
        File::open(directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests;
