//! `ferromesh run`: the daemon.

use anyhow::Context;
use mesh_telemetry::process_log::{self, Level};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;

use crate::{
    cli::RunArgs,
    daemon,
    settings::{self, Environment, Settings},
};

/// Threads for control work: DNS, documents, admin, the control socket. Traffic has its own.
const CONTROL_THREADS: usize = 2;
/// Open files that are asked for: the most that a kernel gives unless it is told otherwise
/// (`fs.nr_open`). Each connection through a proxy takes two.
const OPEN_FILES: u64 = 1 << 20;

pub(crate) fn run(args: RunArgs, environment: &Environment) -> anyhow::Result<()> {
    // First, as reading the settings has something to say.
    process_log::set_level(settings::log_level(environment)?.unwrap_or(Level::Info));
    let settings = Settings::new(args, environment)?;
    mesh_proxy::log_panics_of_connections();
    raise_limit_of_open_files();
    Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
        .context("cannot start the control threads")?
        .block_on(daemon::run(settings))
}

/// To what is asked for, which takes `CAP_SYS_RESOURCE`, else as far as this process may.
fn raise_limit_of_open_files() {
    let given = getrlimit(Resource::Nofile);
    if given.current.is_none_or(|limit| limit >= OPEN_FILES) {
        return;
    }
    let wanted = Rlimit {
        current: Some(OPEN_FILES),
        maximum: given.maximum.map(|maximum| maximum.max(OPEN_FILES)),
    };
    let within = Rlimit {
        current: given.maximum,
        maximum: given.maximum,
    };
    if let Err(error) =
        setrlimit(Resource::Nofile, wanted).or_else(|_| setrlimit(Resource::Nofile, within))
    {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
