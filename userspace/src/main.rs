//! The Ferromesh daemon and command line.

mod cli;
mod commands;
mod control;
mod daemon;
mod notify;
mod object;
mod runtime_dir;
mod settings;
mod state_dir;
mod watchdog;

use std::{env, io, process::ExitCode, time::Duration};

use clap::Parser;
use mesh_telemetry::process_log::{self, ProcessLog};
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Cli, Command},
    settings::Environment,
};

/// How long the end waits for the last lines of the log to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A request allocates and frees some dozens of times, on the thread of its worker.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = match start_log(matches!(cli.command, Command::Run(_))) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("ferromesh: there is no thread for the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    let environment = environment();
    let outcome = match cli.command {
        Command::Run(args) => commands::run::run(*args, &environment).map(|()| ExitCode::SUCCESS),
        Command::Arm(args) => commands::arm::run(*args, &environment).map(|()| ExitCode::SUCCESS),
        Command::Validate(args) => commands::validate::run(&args, &environment),
        Command::Explain(args) => {
            commands::explain::run(args, &environment).map(|()| ExitCode::SUCCESS)
        }
        Command::Diff(args) => commands::diff::run(&args, &environment).map(|()| ExitCode::SUCCESS),
        Command::Graph(args) => {
            commands::graph::run(&args, &environment).map(|()| ExitCode::SUCCESS)
        }
        Command::RenderEnvoy(args) => {
            commands::render_envoy::run(&args, &environment).map(|()| ExitCode::SUCCESS)
        }
        Command::Connections(args) => commands::connections::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Status(args) => commands::status::run(&args),
        Command::Redirect(args) => commands::redirect::run(&args).map(|()| ExitCode::SUCCESS),
        Command::ExplainConnect(args) => {
            commands::explain_connect::run(&args).map(|()| ExitCode::SUCCESS)
        }
        Command::Tap(args) => commands::tap::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Trace(args) => commands::trace::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Bundle(args) => commands::bundle::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Check(args) => commands::check::run(&args),
        Command::Rollback(args) => commands::rollback::run(&args),
        Command::Workload(command) => commands::workload::run(command),
        Command::Watchdog(args) => commands::watchdog::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Uninstall(args) => commands::uninstall::run(&args).map(|()| ExitCode::SUCCESS),
    };
    if let Some(log) = log {
        // What is not read by now is not waited for.
        log.flush(LAST_LINES);
    }
    outcome.unwrap_or_else(|error| {
        eprintln!("ferromesh: {error:#}");
        ExitCode::FAILURE
    })
}

/// The environment, without what is no text: no variable of ours or of App Mesh's is such.
fn environment() -> Environment {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Logs to standard error, so that standard output holds answers and access logs only. `RUST_LOG`,
/// where it is set, decides over what is said in the place of `ENVOY_LOG_LEVEL`.
fn start_log(is_daemon: bool) -> io::Result<Option<ProcessLog>> {
    let filter = EnvFilter::try_from_default_env().ok();
    if is_daemon {
        return process_log::start_queued(filter).map(Some);
    }
    process_log::start_plain(filter);
    Ok(None)
}
