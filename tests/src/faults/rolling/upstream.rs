//! One host of the service: its server, and its own proxy where it has one.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, ensure};
use rustix::process::Signal;

use super::documents::UPSTREAM;
use crate::{
    daemon::{Daemon, Settings},
    documents::Documents,
    faults::Protocol,
    host::{Host, Place},
    process::Process,
    wait,
};

/// How long a server may drain: its answers take milliseconds.
const DRAIN: Duration = Duration::from_secs(20);

/// A host and what runs on it.
#[derive(Debug)]
pub(super) struct Upstream {
    // Fields are dropped in this order: processes before the host they run on.
    server: Process,
    sidecar: Option<Daemon>,
    host: Arc<Host>,
    peer: PathBuf,
}

impl Upstream {
    /// Starts its server and, where there are documents, its proxy.
    pub(super) fn start(
        host: &Arc<Host>,
        peer: &Path,
        documents: Option<&Documents>,
    ) -> Result<Self> {
        let server = serve(host, peer)?;
        let sidecar =
            documents.map(|documents| Settings::new(host, documents).node(UPSTREAM).start());
        Ok(Self {
            server,
            sidecar: sidecar.transpose()?,
            host: Arc::clone(host),
            peer: peer.to_owned(),
        })
    }

    /// As its server calls itself.
    pub(super) fn name(&self) -> String {
        self.host.name().to_owned()
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        self.host.v4()
    }

    /// Has the proxy drain, and the server where there is none.
    pub(super) fn begin_drain(&mut self) -> Result<()> {
        match &mut self.sidecar {
            Some(sidecar) => sidecar.terminate(),
            None => self.server.signal(Signal::TERM),
        }
    }

    /// Waits until the proxy has drained, and has the server drain behind it.
    pub(super) fn end_drain(&mut self) -> Result<()> {
        if let Some(sidecar) = &mut self.sidecar {
            let status = sidecar.wait()?;
            ensure!(status.success(), "the proxy of {}: {status}", self.name());
            self.server.signal(Signal::TERM)?;
        }
        let status = self.server.wait(DRAIN)?;
        ensure!(status.success(), "the server of {}: {status}", self.name());
        Ok(())
    }

    /// Kills both at once.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.server.kill()?;
        self.sidecar.as_mut().map_or(Ok(()), Daemon::kill)
    }

    /// Starts what has ended, and waits until it serves.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.server = serve(&self.host, &self.peer)?;
        self.sidecar.as_mut().map_or(Ok(()), Daemon::restart)
    }
}

fn serve(host: &Arc<Host>, peer: &Path) -> Result<Process> {
    let mut command = host.command(Place::Workload, peer);
    command.args(["serve", host.name(), "good"]);
    command.args(Protocol::ALL.map(|protocol| format!("{protocol}=0.0.0.0:{}", protocol.port())));
    let mut server = Process::spawn("a server", command, &host.directory().join("server.log"))?;
    wait::until_true("a server to listen", || {
        server.ensure_running()?;
        let mut ports = Protocol::ALL.into_iter().map(Protocol::port);
        ports.try_fold(true, |all, port| Ok(all && host.listens(port)?))
    })?;
    Ok(server)
}
