//! The Ferromesh daemon and command line.

mod cli;
mod commands;
mod control;
mod daemon;
mod notify;
mod object;
mod runtime_dir;
mod settings;
mod watchdog;

use std::{env, io::IsTerminal, process::ExitCode};

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Cli, Command},
    settings::Environment,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log();
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
        Command::Trace(args) => commands::trace::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Bundle(args) => commands::bundle::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Check(args) => commands::check::run(&args),
        Command::Rollback(args) => commands::rollback::run(&args),
        Command::Workload(command) => commands::workload::run(command),
        Command::Watchdog(args) => commands::watchdog::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Uninstall(args) => commands::uninstall::run(&args).map(|()| ExitCode::SUCCESS),
    };
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

/// Logs to standard error, so that standard output holds answers only. `RUST_LOG` sets the levels.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}
