//! A command that goes on beside other work, on the processor time that this leaves, and never outlives
//! the program that began it.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{announce, program};

/// Below everything else (nice(1)).
const NICE: &str = "19";
/// Waits for the end of its input, which comes at the latest when the program that holds the other end is
/// gone, however that ended; then kills its process group, itself included.
const WARDEN: &str = "read -r _; kill -s KILL 0";

/// A running command. Dropping it ends the command and everything that the command started.
#[derive(Debug)]
pub(crate) struct Background {
    name: String,
    child: Child,
    /// Leads the process group of the command.
    warden: Child,
    log: PathBuf,
}

impl Background {
    /// Prints and starts `command` with its output in the file `log`.
    ///
    /// # Errors
    /// When the file cannot be written, or a process cannot be started.
    pub(crate) fn start(command: &Command, log: &Path) -> Result<Self> {
        let mut leisurely = leisurely(command);
        announce(&leisurely);
        if let Some(directory) = log.parent() {
            fs::create_dir_all(directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let output =
            File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let errors = output.try_clone().context("cannot share the log file")?;
        let warden = Command::new("sh")
            .args(["-c", WARDEN])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run sh")?;
        let group = i32::try_from(warden.id()).context("a process id out of range")?;
        let name = program(command);
        let child = leisurely
            .process_group(group)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        Ok(Self {
            name,
            child,
            warden,
            log: log.to_owned(),
        })
    }

    /// Waits for its end; anything but exit status 0 is an error, and then its output is printed.
    ///
    /// # Errors
    /// When it failed.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.child.wait().context("cannot wait for a child")?;
        if !status.success() {
            let said = fs::read(&self.log).unwrap_or_default();
            eprint!("{}", String::from_utf8_lossy(&said));
            bail!("{} failed: {status}", self.name);
        }
        Ok(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Its number stays the warden's until that has been waited for. An error says that nobody is left.
        let _ = kill_process_group(Pid::from_child(&self.warden), Signal::KILL);
        for child in [&mut self.warden, &mut self.child] {
            if let Err(error) = child.wait() {
                eprintln!("cannot wait for a part of {}: {error}", self.name);
            }
        }
    }
}

/// The same command by nice(1).
fn leisurely(command: &Command) -> Command {
    let mut leisurely = Command::new("nice");
    leisurely
        .args(["-n", NICE])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => leisurely.env(name, value),
            None => leisurely.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        leisurely.current_dir(directory);
    }
    leisurely
}

#[cfg(test)]
mod tests;
