//! Where the list comes from: the kernel itself, so that it is there when the daemon is dead or
//! hangs.

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use anyhow::Context;
use mesh_bpf::live::Live;
use rustix::net::sockopt;

use super::Row;
use crate::{commands::status::BPFFS, runtime_dir::RuntimeDir};

/// The connections of one instance.
pub(super) struct Source {
    live: Live,
    control: PathBuf,
}

impl Source {
    pub(super) fn open(instance: &str) -> anyhow::Result<Self> {
        let live = Live::open(Path::new(BPFFS), instance)?.with_context(|| {
            format!("no instance `{instance}` on this kernel; name one with --instance")
        })?;
        Ok(Self {
            live,
            control: RuntimeDir::of(instance).control_socket(),
        })
    }

    /// Every live connection.
    pub(super) fn rows(&self) -> anyhow::Result<Vec<Row>> {
        let daemon = self.daemon_namespace();
        Ok(Row::all(&self.live.list(daemon.as_deref())?))
    }

    /// The network namespace of the daemon, told by the socket alone: a daemon that hangs does not
    /// answer.
    fn daemon_namespace(&self) -> Option<PathBuf> {
        let socket = UnixStream::connect(&self.control).ok()?;
        let daemon = sockopt::socket_peercred(&socket).ok()?;
        Some(format!("/proc/{}/ns/net", daemon.pid.as_raw_pid()).into())
    }
}
