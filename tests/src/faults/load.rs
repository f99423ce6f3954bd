//! A load on a host: started, ended, asked what it met.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, Error, Result, ensure};
use rustix::process::Signal;

use super::{Protocol, Report};
use crate::{
    host::{Host, Place},
    process::Process,
};

/// How long what is under way at its end may take.
const LAST_ANSWERS: Duration = Duration::from_mins(1);

/// What a load asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// GET and POST in turn.
    Plain,
    /// The same, and of ten requests two that wait for their answer and two whose answer comes in pieces.
    Mixed,
}

impl Mix {
    const ALL: [Self; 2] = [Self::Plain, Self::Mixed];

    fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Mixed => "mixed",
        }
    }
}

impl FromStr for Mix {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|known| known.word() == word);
        known.with_context(|| format!("`{word}` is no mix of requests"))
    }
}

/// Where requests go: by which protocol, what is dialled, and the host that they name.
pub type Target = (Protocol, SocketAddr, String);

/// A running load. Dropping it ends it.
#[derive(Debug)]
pub struct Load {
    process: Process,
    log: PathBuf,
}

impl Load {
    /// Starts the program [`super::PEER`] in the workload of a host, with so many requests a second.
    pub fn start(
        peer: &Path,
        host: &Host,
        rate: u32,
        mix: Mix,
        targets: &[Target],
    ) -> Result<Self> {
        let mut command = host.command(Place::Workload, peer);
        command.args(["load", &rate.to_string(), mix.word()]);
        let words = targets.iter();
        command.args(words.map(|(protocol, at, name)| format!("{protocol}={at}/{name}")));
        let log = host.directory().join("load.json");
        fs::write(&log, "")?;
        let process = Process::spawn("the load", command, &log)?;
        Ok(Self { process, log })
    }

    /// An error if it has ended by itself.
    pub fn ensure_running(&mut self) -> Result<()> {
        self.process.ensure_running()
    }

    /// Ends it, once what is under way has its answers, and gives what it met.
    pub fn finish(mut self) -> Result<Report> {
        self.process.signal(Signal::TERM)?;
        let status = self.process.wait(LAST_ANSWERS)?;
        let said = fs::read_to_string(&self.log)?;
        ensure!(status.success(), "the load: {status}: {said}");
        Report::from_json(&said)
    }
}
