//! Running other programs so that a reader of the output can follow and repeat what was done.

pub(crate) mod background;

use std::{
    env,
    ffi::OsStr,
    io::{IsTerminal, stderr},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::layout;

/// Runs `work` and says how long it took.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let outcome = work();
    let seconds = start.elapsed().as_secs_f64();
    let state = if outcome.is_ok() { "done" } else { "failed" };
    eprintln!("{name}: {state} in {seconds:.1} s");
    outcome
}

/// Prints and runs `command`; anything but exit status 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", program(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", program(command));
    }
    Ok(())
}

/// Prints and runs `command` with its output kept back, and shown only when it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    announce(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program(command)))?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        bail!("{} failed: {}", program(command), output.status);
    }
    Ok(())
}

/// Asks `command` something: no line is printed, and the exit status is the caller's to judge.
pub(crate) fn ask(command: &mut Command) -> Option<Output> {
    command.stdin(Stdio::null()).output().ok()
}

/// Prints `command` as a line that a shell would take, with the variables that it sets.
pub(crate) fn announce(command: &Command) {
    let line = shell_line(command);
    if stderr().is_terminal() {
        eprintln!("\x1b[2m$ {line}\x1b[0m");
    } else {
        eprintln!("$ {line}");
    }
}

/// Finds `name` in `PATH` and in the directories of the superuser, which a user's `PATH` may lack.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
}

/// Cargo as this process was started by it, in the root of the repository.
///
/// Every call sees the same variables: a difference would make cargo build the same things again.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(layout::root())
        .env("CARGO_TARGET_DIR", layout::target());
    command
}

/// Builds a program of the package `tests` as it is measured with, and says where it is.
pub(crate) fn build_test_program(name: &str) -> Result<PathBuf> {
    run(cargo()
        .args(["build", "--release", "--package", "tests", "--bin"])
        .arg(name))?;
    Ok(layout::target().join("release").join(name))
}

/// A program of rustup's nightly toolchain. Asking for it installs nothing.
pub(crate) fn nightly(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .arg("+nightly")
        .env("RUSTUP_AUTO_INSTALL", "0")
        // Cargo names itself and its compiler to what it runs; nightly has its own.
        .env_remove("CARGO")
        .env_remove("LD_LIBRARY_PATH");
    command
}

/// The program as one would call it: by its path in the repository, else by its name.
fn program(command: &Command) -> String {
    let path = Path::new(command.get_program());
    path.strip_prefix(layout::root())
        .ok()
        .or_else(|| path.file_name().map(Path::new))
        .unwrap_or(path)
        .display()
        .to_string()
}

fn shell_line(command: &Command) -> String {
    let inherited = env::var("PATH").unwrap_or_default();
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .filter(|(name, _)| *name != "CARGO_TARGET_DIR")
        .map(|(name, value)| {
            let value = word(value);
            let value = match value.strip_suffix(&inherited) {
                Some(first) if name == "PATH" => format!("{first}$PATH"),
                _ => value,
            };
            format!("{}={value}", name.to_string_lossy())
        });
    let arguments = command.get_args().map(word);
    variables
        .chain([program(command)])
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

/// One word of a shell line, quoted where it must be, and short for what is in the repository.
fn word(text: &OsStr) -> String {
    let root = format!("{}/", layout::root().display());
    let text = text.to_string_lossy().replace(&root, "");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:+@,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
