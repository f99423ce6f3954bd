//! A workload that is enrolled, makes a request, is released, and makes another.

use std::sync::Arc;

use ::tests::{
    client::Curl,
    host::{Host, Place},
    process, wait,
};
use anyhow::{Result, ensure};

use crate::soak::{
    documents::SERVICE_PORT,
    fleet::{Fleet, resource},
    judge::DECOY,
};

/// One that comes and goes again and again.
pub(super) struct Guest<'a> {
    fleet: &'a Fleet,
    host: &'a Arc<Host>,
    /// A kill interrupted the last time: the next daemon may have enrolled it again.
    was_interrupted: bool,
}

impl<'a> Guest<'a> {
    pub(super) fn new(fleet: &'a Fleet, host: &'a Arc<Host>) -> Self {
        Self {
            fleet,
            host,
            was_interrupted: false,
        }
    }

    /// Once; it is known to be over when this gives no error.
    pub(super) fn come_and_go(&mut self) -> Result<()> {
        if self.was_interrupted {
            self.be_away()?;
        }
        self.was_interrupted = true;
        self.enrol()?;
        let enrolled = self.request()?;
        self.release()?;
        ensure!(
            enrolled == "server-1",
            "the enrolled guest reached {enrolled:?}"
        );
        let released = self.request()?;
        ensure!(released == DECOY, "the released guest reached {released:?}");
        self.was_interrupted = false;
        Ok(())
    }

    /// Has a daemon that took it up from the one before let it go; it may be about to take it up.
    fn be_away(&self) -> Result<()> {
        let name = self.host.name();
        wait::until_true(format!("{name} to be away"), || {
            let said = self.fleet.ask(&["workload", "remove", name, "--now"])?;
            Ok(said.status.success() || said.stderr.contains("no workload"))
        })
    }

    fn enrol(&self) -> Result<()> {
        let cgroup = self.host.cgroup(Place::Workload);
        let netns = self.host.netns().path();
        let added = self.fleet.ask(&[
            "workload",
            "add",
            self.host.name(),
            "--cgroup",
            &cgroup.to_string_lossy(),
            "--netns",
            &netns.to_string_lossy(),
            "--resource",
            &resource(1),
        ])?;
        ensure!(added.status.success(), "add: {}", added.stderr.trim());
        Ok(())
    }

    fn release(&self) -> Result<()> {
        let name = self.host.name();
        let removed = self.fleet.ask(&["workload", "remove", name, "--now"])?;
        let said = removed.stderr.trim();
        ensure!(removed.status.success(), "remove: {said}");
        Ok(())
    }

    /// Who answers it.
    fn request(&self) -> Result<String> {
        let url = format!("http://{}:{SERVICE_PORT}/", self.fleet.peers.v4());
        let curl = Curl::new(self.host).args([
            "--header",
            "Host: service.apps.local",
            "--header",
            "x-asked: 0",
            "--header",
            "x-hash: 15130871412783076140",
            "--header",
            "content-length: 0",
            "--output",
            "/dev/null",
            "--write-out",
            "%header{x-answer}",
        ]);
        let said = process::output(&mut curl.command(&url))?;
        Ok(said.stdout.trim().to_owned())
    }
}
