//! Child processes: run to the end, or held by a guard that kills and reaps them.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// What a finished command said.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output, as text.
    pub stdout: String,
    /// Its standard error, as text.
    pub stderr: String,
}

/// Runs a command to its end, whatever its exit status.
pub fn output(command: &mut Command) -> Result<Output> {
    output_with(command, Stdio::null())
}

/// Runs a command that has to succeed and gives its standard output.
pub fn run(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    succeeded(command, output)
}

/// [`run`] with the given text as standard input.
pub fn run_with_input(command: &mut Command, input: &str) -> Result<String> {
    let mut file = tempfile::tempfile().context("cannot make a temporary file")?;
    file.write_all(input.as_bytes())
        .and_then(|()| file.rewind())
        .context("cannot write a temporary file")?;
    let output = output_with(command, file.into())?;
    succeeded(command, output)
}

fn output_with(command: &mut Command, stdin: Stdio) -> Result<Output> {
    let output = command
        .stdin(stdin)
        .output()
        .with_context(|| format!("cannot start {}", describe(command)))?;
    Ok(Output {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn succeeded(command: &Command, output: Output) -> Result<String> {
    if !output.status.success() {
        bail!(
            "{} failed ({}): {}",
            describe(command),
            output.status,
            output.stderr.trim()
        );
    }
    Ok(output.stdout)
}

/// The command line as one would type it, for messages.
pub fn describe(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quote(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a shell needs it.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A running child. Dropping it kills and reaps it, unless it was left running on purpose.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    detached: bool,
}

impl Process {
    /// Starts a command in a process group of its own, with both outputs in the file `log`.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot open {}", log.display()))?;
        // Of its own group, so that Ctrl-C in a terminal reaches only the program that cleans up.
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out.try_clone().context("cannot share the log file")?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot start {}", describe(&command)))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            detached: false,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> Result<bool> {
        let status = self.child.try_wait().context("cannot wait for a child")?;
        Ok(status.is_none())
    }

    /// An error with its log if it has ended, for probes that wait for it to become ready.
    pub fn ensure_running(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait().context("cannot wait for a child")? {
            bail!("{} ended ({status}):\n{}", self.name, self.log());
        }
        Ok(())
    }

    /// Sends a signal, if it still runs.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if !self.is_running()? {
            return Ok(());
        }
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("a process id out of range")?;
        kill_process(pid, signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// Waits for it to end by itself.
    pub fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let what = format!("end of {}", self.name);
        wait::within(deadline, what, || {
            self.child.try_wait().context("cannot wait for a child")
        })
    }

    /// Kills it with SIGKILL and reaps it; nothing if it has ended already.
    pub fn kill(&mut self) -> Result<()> {
        // `Child::kill` is a no-op on a child that was reaped, so no other process can be hit.
        self.child
            .kill()
            .with_context(|| format!("cannot kill {}", self.name))?;
        self.child.wait().context("cannot wait for a child")?;
        Ok(())
    }

    /// Leaves it running when this guard is dropped.
    pub fn detach(&mut self) {
        self.detached = true;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        if let Err(error) = self.kill() {
            eprintln!("{error:#}");
        }
    }
}

/// Whether an exit status says that the process was ended by this signal.
pub fn ended_by(status: ExitStatus, signal: Signal) -> bool {
    status.signal() == Some(signal.as_raw())
}
