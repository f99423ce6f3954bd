//! `ferromesh run`: the daemon.

use anyhow::Context;
use tokio::runtime::Builder;

use crate::{
    cli::RunArgs,
    daemon,
    settings::{Environment, Settings},
};

/// Threads for control work: DNS, documents, admin, the control socket. Traffic has its own.
const CONTROL_THREADS: usize = 2;

pub(crate) fn run(args: RunArgs, environment: &Environment) -> anyhow::Result<()> {
    let settings = Settings::new(args, environment)?;
    Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
        .context("cannot start the control threads")?
        .block_on(daemon::run(settings))
}
