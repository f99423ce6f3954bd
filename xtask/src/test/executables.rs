//! `cargo xtask build-tests`: the tests of the hooks as one static executable that carries the eBPF
//! object, for machines that have a kernel and little else.

use std::{
    env::consts::ARCH,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{build, command, layout, setup};

/// The test programs that need no other file.
const PROGRAMS: [&str; 1] = ["hooks_sockets"];
/// `PT_INTERP` of elf(5): the loader that a program asks for, which a static one does not.
const PT_INTERP: usize = 3;

/// What `cargo xtask build-tests` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Link the libraries in, so that none is needed where the tests run
    #[arg(long = "static", required = true)]
    is_static: bool,
    /// Where to put them
    #[arg(long, value_name = "DIR", default_value_os_t = layout::static_tests())]
    into: PathBuf,
}

/// Builds the executables into one directory.
///
/// # Errors
/// When something does not compile, or needs a library after all.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(args.is_static, "nothing but static executables is built");
    setup::ensure(&[setup::Purpose::Build])?;
    build(&args.into)
}

/// Builds the executables with what is installed.
pub(crate) fn build(into: &Path) -> Result<()> {
    command::step("build: eBPF object", build::object)?;
    fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    let said = command::step("build: static tests", || messages(&mut cargo_build()))?;
    for program in PROGRAMS {
        let built = executable(&said, program)
            .with_context(|| format!("cargo did not say where it put {program}"))?;
        let elf = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        ensure!(is_static(&elf), "{} needs a loader", built.display());
        let copy = into.join(program);
        fs::copy(&built, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
        eprintln!("build: {} ({} KiB)", copy.display(), elf.len() / 1024);
    }
    Ok(())
}

fn cargo_build() -> Command {
    // The target is named so that build scripts and macros, which run here, are built as ever.
    let target = format!("{ARCH}-unknown-linux-gnu");
    let mut cargo = command::cargo();
    cargo
        .args(["test", "--no-run", "--package", "tests"])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--target", &target])
        .env("FERROMESH_EBPF_OBJECT", layout::object())
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    for program in PROGRAMS {
        cargo.args(["--test", program]);
    }
    cargo
}

/// What cargo says for programs to read.
fn messages(cargo: &mut Command) -> Result<String> {
    command::announce(cargo);
    let output = cargo
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo failed: {}", output.status);
    String::from_utf8(output.stdout).context("cargo wrote something that is no text")
}

/// Where cargo put a test program.
fn executable(messages: &str, program: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == program;
        let path = message["executable"].as_str().filter(|_| is_it)?;
        Some(Path::new(path).to_owned())
    })
}

/// Whether a program of 64 bits asks for no loader (elf(5)).
fn is_static(elf: &[u8]) -> bool {
    let number = |at: usize, bytes: usize| {
        let mut wide = [0; 8];
        wide[..bytes].copy_from_slice(elf.get(at..at + bytes)?);
        usize::try_from(u64::from_le_bytes(wide)).ok()
    };
    let header = || {
        let (table, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
        let kinds = (0..count).map(|entry| number(table + entry * size, 4));
        kinds.collect::<Option<Vec<usize>>>()
    };
    elf.starts_with(b"\x7fELF") && header().is_some_and(|kinds| !kinds.contains(&PT_INTERP))
}

#[cfg(test)]
mod tests;
