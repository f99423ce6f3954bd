//! The tasks of the repository: set up, build, test, check, demonstrate, measure.
//!
//! `cargo xtask TASK`. Every external command is printed before it runs, every step with its time,
//! and nothing is installed without a line that says what and why.

mod bench;
mod build;
mod check;
mod command;
mod demo;
mod fuzz;
mod layout;
mod parity;
mod setup;
mod soak;
mod test;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The tasks of the Ferromesh repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what the build, the tests, the demo and the checks need and this machine lacks
    Setup,
    /// Build the eBPF object and, with it inside, the release daemon: target/release/ferromesh
    Build,
    /// Set up, build, and run every test, or those whose name contains NAME
    Test(test::Args),
    /// Build the tests of the hooks to run elsewhere: a kernel and busybox are all they need
    BuildTests(test::executables::Args),
    /// Check formatting, lints, dependencies, documentation and the rules of the house
    Check,
    /// Run the canary of the App Mesh User Guide on three hosts made of network namespaces
    Demo(demo::Args),
    /// Measure what Ferromesh costs, against a named peer in the same run
    #[command(subcommand)]
    Bench(Bench),
    /// Look for input that crashes, hangs or bloats a reader, guided by coverage
    Fuzz(fuzz::Args),
    /// Compare what clients and services see with Envoy and with Ferromesh between them
    Parity(parity::Args),
    /// Have eight workloads talk for minutes while rules change and the daemon is killed
    Soak(soak::Args),
    /// Boot other kernels in QEMU and have the daemon prove itself in each
    Vm(vm::Args),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Connections and requests to one listener: direct, redirected by eBPF, redirected by iptables
    Redirect(bench::RedirectArgs),
    /// A proxy killed, hung, starved, started: how long until the application meets it
    Failover(bench::FailoverArgs),
    /// Requests for each second of proxy CPU: Envoy behind iptables, and Ferromesh
    Http(bench::HttpArgs),
    /// A service of 1,000 endpoints that all change every five seconds: against one that stays
    Churn(bench::ChurnArgs),
    /// A steady neighbour beside a workload that floods: in one daemon, and in two
    Neighbours(bench::NeighboursArgs),
    /// 35,000 documents: read, checked and resolved in a new process, and one changed file
    Documents,
    /// 10,000 routes of a service against 10: a decision, and a request through the proxy
    Routes,
}

fn main() -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let outcome = match Cli::parse().task {
        Task::Setup => setup::ensure(&setup::Purpose::ALL).map(done),
        Task::Build => setup::ensure(&[setup::Purpose::Build])
            .and_then(|()| build::run())
            .map(done),
        Task::Test(args) => test::run(&args),
        Task::BuildTests(args) => test::executables::run(&args).map(done),
        Task::Check => check::run().map(done),
        Task::Demo(args) => demo::run(&args).map(done),
        Task::Bench(Bench::Churn(args)) => bench::churn(&args).map(done),
        Task::Bench(Bench::Documents) => bench::documents().map(done),
        Task::Bench(Bench::Failover(args)) => bench::failover(&args).map(done),
        Task::Bench(Bench::Http(args)) => bench::http(&args).map(done),
        Task::Bench(Bench::Neighbours(args)) => bench::neighbours(&args).map(done),
        Task::Bench(Bench::Redirect(args)) => bench::redirect(&args).map(done),
        Task::Bench(Bench::Routes) => bench::routes().map(done),
        Task::Fuzz(args) => fuzz::run(&args).map(done),
        Task::Parity(args) => parity::run(&args).map(done),
        Task::Soak(args) => soak::run(&args).map(done),
        Task::Vm(args) => vm::run(&args).map(done),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
