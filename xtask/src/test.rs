//! `cargo xtask test`: every test, two minutes of the soak, a share of the parity suite, and the proof that
//! the network tests test the redirection.
//!
//! The proof is a second run of the network tests with redirection off, in which every one of them
//! must fail: a test that passes then would pass without Ferromesh.

mod edge;
pub(crate) mod executables;
mod report;

use std::{
    env,
    process::{Command, ExitCode},
    thread,
};

use anyhow::{Context as _, Result, bail};

use self::report::Report;
use crate::{build, command, fuzz, layout, parity, setup, soak};

/// The test programs whose tests must fail without redirection.
const NETWORK_TESTS: &str = "netns_*";
/// How many of them run at a time with redirection off: what fails there waits for what never comes.
const WAITING: &str = "4";

/// What `cargo xtask test` takes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    list: Option<List>,
    /// Only the tests whose name contains NAME, and no run with redirection off
    name: Option<String>,
    /// Only the network tests, with redirection off: every one of them must fail
    #[arg(long, conflicts_with = "name")]
    without_redirect: bool,
}

/// A named choice of tests.
#[derive(Debug, clap::Subcommand)]
enum List {
    /// The edge cases of redirection by number, each with its tests and their result
    Edge,
}

/// Sets up, builds and tests. The last line of the output is `N passed, M failed`.
///
/// # Errors
/// When the set-up or a build fails, or a test program ends early. Failed tests are no error: they
/// are in the exit code.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Test])?;
    command::step("build: eBPF object", build::object)?;
    // The daemon is built with them, from the same libraries.
    command::step("test: build", || command::run(cargo_test().arg("--no-run")))?;
    let (passed, failed) = if args.list.is_some() {
        edge::run()?
    } else if args.without_redirect {
        let report = without_redirect()?;
        if report.passed == 0 {
            eprintln!("test: redirection was off, and every network test failed, as it must");
        }
        (report.passed, report.failed)
    } else {
        everything(args.name.as_deref())?
    };
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the tests whose name contains `name`; without a name all of them, then a share of the fuzzing
/// and of the soak, and the proof.
fn everything(name: Option<&str>) -> Result<(usize, usize)> {
    let fuzz_targets = name.is_none().then(fuzz::build_beside).transpose()?;
    let mut cargo = cargo_test();
    if let Some(name) = name {
        cargo.args(["--", name]);
    }
    let report = command::step("test: all rings", || Report::of(&mut cargo))?;
    for name in &report.failed_names {
        eprintln!("test: FAILED {name}");
    }
    if report.passed + report.failed == 0 {
        bail!(
            "no test is called anything like {}",
            name.unwrap_or("a test")
        );
    }
    let Some(fuzz_targets) = fuzz_targets else {
        return Ok((report.passed, report.failed));
    };
    let (held, broken) = fuzz::share(fuzz_targets)?;
    let (passed, failed) = (report.passed + held, report.failed + broken);
    if !may_use_the_kernel() {
        eprintln!("test: SKIPPED the soak, parity and the run with redirection off (needs root)");
        return Ok((passed, failed));
    }
    let (agreed, differed) = parity::share();
    // Neither keeps the machine busy: they wait for the clock, for a tick or for a time-out.
    let ((soaked, broke), control) = thread::scope(|scope| {
        let soaking = scope.spawn(soak::share);
        let control = without_redirect();
        let soaked = soaking.join().ok().context("the soak's thread panicked")?;
        Ok::<_, anyhow::Error>((soaked, control?))
    })?;
    for name in &control.passed_names {
        eprintln!("test: PASSED WITHOUT REDIRECTION, so it proves nothing: {name}");
    }
    let all = control.passed + control.failed;
    eprintln!(
        "test: with redirection off, {} of {all} network tests failed, as all must",
        control.failed
    );
    Ok((
        passed + soaked + agreed,
        failed + broke + differed + control.passed,
    ))
}

/// Runs the network tests with redirection off.
fn without_redirect() -> Result<Report> {
    if !may_use_the_kernel() {
        bail!("the network tests need root: without it they skip, and would not fail");
    }
    let mut cargo = cargo_test();
    cargo
        .args(["--test", NETWORK_TESTS])
        .env("FERROMESH_TEST_WITHOUT_REDIRECT", "1")
        .env("RUST_TEST_THREADS", WAITING);
    let log = layout::target().join("without-redirect.log");
    let report = command::step("test: network tests, redirection off", || {
        Report::of_failures(&mut cargo, &log)
    })?;
    if report.passed + report.failed == 0 {
        bail!("there are no network tests");
    }
    Ok(report)
}

fn cargo_test() -> Command {
    let mut cargo = command::cargo();
    cargo
        .args(["test", "--no-fail-fast"])
        .env("FERROMESH_BIN", layout::tested_daemon())
        .env("FERROMESH_EBPF_OBJECT", layout::object())
        .env("FERROMESH_ENVOY", layout::envoy())
        .env("FERROMESH_RE2", layout::re2())
        .env("FERROMESH_PEERS", layout::peers());
    if may_use_the_kernel() {
        cargo.env("REQUIRE_PRIVILEGED", "1");
    }
    cargo
}

/// Whether tests that need privileges must run: as root always, and in CI whoever we are.
fn may_use_the_kernel() -> bool {
    rustix::process::geteuid().is_root() || env::var_os("CI").is_some_and(|ci| ci == "true")
}
