//! `cargo xtask fuzz TARGET`: coverage-guided fuzzing of what reads input from outside.
//!
//! The targets are in `tests/fuzz`, libFuzzer drives them, and the published documents of
//! `tests/corpus` are what those begin with that read documents. The compiler's own coverage pass does: no other
//! toolchain is needed.

use std::{fs, num::NonZero, process::Command, thread};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{
    command::{self, background::Background},
    layout, setup,
};

/// Seconds of each target within the test command.
const SHARE: u64 = 8;
/// What one input may take, in seconds, when a target is run by itself.
const HANG: u64 = 1;
/// The same on a machine that has other things to do.
const HANG_IN_TESTS: u64 = 20;
/// Of one target, in mebibytes.
const MEMORY: u64 = 1024;
/// Of one input, in bytes.
const LONGEST: usize = 32 << 10;

/// What instruments the code: counters for each edge, and the operands of comparisons.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// What `cargo xtask fuzz` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which reader
    target: Target,
    /// How long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
}

/// The fuzz targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// AWS CLI documents
    Cli,
    /// Kubernetes manifests
    Kubernetes,
    /// CloudFormation templates
    Cloudformation,
    /// Terraform states and plans
    Terraform,
    /// ECS task definitions
    TaskDefinition,
    /// The environment of the App Mesh route manager
    RouteManager,
    /// The first bytes of connections
    Detect,
    /// Routes, and requests that they take or not
    Routes,
    /// Paths as they are normalised
    Paths,
    /// Regular expressions of RE2, by themselves and together
    Expressions,
    /// Formats of the access log
    AccessLog,
    /// Requests and answers of HTTP/1
    Http1,
    /// Frames of HTTP/2
    Http2,
    /// Header fields on their way through the proxy
    Headers,
}

impl Target {
    fn binary(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Kubernetes => "kubernetes",
            Self::Cloudformation => "cloudformation",
            Self::Terraform => "terraform",
            Self::TaskDefinition => "task_definition",
            Self::RouteManager => "route_manager",
            Self::Detect => "detect",
            Self::Routes => "routes",
            Self::Paths => "paths",
            Self::Expressions => "expressions",
            Self::AccessLog => "access_log",
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Headers => "headers",
        }
    }

    /// Directories of inputs to begin with.
    fn seeds(self) -> &'static [&'static str] {
        match self {
            Self::Cli
            | Self::Kubernetes
            | Self::Cloudformation
            | Self::Terraform
            | Self::TaskDefinition
            | Self::RouteManager => &["tests/corpus/field", "tests/corpus/made"],
            Self::Detect
            | Self::Routes
            | Self::Paths
            | Self::Expressions
            | Self::AccessLog
            | Self::Http1
            | Self::Http2
            | Self::Headers => &[],
        }
    }
}

/// Builds and runs one target.
///
/// # Errors
/// When the set-up or the build fails, or an input was found that crashes, hangs or takes too much
/// memory; the file that holds it is in the output.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut build = build()?;
    command::step("fuzz: build", || command::run(&mut build))?;
    fuzz(args.target, args.minutes * 60, HANG)
}

/// Begins to build the targets, on the processor time that is left: tests wait more than they compute.
///
/// # Errors
/// When the set-up fails, or cargo cannot be started.
pub(crate) fn build_beside() -> Result<Background> {
    Background::start(&build()?, &directory().join("build.log"))
}

/// Runs each target for a few seconds once `build` has built it, as many at once as there are
/// processors. Says how many held.
///
/// # Errors
/// When the build failed.
pub(crate) fn share(build: Background) -> Result<(usize, usize)> {
    command::step("fuzz: rest of the build", || {
        build.finish().context("the fuzz targets were not built")
    })?;
    let at_once = thread::available_parallelism().map_or(1, NonZero::get);
    let held = |target: Target| match fuzz(target, SHARE, HANG_IN_TESTS) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("test: FAILED fuzz {}: {error:#}", target.binary());
            false
        }
    };
    let passed = Target::value_variants()
        .chunks(at_once)
        .map(|targets| {
            thread::scope(|scope| {
                let running: Vec<_> = targets
                    .iter()
                    .map(|target| scope.spawn(|| held(*target)))
                    .collect();
                let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
                ended.filter(|held| matches!(held, Ok(true))).count()
            })
        })
        .sum();
    Ok((passed, Target::value_variants().len() - passed))
}

/// The command that builds the targets, with what it needs in place.
fn build() -> Result<Command> {
    setup::ensure(&[setup::Purpose::Fuzz])?;
    let mut cargo = command::cargo();
    cargo
        .args(["build", "--release", "--quiet", "--bins"])
        // With a target named, the flags are for the targets alone and not for build scripts.
        .args(["--target", &host()?])
        .arg("--manifest-path")
        .arg(layout::root().join("tests/fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(directory())
        .env("RUSTFLAGS", COVERAGE);
    Ok(cargo)
}

fn fuzz(target: Target, seconds: u64, hang: u64) -> Result<()> {
    let name = target.binary();
    let found = directory().join("inputs").join(name);
    let artifacts = directory().join("artifacts").join(name);
    for directory in [&found, &artifacts] {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let program = directory().join(host()?).join("release").join(name);
    let mut fuzzer = Command::new(program);
    fuzzer
        .arg(&found)
        .args(
            target
                .seeds()
                .iter()
                .map(|seeds| layout::root().join(seeds)),
        )
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={hang}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg(format!("-max_len={LONGEST}"))
        .args(["-print_final_stats=1", "-verbosity=0"]);
    command::step(&format!("fuzz: {name}"), || command::run(&mut fuzzer))
}

fn directory() -> std::path::PathBuf {
    layout::target().join("fuzz")
}

/// The triple that this compiler builds for by itself.
fn host() -> Result<String> {
    let mut rustc = Command::new("rustc");
    let output = command::ask(rustc.args(["--print", "host-tuple"])).context("cannot run rustc")?;
    let host = String::from_utf8(output.stdout).context("rustc's answer is no text")?;
    if !output.status.success() || host.trim().is_empty() {
        bail!("rustc does not say which host it is for");
    }
    Ok(host.trim().to_owned())
}
